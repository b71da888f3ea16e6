"""An app for compose.yaml: it asks about a handwritten digit again and again, and says who answered.

    python3 agent.py CONFIG [--every SECONDS] [--requests N] [--metrics HOST:PORT]

CONFIG is an agent.toml with a model `digits`. Every tenth image is secret and stays on this side. Prints a line a
request, and shows its metrics to Prometheus where --metrics says."""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from edge_agent import Agent, RequestError
from edge_agent.demo.digits import load_digits


def main() -> None:
    """Ask until told to stop, or `--requests` times."""
    given = _arguments()
    registry = CollectorRegistry()
    if given.metrics:
        host, _, port = given.metrics.rpartition(":")
        start_http_server(int(port), addr=host, registry=registry)
    images = load_digits().held_out.pixels
    with Agent.from_config(given.config, registry=registry) as agent:
        for number in range(given.requests) if given.requests else itertools.count():
            image = images[number % len(images)][None]
            privacy = "secret" if number % 10 == 9 else "personal"
            try:
                result = agent.infer("digits", {"pixels": image}, deadline_ms=500, privacy=privacy)
            except RequestError as error:
                print(f"{number}: {error}", flush=True)
            else:
                digit = result.outputs["probabilities"].argmax()
                print(f"{number}: {privacy}, a {digit}, says {result.target}; {result.reason}", flush=True)
            time.sleep(given.every)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--every", type=float, default=0.2)
    parser.add_argument("--requests", type=int, default=0)
    parser.add_argument("--metrics", default="")
    return parser.parse_args()


if __name__ == "__main__":
    main()
