"""Certificates as a release carries them, small and whole."""

from __future__ import annotations

from typing import Any

from router.cascade.certificate import Certificate

__all__ = ["certificate"]

DEVICE = "sha256:" + "d" * 64
REMOTE = "sha256:" + "c" * 64
PREPARATION = "sha256:" + "a" * 64


def certificate(**changed: Any) -> Certificate:
    """Return a certificate that promises 1 % and 2 % with confidence 0.9, and 5 % with 0.95; `changed` are fields."""
    document: dict[str, Any] = {
        "schema": 1,
        "model": "m",
        "method": "labels",
        "task": "classification",
        "score": "margin",
        "device_digest": DEVICE,
        "remote_digest": REMOTE,
        "preprocessing_digest": PREPARATION,
        "gains": {
            "knots": [0.0, 1.0],
            "default": [0.5, -0.5],
            "classes": {},
            "grid": [0.25, 0.0, -0.25],
        },
        "promises": [
            promise(0.01, 0.1, [0.25]),
            promise(0.02, 0.1, [0.25, 0.0]),
            promise(0.05, 0.05, [0.25, 0.0, -0.25]),
        ],
        "reference": {"edges": [0.25, 0.5, 0.75], "counts": [100, 100, 100, 100]},
        "n_fit": 400,
        "n_calibrate": 1000,
        "n_evaluate": 400,
        "split": "drawn with seed 0",
        "seed": 0,
        "made_utc": "2026-01-01T00:00:00Z",
        "not_covered": ["inputs unlike those calibrated on"],
    }
    return Certificate.model_validate({**document, **changed})


def promise(alpha: float, delta: float, passed: list[float], alpha_d: float = 0.05) -> dict[str, Any]:
    """Return one promise; without thresholds that passed it keeps nothing."""
    return {
        "alpha": alpha,
        "delta": delta,
        "threshold": passed[-1] if passed else None,
        "kept": 0.5 if passed else 0.0,
        "loss": 0.001,
        "alpha_d": alpha_d,
        "passed": passed,
    }
