"""Ask about one handwritten digit and tell where the answer comes from: `python examples/digits/ask.py`.

Works without a cloud: the device answers, and the receipt says what became of the rest."""

from __future__ import annotations

from pathlib import Path

from sklearn.datasets import load_digits

from edge_agent import Agent

if __name__ == "__main__":
    pixels = load_digits().images[:1].astype("uint8")
    with Agent.from_config(Path(__file__).with_name("agent.toml")) as agent:
        result = agent.infer("digits", {"pixels": pixels}, deadline_ms=500, privacy="personal")
    print(f"it is a {result.outputs['probabilities'].argmax()}, says {result.target}")
    print(result.reason)
    print(result.receipt)
