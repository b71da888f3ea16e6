"""`nearfar-agent`, the command for whoever builds an app on the agent.

infer   one request with an app's own configuration, and where it ran and why
doctor  every signal, target, model and policy, and what a request would do now
demo    a day in a device's life, on real digits"""

from __future__ import annotations

from edge_agent.cli.command import main

__all__ = ["main"]
