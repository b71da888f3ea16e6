"""Settings of simulated worlds for tests: a phone, a cellular link, one server and one model; jobs run to their end."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from typing import Any

from router.simulate.answers import Parametric
from router.simulate.arriving import Recorded
from router.simulate.capacity import Capacity, Rates
from router.simulate.curve import Curve, Steps
from router.simulate.device import DeviceModel, Outside
from router.simulate.faults import Fault
from router.simulate.job import Job
from router.simulate.link import LinkModel
from router.simulate.radio import RadioModel
from router.simulate.server import ServerModel
from router.simulate.thermal import ThermalModel
from router.simulate.workload import ModelFacts, Stream
from router.simulate.world import Setting
from router.types import Kind

__all__ = ["device", "link", "model", "radio", "run_all", "server", "setting"]

LEVEL = Steps([(0.0, 0.0)])


def radio(**changed: Any) -> RadioModel:
    values: dict[str, Any] = {
        "kind": "cellular",
        "metered": True,
        "wake_s": Curve([(10.0, 0.0), (12.0, 0.8)]),
        "wake_spread": 0.0,
        "wake_w": 1.2,
        "tail_s": 10.0,
        "tail_w": 1.0,
        "connected_w": 1.3,
        "up_w_per_mbps": 0.4,
        "down_w_per_mbps": 0.05,
    }
    return RadioModel(**values | changed)


def link(**changed: Any) -> LinkModel:
    pace: Capacity = Rates([(0.0, 8.0)])
    values: dict[str, Any] = {
        "name": "lte",
        "up": pace,
        "down": pace,
        "rtt_s": Steps([(0.0, 0.06)]),
        "jitter": 0.0,
        "radio": radio(),
    }
    return LinkModel(**values | changed)


def server(name: str = "cloud", **changed: Any) -> ServerModel:
    values: dict[str, Any] = {
        "name": name,
        "kind": Kind.CLOUD,
        "rtt_s": 0.04,
        "workers": 1,
        "speed": 1.0,
        "spread": 0.0,
        "queue_limit": 16,
        "queue_target_s": math.inf,
        "tells_load": True,
        "pushes_back": True,
        "usd_per_request": 0.0,
        "busy": LEVEL,
    }
    return ServerModel(**values | changed)


def device(**changed: Any) -> DeviceModel:
    values: dict[str, Any] = {
        "name": "phone",
        "runs_at_once": 1,
        "run_w": 2.0,
        "base_w": 1.0,
        "screen_w": 0.0,
        "load_w": 2.0,
        "contention": 0.5,
        "battery_wh": 15.0,
        "charge_loss": 0.1,
        "thermal": ThermalModel(8.0, 100.0, 2.0, Curve([(40.0, 1.0), (60.0, 3.0)])),
        "memory_free_mb": 2000.0,
    }
    return DeviceModel(**values | changed)


def model(targets: Iterable[str] = ("cloud",), **changed: Any) -> ModelFacts:
    names = list(targets)
    values: dict[str, Any] = {
        "name": "m",
        "device_s": 0.01,
        "service_s": dict.fromkeys(names, 0.02),
        "upload_bytes": 10_000,
        "download_bytes": 1_000,
        "answers": Parametric(0.75, 0.8, 1.0, dict.fromkeys(names, (0.95, 0.6))),
    }
    return ModelFacts(**values | changed)


def setting(
    *servers: ServerModel,
    times: Sequence[float] = (),
    faults: dict[str, tuple[Fault, ...]] | None = None,
    **changed: Any,
) -> Setting:
    places = servers or (server(),)
    facts = model(place.name for place in places)
    values: dict[str, Any] = {
        "duration_s": 3600.0,
        "device": device(),
        "outside": Outside(LEVEL, LEVEL, LEVEL, Steps([(0.0, 22.0)])),
        "battery_share": 1.0,
        "connections": ((0.0, link()),),
        "servers": places,
        "faults": faults or {},
        "models": {facts.name: facts},
        "streams": (Stream("app", facts, 0.3, ((1.0, "public"),), Recorded(times)),),
    }
    return Setting(**values | changed)


def run_all(*jobs: Job) -> dict[Job, float]:
    """Let virtual time pass until nothing happens any more. Return when each job that ended did."""
    agenda = [(job.next_at, number, job) for number, job in enumerate(jobs)]
    heapq.heapify(agenda)
    ended: dict[Job, float] = {}
    number = len(jobs)
    while agenda and agenda[0][0] < math.inf:
        at, _, job = heapq.heappop(agenda)
        if at < job.next_at and job.done:
            continue
        other = job.proceed(at)
        if job.done:
            ended[job] = at
        for again in (job, other):
            if again is not None and again.next_at < math.inf:
                number += 1
                heapq.heappush(agenda, (again.next_at, number, again))
    return ended
