"""A benchmark of routing: who should answer a request, the device or somebody else, on days that are the same for all.

`python -m benchmarks.routing`; README.md in this folder says what is measured and how to bring a rule of your own."""

from benchmarks.routing.command import main

__all__ = ["main"]
