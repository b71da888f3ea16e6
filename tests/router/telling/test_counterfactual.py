"""What would have changed a decision is found by deciding again, and holds on both sides of where it begins."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.choosing.engine import Decision, decide
from router.rules.policy import Policy
from router.telling.counterfactual import changes, done, same_choice, told
from router.telling.knobs import knobs
from router.types import BreakerPhase, Kind, Radio, Situation, TimeAfter
from tests.router.situations import NOW, policy_of, readings_of, situation, target, times

LOW = (
    '[[rules]]\nname = "low"\nwhen = { battery_pct = { less_than = 20 }, charging = false }\nmode = "only_on_device"\n'
)
FAR = '[[rules]]\nname = "far"\nwhen = { rtt_ms = { greater_than = 84 } }\nforbid = ["cloud"]\n'
EMPTY = {"battery_pct": 10.0, "charging": False, "rtt_ms": 50.0, "rtt_ms.cloud": 50.0}
FULL = EMPTY | {"battery_pct": 80.0}


def _told(policy: Policy, of: Situation, *names: str) -> list[str]:
    return [told(change) for change in changes(policy, decide(policy, of)) if not names or change.name in names]


@pytest.mark.parametrize(
    ("text", "of", "name", "said"),
    [
        pytest.param(
            LOW,
            situation(readings=EMPTY),
            "battery_pct",
            ["in the cloud, else device, if battery_pct were at least 20 % (it is 10 %)"],
            id="number, at the line of a rule",
        ),
        pytest.param(
            LOW,
            situation(readings=FULL),
            "battery_pct",
            ["on the device alone, if battery_pct were below 20 % (it is 80 %)"],
            id="number, beyond the line of a rule",
        ),
        pytest.param(
            LOW,
            situation(readings=EMPTY),
            "charging",
            [
                "in the cloud, else device, if charging were true (it is false)",
                "in the cloud, else device, if charging were unknown (it is false)",
            ],
            id="flag",
        ),
        pytest.param(
            FAR,
            situation(readings=FULL),
            "rtt_ms.cloud",
            ["on the device alone, if rtt_ms.cloud were above 84 ms (it is 50 ms)"],
            id="round trip, at the line of a rule about the first remote target",
        ),
        pytest.param(
            "",
            situation(target("device"), target("cloud", round_trip_s=0.05), readings=FULL, left_ms=5000),
            "rtt_ms.cloud",
            ["on the device, else cloud, if rtt_ms.cloud were at least 990 ms (it is 50 ms)"],
            id="round trip, by what waiting is worth",
        ),
        pytest.param(
            FAR,
            situation(),
            "rtt_ms",
            ["on the device alone, if rtt_ms were above 84 ms (it is unknown)"],
            id="reading that is unknown",
        ),
        pytest.param(
            '[[rules]]\nname = "wifi"\nwhen = { link = "cellular" }\nmode = "only_on_device"\n',
            situation(readings={"link": "wifi"}),
            "link",
            ['on the device alone, if link were "cellular" (it is "wifi")'],
            id="text",
        ),
        pytest.param(
            "",
            situation(),
            "label",
            [
                'on the device alone, if label were "secret" (it is "public")',
                'on the device alone, if label were unknown (it is "public")',
            ],
            id="label",
        ),
        pytest.param(
            '[[rules]]\nname = "tiny"\nwhen = { model = "tiny" }\nforbid = ["cloud"]\n',
            situation(),
            "model",
            ['on the device alone, if model were "tiny" (it is "m")'],
            id="model",
        ),
        pytest.param(
            '[[rules]]\nname = "large"\nwhen = { upload_bytes = { greater_than = 5000 } }\nforbid = ["cloud"]\n',
            situation(),
            "upload_bytes",
            ["on the device alone, if upload_bytes were above 5000 bytes (it is 1000 bytes)"],
            id="upload, in whole bytes",
        ),
        pytest.param(
            'mode = "only_in_cloud"',
            situation(),
            "breaker.cloud",
            ['nowhere, if breaker.cloud were "open" (it is "closed")'],
            id="breaker",
        ),
        pytest.param(
            'mode = "only_in_cloud"',
            situation(target("device"), target(serves=False, why_not="no such model")),
            "serves.cloud",
            ["in the cloud alone, if serves.cloud were true (it is false)"],
            id="model that is not there",
        ),
        pytest.param('mode = "only_on_device"', situation(), "rtt_ms.cloud", [], id="nothing"),
    ],
)
def test_the_nearest_value_that_changes_the_decision_is_told(
    text: str, of: Situation, name: str, said: list[str]
) -> None:
    assert _told(policy_of(text), of, name) == said


def test_a_stale_reading_is_unknown() -> None:
    of = replace(situation(), readings=readings_of({"rtt_ms": 500.0}, NOW - 1000))
    assert _told(policy_of(FAR), of, "rtt_ms") == ["on the device alone, if rtt_ms were above 84 ms (it is unknown)"]


def test_a_decision_without_a_plan_is_explained_too() -> None:
    policy = policy_of('mode = "only_in_cloud"\n[labels]\npublic = ["cloud"]\nsecret = ["device"]\n')
    (line,) = _told(policy, situation(label="secret"), "label")
    assert line == 'in the cloud alone, if label were "public" (it is "secret")'


RICH = Situation(
    situation(model="m").request,
    readings_of({"battery_pct": 50.0, "charging": True, "link": "cellular", "rtt_ms": 50.0, "rtt_ms.cloud": 50.0}),
    (
        target("device", p_wrong=0.1),
        target(
            p_wrong=0.05,
            round_trip_s=0.05,
            upload_bytes_per_s=1e6,
            queue_wait_s=0.01,
            times_after=(TimeAfter(0.0, times(60)), TimeAfter(10.0, times(900))),
        ),
        target("fog", breaker=BreakerPhase.OPEN, breaker_admits=False, why_not="it failed"),
    ),
    0.3,
    NOW,
    radio=Radio("cellular", NOW - 1, (1.0, 2.0)),
)
RULES = (
    LOW
    + '[[rules]]\nname = "text"\nwhen = { link = "wifi", model = "n", queue_ms = { less_than = 3 } }\nmode = "auto"\n'
)


def test_every_reading_fact_and_estimate_can_be_turned_and_then_the_situation_is_another() -> None:
    found = list(knobs(policy_of(RULES), RICH))
    assert {knob.name for knob in found} == {
        "battery_pct", "charging", "link", "queue_ms.cloud", "rtt_ms.cloud", "up_mbps.cloud", "radio_idle_s",
        "label", "model", "time_left_ms", "upload_bytes", "p_escalate",
        *(f"{what}.{name}" for what in ("time_ms", "p_fail", "serves") for name in ("device", "cloud", "fog")),
        "p_wrong.device", "p_wrong.cloud", "breaker.cloud", "breaker.fog",
    }  # fmt: skip
    for knob in found:
        for value in knob.options or (knob.low, knob.high):
            if value != knob.now:
                assert knob.turned(value) != RICH, knob.name


def _median_ms(of: Situation, name: str) -> float:
    return next(view.time.median_s for view in of.targets if view.name == name) * 1000


@pytest.mark.parametrize(
    ("name", "value", "median_ms"),
    [
        ("rtt_ms.cloud", 90.0, 100),  # 40 ms more than the 50 ms that were measured
        ("queue_ms.cloud", 30.0, 80),  # 20 ms more than the server told
        ("up_mbps.cloud", 0.8, 69),  # 1000 bytes at 100 kB/s take 10 ms, at 1 MB/s one
        ("upload_bytes", 11_000.0, 70),  # 10,000 bytes more at 1 MB/s
        ("radio_idle_s", 20.0, 900),  # what was estimated after ten seconds of silence
        ("time_ms.cloud", 5.0, 5),
    ],
)
def test_what_is_measured_moves_what_was_estimated_from_it(name: str, value: float, median_ms: float) -> None:
    knob = next(knob for knob in knobs(policy_of(RULES), RICH) if knob.name == name)
    assert _median_ms(knob.turned(value), "cloud") == pytest.approx(median_ms)


BOUNDS = st.sampled_from([5.0, 20.0, 50.0, 84.0])
CONDITIONS = st.one_of(
    st.builds("{} = {{ {} = {} }}".format, st.sampled_from(["battery_pct", "rtt_ms", "time_left_ms"]),
              st.sampled_from(["less_than", "at_most", "greater_than", "at_least"]), BOUNDS),
    st.builds("charging = {}".format, st.sampled_from(["true", "false"])),
)  # fmt: skip
EFFECTS = st.sampled_from(
    ['mode = "only_on_device"', 'mode = "prefer_in_cloud"', 'forbid = ["cloud"]', 'mode = "auto"']
)
POLICIES = st.lists(st.tuples(CONDITIONS, EFFECTS), max_size=3)
READINGS = st.fixed_dictionaries(
    {
        "battery_pct": st.one_of(st.none(), st.floats(0, 100)),
        "charging": st.sampled_from([None, True, False]),
        "rtt_ms": st.one_of(st.none(), st.floats(1, 500)),
    }
)


@settings(max_examples=40, deadline=None)
@pytest.mark.wide
@given(POLICIES, READINGS, st.floats(2, 2000), st.floats(1, 300), st.floats(1, 300))
def test_at_the_boundary_the_decision_is_another_and_just_before_it_is_the_same(
    rules: list[tuple[str, str]], readings: dict[str, float | bool | None], left_ms: float, here: float, there: float
) -> None:
    policy = policy_of(
        "[escalation]\nbelow = 0.6\n"
        + "".join(f'[[rules]]\nname = "r{i}"\nwhen = {{ {w} }}\n{e}\n' for i, (w, e) in enumerate(rules))
    )
    of = situation(
        target("device", median_ms=here),
        target("cloud", Kind.CLOUD, median_ms=there),
        readings=readings,
        left_ms=left_ms,
    )
    decision = decide(policy, of)
    turned = {knob.name: knob.turned for knob in knobs(policy, of)}
    for change in changes(policy, decision):

        def at(value: object, name: str = change.name) -> Decision:
            return decide(policy, turned[name](value))  # type: ignore[arg-type]  # a value of that knob

        assert not same_choice(decision, at(change.at))
        assert same_choice(change.instead, at(change.at))
        if change.side != "is":
            assert same_choice(decision, at(change.beside))
            assert isinstance(change.at, float)
            assert isinstance(change.beside, float)
            assert (change.at > change.beside) is (change.side == "above")
            assert abs(change.at - change.beside) <= 0.02 * max(abs(change.at), abs(change.beside))


def test_two_decisions_that_differ_in_their_costs_alone_are_the_same_choice() -> None:
    policy = policy_of()
    one, other = decide(policy, situation()), decide(policy, situation(target("device"), target(median_ms=61)))
    assert one != other
    assert same_choice(one, other)
    assert done(one) == "in the cloud, else device"


def test_two_choices_are_never_told_in_the_same_words() -> None:
    """With two remote targets one read: on the device, then hall if uncertain, would go on the device, then hall if
    uncertain, if ...: who is asked where the device fails was not told, and made the difference."""
    kinds = {"device": Kind.DEVICE, "cloud": Kind.CLOUD, "hall": Kind.FOG}
    policy = policy_of("[escalation]\nbelow = 0.9\n[worth]\nsecond = 1.0\n", targets=kinds)
    of = situation(
        target("device", p_wrong=0.3), target(median_ms=300), target("hall", Kind.FOG, median_ms=250), left_ms=5000
    )
    decision = decide(policy, of)
    others = [change.instead for change in changes(policy, decision)]
    assert done(decision).startswith("on the device, then hall if uncertain (where the device fails: hall, else cloud)")
    assert any(other.choice == decision.choice for other in others)
    assert done(decision) not in {done(other) for other in others}
