"""A mode that contradicts labels is told where it stands, and is one: nothing may answer such a request."""

from __future__ import annotations

import pytest

from router.choosing.engine import decide
from router.lint import lint
from router.types import Kind
from tests.router.situations import policy_of, situation, target

SECRET_HERE = '[labels]\nopen = ["device", "cloud"]\nsecret = ["device"]\n'
RULE = '[[rules]]\nname = "a"\nwhen = {{ {} }}\n{}\n'
DEVICE_ALONE = "it permits the device alone, and the mode is always only_in_cloud"
BARE = (
    "labels: a request without a label is treated like the strictest, and refused: that permits the device alone, "
    "and the mode is always only_in_cloud"
)
AT_THE_RULE = 'nothing may answer where it holds: label "secret" permits the device alone'


def _told(text: str, targets: dict[str, Kind] | None = None) -> list[str]:
    return [str(warning) for warning in lint(policy_of(text, targets=targets), targets=targets)]


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        pytest.param(
            f'mode = "only_in_cloud"\n{SECRET_HERE}',
            [f"labels.secret: every such request is refused: {DEVICE_ALONE}", BARE],
            id="the mode against a label",
        ),
        pytest.param(
            'mode = "only_in_cloud"\n',
            [f"labels.secret: every such request is refused: {DEVICE_ALONE}", BARE],
            id="the mode against the labels that hold without any",
        ),
        pytest.param(
            'mode = "only_on_device"\n[labels]\nup = ["cloud"]\n',
            [
                "labels.up: every such request is refused: it does not permit the device, and the mode is always "
                "only_on_device",
                "labels: a request without a label is treated like the strictest, and refused: that does not permit "
                "the device, and the mode is always only_on_device",
            ],
            id="the other way round",
        ),
        pytest.param(
            SECRET_HERE + RULE.format('label = "secret"', 'mode = "only_in_cloud"'),
            [f"rules[0].mode: {AT_THE_RULE}, and only_in_cloud closes that"],
            id="a rule for the label",
        ),
        pytest.param(
            SECRET_HERE + RULE.format('label = "secret", charging = true', 'mode = "only_in_cloud"'),
            [f"rules[0].mode: {AT_THE_RULE}, and only_in_cloud closes that"],
            id="a rule for the label now and then",
        ),
        pytest.param(
            SECRET_HERE + RULE.format('label = "secret"', 'forbid = ["device"]'),
            [f"rules[0].forbid: {AT_THE_RULE}, and the rule forbids that"],
            id="a rule that forbids all that the label permits",
        ),
        pytest.param(
            SECRET_HERE + RULE.format('label = { one_of = ["open", "secret"] }', 'mode = "only_in_cloud"'),
            [f"labels.secret: every such request is refused: {DEVICE_ALONE}"],
            id="a rule that is of use for another label",
        ),
        pytest.param(
            'mode = "only_in_cloud"\n[labels]\nopen = ["device", "cloud"]\n', [], id="a label that permits what is left"
        ),
        pytest.param(
            'mode = "only_in_cloud"\n[labels]\nopen = ["cloud"]\nsecret = ["device"]\n'
            + RULE.format('label = "secret"', 'mode = "only_on_device"'),
            ["labels: no target is permitted by every label: a request without a label is refused"],
            id="a mode with an exception for the label",
        ),
        pytest.param(
            f'mode = "prefer_in_cloud"\n{SECRET_HERE}' + RULE.format("charging = true", 'mode = "only_in_cloud"'),
            [],
            id="a mode that holds now and then",
        ),
    ],
)
def test_a_mode_that_contradicts_labels_is_told(text: str, warnings: list[str]) -> None:
    """A policy that refused every secret request, and every request without a label, had nothing to be told of."""
    assert _told(text) == warnings


def test_where_the_targets_are_known_a_label_that_permits_none_of_them_is_told() -> None:
    text = 'mode = "only_in_cloud"\n[labels]\nopen = ["device", "fog"]\n'
    assert _told(text) == []
    here = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
    assert _told(text, here)[0] == f"labels.open: every such request is refused: {DEVICE_ALONE}"


@pytest.mark.parametrize("label", ["secret", None])
@pytest.mark.parametrize("readings", [{}, {"charging": True}, {"battery_pct": 3.0, "link": "wifi"}])
def test_what_is_called_refused_is(label: str | None, readings: dict[str, bool | float | str]) -> None:
    policy = policy_of(f'mode = "only_in_cloud"\n{SECRET_HERE}')
    of = situation(target("device"), target("cloud"), target("fog"), readings=readings, label=label)
    assert decide(policy, of).plan is None


def test_a_thousand_rules_of_labels_are_too_many_to_tell_of() -> None:
    labels = "[labels]\n" + "".join(f'l{i} = ["device"]\n' for i in range(64))
    rules = "".join(f'[[rules]]\nname = "r{i}"\nwhen = {{ label = "l1" }}\nforbid = ["cloud"]\n' for i in range(40))
    assert not any("every such request" in told for told in _told(f'mode = "only_in_cloud"\n{labels}{rules}'))
