"""Two policies differ in what they mean, not in how they are written; looser privacy is told first."""

from __future__ import annotations

import pytest

from router.rules.compile import compile_policy
from router.telling.difference import Side, differences, looser, side_of
from tests.router.situations import HEAD

LOW = '[[rules]]\nname = "low"\nwhen = { battery_pct = { less_than = 20 }, charging = false }\nforbid = ["cloud"]\n'
BOTH = "battery_pct = { less_than = 20 }, charging = false"
FAR = '[[rules]]\nname = "far"\nwhen = { rtt_ms = { greater_than = 84 } }\nmode = "only_on_device"\n'


def _side(text: str) -> Side:
    content = (HEAD + text).encode()
    return side_of(compile_policy(content), content)


def _differences(old: str, new: str) -> list[str]:
    return [str(difference) for difference in differences(_side(old), _side(new))]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("", "# nothing\nmode = 'auto'\n[worth]\nsecond = 0.05\n", id="defaults written out"),
        pytest.param('labels.a = ["cloud", "device"]', 'labels.a = ["device", "cloud"]', id="order of places"),
        pytest.param(
            LOW, LOW.replace(BOTH, "charging = false, battery_pct = { less_than = 20.0 }"), id="order in a condition"
        ),
        pytest.param(LOW, LOW.replace("charging = false", "charging = { equals = false }"), id="short for equals"),
        pytest.param(LOW, LOW + 'on_unknown = "skip"\n', id="default of a rule"),
        pytest.param("", "[targets.cloud]\np_wrong = 0.05\nprior_ms = [1, 40]\n", id="beliefs that are the defaults"),
        pytest.param("", '[targets.fog]\nkind = "fog"\n', id="a kind that is there anyway"),
    ],
)
def test_what_means_the_same_is_no_difference(old: str, new: str) -> None:
    assert _differences(old, new) == []
    assert _differences(new, old) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "mode = 'only_on_device'", ["mode: auto -> only_on_device"]),
        ("", "worth.dollar = 100", ["worth.dollar: 1 -> 100"]),
        ("", "escalation.below = 0.5", ["escalation added: below = 0.5, recovers = 0.9, share = 0.3"]),
        ("escalation.below = 0.5", "escalation.below = 0.6", ["escalation.below: 0.5 -> 0.6"]),
        ("", "stale_after_s.cpu_load = 9", ["stale_after_s.cpu_load added: 9"]),
        (
            "",
            "[targets.cloud]\np_wrong = 0.2\nusd_per_request = 0.01",
            ["targets.cloud.p_wrong: 0.05 -> 0.2", "targets.cloud.usd_per_request: 0 -> 0.01"],
        ),
        ("", "[targets.cloud]\nprior_ms = [2, 40]", ["targets.cloud.prior_ms: 1, 40 -> 2, 40"]),
        ("", '[targets.attic]\nkind = "fog"', ["targets.attic added: fog"]),
        ('[targets.attic]\nkind = "fog"', '[targets.attic]\nkind = "cloud"', ["targets.attic: fog -> cloud"]),
        ("", LOW, ["rules.low added: when battery_pct less than 20 and charging equals false; forbid cloud"]),
        (LOW, "", ["rules.low removed: when battery_pct less than 20 and charging equals false; forbid cloud"]),
        (
            LOW,
            LOW.replace("20", "30"),
            [
                "rules.low.when: battery_pct less than 20 and charging equals false -> "
                "battery_pct less than 30 and charging equals false"
            ],
        ),
        (
            LOW,
            LOW + 'mode = "auto"\nescalate_below = 0.5\non_unknown = "apply"\n',
            [
                "rules.low.on_unknown: skip -> apply",
                "rules.low.mode added: auto",
                "rules.low.escalate_below added: 0.5",
            ],
        ),
        (LOW, LOW.replace("cloud", "fog"), ["rules.low.forbid: cloud -> fog"]),
        (LOW + FAR, FAR + LOW, ["rules: low, far -> far, low"]),
        ('labels.a = ["device"]', "labels.b = []", ["labels.a removed: device", "labels.b added: nobody"]),
        ("", "[promise]\nmax_loss = 0.01", ["promise added: max_loss = 0.01, confidence = 0.9, audit = 0.02"]),
    ],
)
def test_what_differs_is_told_with_its_place(old: str, new: str, told: list[str]) -> None:
    assert _differences(old, new) == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param(
            '[labels]\npublic = ["device", "cloud"]\nsecret = ["device"]',
            '[labels]\npublic = ["device", "cloud"]\nsecret = ["device", "cloud"]',
            ['label "secret" may now be seen by cloud', "a request without a label may now be seen by cloud"],
            id="a label permits more",
        ),
        pytest.param(
            '[labels]\npublic = ["device", "cloud"]\nsecret = ["device"]',
            '[labels]\npublic = ["device", "cloud"]',
            ["a request without a label may now be seen by cloud"],
            id="the strictest label is gone",
        ),
        pytest.param(
            '[targets.attic]\nkind = "fog"\n[labels]\na = ["attic"]',
            '[targets.attic]\nkind = "fog"\n[labels]\na = ["fog"]',
            ['label "a" may now be seen by fog', "a request without a label may now be seen by fog"],
            id="from one target to all of its kind",
        ),
        pytest.param(
            '[targets.attic]\nkind = "fog"\n[labels]\na = ["cloud"]',
            '[targets.attic]\nkind = "cloud"\n[labels]\na = ["cloud"]',
            ['label "a" may now be seen by attic', "a request without a label may now be seen by attic"],
            id="a target becomes one of a kind that is permitted",
        ),
        pytest.param('labels.a = ["device", "cloud"]', 'labels.a = ["device"]', [], id="stricter"),
        pytest.param(
            'labels.a = ["device"]', 'labels.a = ["device"]\nlabels.b = ["device", "cloud"]', [], id="new label"
        ),
        pytest.param('labels.a = ["cloud", "device"]', 'labels.a = ["device", "cloud"]', [], id="the same"),
        pytest.param(LOW, "", [], id="a rule is no privacy"),
    ],
)
def test_looser_privacy_is_told(old: str, new: str, told: list[str]) -> None:
    assert [str(one) for one in looser(_side(old), _side(new))] == told
