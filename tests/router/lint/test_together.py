"""Rules that can hold at once and want opposite things are told, with values at which they do; exceptions are not."""

from __future__ import annotations

import pytest

from router.lint import lint
from router.types import Kind
from tests.router.situations import policy_of

CLOUD = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
LOW, FAR = "battery_pct = { less_than = 20 }", "rtt_ms = { greater_than = 100, less_than = 300 }"

# A label that would permit the device alone is told of on its own.
ONLY_IN_CLOUD = 'mode = "only_in_cloud"\n[labels]\nopen = ["device", "fog", "cloud"]\n'


def _rules(*rules: tuple[str, str]) -> str:
    return "".join(
        f'[[rules]]\nname = "{"abcdefg"[i]}"\nwhen = {{ {when} }}\n{effects}\n'
        for i, (when, effects) in enumerate(rules)
    )


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        pytest.param(
            _rules((LOW, 'mode = "prefer_in_cloud"'), (FAR, 'mode = "only_on_device"')),
            [
                'rules[1].mode: contradicts rule "a", which gives prefer_in_cloud and stands first: '
                "both hold at battery_pct = 10, rtt_ms = 200"
            ],
            id="F13 opposite modes",
        ),
        pytest.param(
            _rules((LOW, 'escalate_below = "never"'), (FAR, "escalate_below = 0.9")) + "[escalation]\nbelow = 0.5",
            [
                'rules[1].escalate_below: contradicts rule "a", which says never and stands first: '
                "both hold at battery_pct = 10, rtt_ms = 200"
            ],
            id="F13 opposite escalations",
        ),
        pytest.param(
            _rules((LOW, 'mode = "only_on_device"'), (FAR, 'mode = "prefer_on_device"')), [], id="of one mind"
        ),
        pytest.param(
            'mode = "prefer_on_device"\n' + _rules((LOW, 'mode = "only_on_device"'), (FAR, 'mode = "auto"')),
            [],
            id="weighing",
        ),
        pytest.param(
            _rules((f"{LOW}, {FAR}", 'mode = "only_on_device"'), (FAR, 'mode = "prefer_in_cloud"')),
            [],
            id="an exception, and what it is one to",
        ),
        pytest.param(
            _rules((LOW, 'mode = "only_on_device"'), ("battery_pct = { at_least = 20 }", 'mode = "only_in_cloud"')),
            [],
            id="never at once",
        ),
        pytest.param(
            _rules(
                (FAR, 'mode = "only_on_device"'), ('"rtt_ms.cloud" = { less_than = 50 }', 'mode = "prefer_in_cloud"')
            ),
            [],
            id="two names that may be one signal",
        ),
        pytest.param(
            _rules(
                (LOW, 'mode = "only_on_device"'), (FAR, 'mode = "prefer_on_device"'), ("", 'mode = "only_in_cloud"')
            ),
            ['mode: never used: rule "c" always applies and gives another'],
            id="a rule for all the rest",
        ),
        # -- nothing that may answer
        pytest.param(
            _rules((LOW, 'mode = "only_on_device"\nforbid = ["device"]')),
            ["rules[0].forbid: nothing may answer where it holds at battery_pct = 10: its own mode is only_on_device"],
            id="a rule against itself",
        ),
        pytest.param(
            _rules((LOW, 'forbid = ["device", "fog", "cloud"]')),
            ["rules[0].forbid: nothing may answer where it holds at battery_pct = 10: it forbids every target"],
            id="everything forbidden",
        ),
        pytest.param(
            ONLY_IN_CLOUD + _rules((LOW, 'forbid = ["fog", "cloud"]')),
            ["rules[0].forbid: nothing may answer where it holds at battery_pct = 10: the mode is only_in_cloud"],
            id="against the policy's mode",
        ),
        pytest.param(
            _rules((LOW, 'forbid = ["device"]'), (FAR, 'mode = "only_on_device"')),
            [
                'rules[1].mode: contradicts rule "a": nothing may answer where both hold at battery_pct = 10, '
                "rtt_ms = 200"
            ],
            id="what one wants the other forbids",
        ),
        pytest.param(
            _rules((LOW, 'forbid = ["device"]'), (FAR, 'forbid = ["fog", "cloud"]')),
            [
                'rules[1].forbid: contradicts rule "a": nothing may answer where both hold at battery_pct = 10, '
                "rtt_ms = 200"
            ],
            id="all forbidden between them",
        ),
        pytest.param(
            _rules((LOW, 'mode = "auto"'), (LOW, 'forbid = ["device"]'), (FAR, 'mode = "only_on_device"')),
            [],
            id="another mode comes first",
        ),
        pytest.param(_rules((LOW, 'forbid = ["cloud"]')), [], id="fog is left"),
        pytest.param(ONLY_IN_CLOUD + _rules((LOW, 'forbid = ["cloud"]')), [], id="fog may be there"),
    ],
)
def test_contradictions_are_told_with_their_places(text: str, warnings: list[str]) -> None:
    assert [str(warning) for warning in lint(policy_of(text))] == warnings


def test_where_the_targets_are_known_nobody_waits_for_others() -> None:
    policy = policy_of(_rules((LOW, 'forbid = ["cloud", "device"]')), targets=CLOUD)
    assert lint(policy) == ()
    assert [str(warning) for warning in lint(policy, targets=CLOUD)] == [
        "rules[0].forbid: nothing may answer where it holds at battery_pct = 10: it forbids every target"
    ]
