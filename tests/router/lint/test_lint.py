"""What can change no decision is told with its exact place; what can is not."""

from __future__ import annotations

import pytest

from edge_agent import SignalsConfig
from router.lint import lint
from router.lint.whole import READ_EVERY_S
from router.rules.compile import built_in_policy
from router.types import Kind
from tests.router.situations import policy_of

LOW = "battery_pct = { less_than = 20 }"
LOWER = "battery_pct = { less_than = 10 }"


def _rules(*rules: tuple[str, str]) -> str:
    names = "abcdefg"
    return "".join(
        f'[[rules]]\nname = "{names[i]}"\nwhen = {{ {when} }}\n{effects}\n' for i, (when, effects) in enumerate(rules)
    )


FORBID = 'forbid = ["cloud"]'
NO_CLOUD = 'mode = "only_on_device"'
APPLY = '\non_unknown = "apply"'


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        pytest.param(
            "[budgets.money]\namount_usd = 1.0\n",
            ["budgets.money: no target has a price, `usd_per_request`: nothing is ever counted"],
            id="money that nothing costs",
        ),
        pytest.param(
            "[budgets.money]\namount_usd = 1.0\n[targets.cloud]\nusd_per_request = 0.1\n",
            [],
            id="money that calls cost",
        ),
        pytest.param(
            "[budgets.energy]\namount_j = 1.0\n",
            [
                "budgets.energy: when it is used up nothing answers until the next period, because the device takes of "
                'it as well: say at_zero = "least", to have whoever takes least answer, or at_zero = "stop", if that '
                "is meant"
            ],
            id="energy that closes the device without a word",
        ),
        pytest.param('[budgets.energy]\namount_j = 1.0\nat_zero = "stop"\n', [], id="energy that is meant to"),
        pytest.param('[budgets.energy]\namount_j = 1.0\nat_zero = "least"\n', [], id="energy that is not"),
        pytest.param("[budgets.energy]\namount_j = 1.0\n[energy]\ncpu_w = 0.0\n", [], id="a device that takes none"),
        pytest.param(
            "[budgets.money]\namount_usd = 0.05\nper = 'hour'\n[targets.cloud]\nusd_per_request = 0.1\n",
            [
                "budgets.money.amount_usd: one request to cloud costs 0.1, and 0.05 is all there is: after the first "
                "one of each hour it is used up"
            ],
            id="money for less than one call",
        ),
        pytest.param(
            "[worth]\nwrong_answer = 0\nmissed_deadline = 0\nfailed_request = 0\n"
            "second = 0\ndollar = 0\nmegabyte = 0\n",
            ["worth: nothing is worth anything: every plan costs the same, and mode auto has nothing to weigh"],
            id="nothing is worth anything",
        ),
        pytest.param("[worth]\nwrong_answer = 0\nsecond = 0\n", [], id="something is"),
        pytest.param(
            'mode = "only_on_device"\n[hedge]\n',
            ["hedge: the mode is always only_on_device: there is nobody to ask beside it"],
            id="a hedge with nobody",
        ),
        # -- conditions
        pytest.param(
            _rules(("battery_pct = { less_than = 0.2 }", FORBID)),
            ["rules[0].when: battery_pct is in percent: 0.2 is less than one; did you mean 20?"],
            id="a fraction for percent",
        ),
        pytest.param(
            _rules(("rtt_ms = { greater_than = 0.25 }, time_left_ms = { less_than = 0.5 }", FORBID)),
            [
                "rules[0].when: rtt_ms is in milliseconds: 0.25 is less than one; did you mean 250?",
                "rules[0].when: time_left_ms is in milliseconds: 0.5 is less than one; did you mean 500?",
            ],
            id="seconds for milliseconds",
        ),
        pytest.param(_rules(("cpu_load = { greater_than = 0.5 }, battery_pct = 0", FORBID)), [], id="a share"),
        pytest.param(
            _rules(("battery_pct = { less_than = 20, greater_than = 50 }", FORBID)),
            ["rules[0].when: can never hold: battery_pct less than 20 and battery_pct greater than 50"],
            id="F13 contradiction",
        ),
        pytest.param(
            _rules((LOW, FORBID), ("cpu_load = { greater_than = 80 }", NO_CLOUD)),
            ["rules[1].when: cpu_load greater than 80 can never hold: cpu_load is a number from 0 to 1"],
            id="a share, not percent",
        ),
        pytest.param(
            _rules(("cpu_load = { at_most = 1 }, " + LOW, FORBID)),
            ["rules[0].when: cpu_load at most 1 always holds: cpu_load is a number from 0 to 1"],
            id="bound beyond the range",
        ),
        pytest.param(
            _rules(("all = [{ charging = true }, { charging = false }]", FORBID)),
            ["rules[0].when: can never hold: charging equals true and charging equals false"],
            id="two values at once",
        ),
        pytest.param(
            _rules(("any = [{ all = [{ cpu_load = 0.1 }, { cpu_load = 0.2 }] }, { charging = true }]", FORBID)),
            ["rules[0].when: a part of it can never hold: cpu_load equals 0.1 and cpu_load equals 0.2"],
            id="one alternative",
        ),
        pytest.param(
            _rules(('label = "persnal"', FORBID)),
            ['rules[0].when: there is no label "persnal"; did you mean "personal"?'],
            id="no such label",
        ),
        pytest.param(
            _rules(('label = { one_of = ["public", "x"] }', FORBID)),
            ['rules[0].when: there is no label "x"; known here: internal, personal, public, secret'],
            id="no such label among others",
        ),
        pytest.param(
            _rules(("upload_bytes = { greater_than = 5 }", FORBID + APPLY)),
            ["rules[0].on_unknown: its condition can never be unknown"],
            id="never unknown",
        ),
        pytest.param(_rules(('label = "public"', FORBID + APPLY)), [], id="a label may be missing"),
        pytest.param(
            _rules(("battery_pct = { less_than = 2, greater_than = 5 }", FORBID + APPLY)),
            ["rules[0].when: can never hold: battery_pct less than 2 and battery_pct greater than 5"],
            id="never, but unknown",
        ),
        # -- rules that come too late
        pytest.param(
            _rules(("", 'mode = "prefer_on_device"'), (LOW, NO_CLOUD)),
            [
                'mode: never used: rule "a" always applies and gives another',
                'rules[1].mode: never counts: rule "a" applies whenever this one does, and gives the mode first',
            ],
            id="F13 after one that always applies",
        ),
        pytest.param(
            _rules((LOW, 'mode = "prefer_on_device"'), (LOWER, NO_CLOUD)),
            ['rules[1].mode: never counts: rule "a" applies whenever this one does, and gives the mode first'],
            id="F13 after a wider one",
        ),
        pytest.param(
            _rules((LOW, 'mode = "prefer_on_device"'), (LOWER + ", charging = false", NO_CLOUD)),
            ['rules[1].mode: never counts: rule "a" applies whenever this one does, and gives the mode first'],
            id="F13 after a wider one of fewer facts",
        ),
        pytest.param(
            _rules((LOWER, 'mode = "prefer_on_device"'), (LOW, NO_CLOUD)), [], id="after a narrower one: it counts"
        ),
        pytest.param(
            _rules((LOW, 'mode = "prefer_on_device"'), (LOWER, NO_CLOUD + APPLY)), [], id="it applies to unknown, too"
        ),
        pytest.param(
            _rules((LOW, FORBID), (LOWER, FORBID + "\n" + NO_CLOUD)),
            ['rules[1].forbid: "cloud" is forbidden already: rule "a" applies whenever this one does, and forbids it'],
            id="forbidden already",
        ),
        pytest.param(
            '[targets.eu]\nkind = "cloud"\n' + _rules((LOW, FORBID), (LOW, 'forbid = ["eu"]')),
            ['rules[1].forbid: "eu" is forbidden already: rule "a" applies whenever this one does, and forbids it'],
            id="its kind is forbidden already",
        ),
        pytest.param(
            '[targets.eu]\nkind = "cloud"\n' + _rules((LOW, 'forbid = ["eu", "cloud"]')),
            ['rules[0].forbid: "eu" is of kind "cloud", which this rule forbids as a whole'],
            id="its kind is forbidden beside it",
        ),
        pytest.param(
            _rules((LOW, 'escalate_below = "never"'), (LOWER, "escalate_below = 0.5")) + "[escalation]\nbelow = 0.8",
            ['rules[1].escalate_below: never counts: rule "a" applies whenever this one does, and says so first'],
            id="escalation said already",
        ),
        pytest.param(
            _rules((LOW, 'mode = "auto"')),
            ["rules[0].mode: changes nothing: it is the policy's own, and no later rule gives another"],
            id="the policy's own mode",
        ),
        pytest.param(_rules((LOW, 'mode = "auto"'), ("cpu_load = 1", NO_CLOUD)), [], id="it shields from a later rule"),
        pytest.param(
            '[escalation]\nbelow = "never"\n' + _rules((LOW, 'escalate_below = "never"')),
            ["rules[0].escalate_below: changes nothing: it is what holds without it, and no later rule says otherwise"],
            id="never where nothing escalates",
        ),
        pytest.param(_rules((LOW, 'escalate_below = "never"')), [], id="never where the best may"),
        # -- escalation
        pytest.param(
            'mode = "prefer_on_device"\n[escalation]\nbelow = 0.8\n' + _rules((LOW, "escalate_below = 0.5")),
            [
                "rules[0].escalate_below: only mode auto escalates, and it is never in force",
                "escalation: only mode auto escalates, and it is never in force",
            ],
            id="escalation without auto",
        ),
        pytest.param(
            'mode = "prefer_on_device"\n[escalation]\nbelow = "never"\n',
            ["escalation: only mode auto escalates, and it is never in force"],
            id="no escalation without auto",
        ),
        pytest.param('mode = "prefer_on_device"\n', [], id="nothing said without auto"),
        pytest.param(
            'mode = "prefer_on_device"\n[escalation]\nbelow = 0.8\n' + _rules((LOW, 'mode = "auto"')),
            [],
            id="escalation with auto by a rule",
        ),
        pytest.param(
            'mode = "prefer_on_device"\n[escalation]\nbelow = 0.8\n'
            + _rules(("cpu_load = { greater_than = 2 }", 'mode = "auto"')),
            [
                "rules[0].when: cpu_load greater than 2 can never hold: cpu_load is a number from 0 to 1",
                "escalation: only mode auto escalates, and it is never in force",
            ],
            id="escalation with auto by a rule that never holds",
        ),
        pytest.param(
            "[escalation]\nbelow = 1.0",
            ["escalation.below: no score is above 1: every answer of the device escalates"],
            id="always escalating",
        ),
        pytest.param(
            "[escalation]\nbelow = 0.5\nrecovers = 0.0",
            ["escalation.recovers: asking is believed to set nothing right: it never pays"],
            id="escalating for nothing",
        ),
        pytest.param('[escalation]\nbelow = "best"\nrecovers = 0.0', [], id="a gain that is evaluated"),
        pytest.param(
            "[escalation]\nbelow = 0.05\nshare = 0.02\n"
            "[targets.device]\np_wrong = 0.3\n[targets.cloud]\np_wrong = 0.02",
            [
                "escalation.share: 0.02 of all requests are believed to be asked, and 0.252 to be set right by it"
                " (recovers, of what the device has wrong and a remote target right): it cannot be more than are asked"
            ],
            id="more set right than asked",
        ),
        pytest.param(
            "[escalation]\nbelow = 0.05\nshare = 0.28\nrecovers = 1.0\n"
            "[targets.device]\np_wrong = 0.3\n[targets.cloud]\np_wrong = 0.02",
            [],
            id="as much set right as asked",
        ),
        pytest.param(
            _rules((LOW, "escalate_below = 1.0")),
            ["rules[0].escalate_below: no score is above 1: every answer of the device escalates"],
            id="always escalating by a rule",
        ),
        # -- what only mode auto does
        pytest.param(
            'mode = "prefer_on_device"\n[exploration]\nshare = 0.1\n[radio]\nwake = true\n[hysteresis]\nmargin = 0.1\n',
            [
                "exploration.share: only mode auto explores, and it is never in force",
                "radio.wake: only mode auto wakes the radio, and it is never in force",
                "hysteresis.margin: only mode auto compares costs, and it is never in force",
            ],
            id="exploring, waking and comparing without auto",
        ),
        pytest.param(
            'mode = "prefer_on_device"\n[exploration]\nshare = 0.1\n' + _rules((LOW, 'mode = "auto"')),
            [],
            id="exploring with auto by a rule",
        ),
        pytest.param('mode = "prefer_on_device"\n[hysteresis]\ndwell_s = 9\n', [], id="dwelling without auto"),
        # -- labels and targets
        pytest.param(
            "[labels]\na = []\nb = ['device']",
            ["labels.a: permits no target: every such request is refused"],
            id="label without target",
        ),
        pytest.param(
            "[labels]\na = ['cloud']\nb = ['device']",
            ["labels: no target is permitted by every label: a request without a label is refused"],
            id="no strictest",
        ),
        pytest.param(
            "[labels]\na = ['device', 'cloud']\n[targets.attic]\nkind = 'fog'",
            ["targets.attic: no label permits it: it is never asked"],
            id="target without label",
        ),
        pytest.param(
            "mode = 'only_on_device'\n[targets.cloud]\np_wrong = 0.1",
            ["targets.cloud: the mode is always only_on_device: it is never asked"],
            id="target that no mode asks",
        ),
        pytest.param(
            "[targets.cloud]\np_wrong = 0.1\n" + _rules(("", FORBID)),
            ['targets.cloud: rule "a" always forbids it: it is never asked'],
            id="target that is always forbidden",
        ),
        # -- signals
        pytest.param(
            "stale_after_s.cpu_load = 9",
            ["stale_after_s.cpu_load: no rule reads this signal"],
            id="signal without rule",
        ),
        pytest.param(
            "stale_after_s.battery_pct = 9\n" + _rules((LOW, FORBID)),
            [
                "stale_after_s.battery_pct: agents read it every 30 s, unless they are configured otherwise: until the "
                "next reading it is unknown"
            ],
            id="unknown most of the time",
        ),
        pytest.param("stale_after_s.battery_pct = 90\n" + _rules((LOW, FORBID)), [], id="signal with rule"),
        pytest.param("stale_after_s.rtt_ms = 9", [], id="round trip without rule"),
        pytest.param(
            "stale_after_s.queue_ms = 9\n" + _rules(('"queue_ms.cloud" = { at_least = 5 }', FORBID)),
            [],
            id="signal of a target with rule",
        ),
        pytest.param(
            "stale_after_s.up_mbps = 9\n" + _rules(('"queue_ms.cloud" = { at_least = 5 }', FORBID)),
            ["stale_after_s.up_mbps: no rule reads this signal"],
            id="another signal of a target",
        ),
        # -- texts
        pytest.param(
            _rules(('all = [{ link = "wifi" }, { link = "cellular" }]', FORBID)),
            ["rules[0].when: can never hold: link equals wifi and link equals cellular"],
            id="two links at once",
        ),
        pytest.param(
            _rules(('link = { one_of = ["ethernet", "wifi", "cellular", "none"] }', FORBID)),
            [
                "rules[0].when: link one of ['ethernet', 'wifi', 'cellular', 'none'] always holds: link is one of "
                "ethernet, wifi, cellular, none"
            ],
            id="any link",
        ),
    ],
)
def test_what_changes_nothing_is_told(text: str, warnings: list[str]) -> None:
    assert [str(warning) for warning in lint(policy_of(text))] == warnings


def test_targets_that_the_agent_has_are_looked_at_too() -> None:
    targets = {"device": Kind.DEVICE, "cloud": Kind.CLOUD, "attic": Kind.FOG}
    policy = policy_of("labels = { a = ['device', 'cloud'] }", targets=targets)
    assert [warning.path for warning in lint(policy)] == ["targets.attic"]


def test_the_built_in_policy_has_nothing_idle() -> None:
    assert lint(built_in_policy()) == ()


def test_how_often_agents_read_a_signal_is_what_their_configuration_says() -> None:
    signals = SignalsConfig()
    fields = {
        **dict.fromkeys(("battery_pct", "charging", "discharge_w"), signals.battery_s),
        "memory_free_mb": signals.memory_s,
        **dict.fromkeys(("temperature_c", "throttled"), signals.temperature_s),
        "rtt_ms": signals.round_trip_s,
    }
    assert fields == READ_EVERY_S
