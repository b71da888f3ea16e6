"""The files that the demo writes for its agents, as anybody would write them. Pure: text out.

The first policy decides the day; the fixed ones are what it is compared with, and decide nothing."""

from __future__ import annotations

from edge_agent.demo.release import MODEL_NAME
from router.types import Mode

__all__ = ["agent_document", "day_policy", "fixed_policy"]


def agent_document(address: str) -> str:
    """Return the agent's configuration, whose cloud is at `address`, a HOST:PORT."""
    return f"""\
schema = 1
policy = "policy.toml"

[models.{MODEL_NAME}]
release = "releases/{MODEL_NAME}"

[targets.cloud]
address = "{address}"
probe_timeout_s = 2.0           # measuring the slow network takes two round trips of 0.4 s

[signals]
round_trip_s = 0.25             # the demo's day takes half a minute; the default is 3 s
"""


def day_policy(margin: float) -> str:
    """Return the policy of the day, which keeps the device's answer where its margin is above `margin`."""
    return f"""\
schema = 1
name = "demo-day"
version = 1
mode = "auto"                   # weigh the plans by what each is expected to cost

[labels]                        # privacy label -> who may see such a request
internal = ["device", "cloud"]
secret = ["device"]

[escalation]                    # ask the cloud where the device is not certain of its answer:
below = {margin:<24}# the largest minus the second largest probability

[targets.cloud]
usd_per_request = 0.0002        # two hundredths of a cent a call

[worth]                         # the unit is one wrong answer
dollar = 100.0                  # a wrong answer costs us a cent, so a dollar weighs as a hundred of them

[[rules]]
name = "battery-low"            # waking the radio takes more energy than this model does
when = {{ battery_pct = {{ less_than = 20 }}, charging = false }}
mode = "only_on_device"

[[rules]]
name = "device-busy"            # the app needs the cores for itself; its own model stays the fallback
when = {{ cpu_load = {{ greater_than = 0.9 }} }}
mode = "prefer_in_cloud"

[breaker]                       # the demo's day takes half a minute; the default pause is 30 s
open_s = 0.5
max_open_s = 1.0
"""


def fixed_policy(mode: Mode) -> str:
    """Return a policy that always does the same."""
    return f"""\
schema = 1
name = "fixed"
version = 1
mode = "{mode.value}"

[labels]
internal = ["device", "cloud"]
"""
