"""The report as a text: one page that needs nothing else, and that no name in it can break out of."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from router.report.panels import hues, panels
from router.report.study import Study
from router.report.words import percent
from router.simulate.chance import Chance
from router.simulate.recording import Recording
from router.simulate.slices import Range
from router.types import Kind
from tests.router.report.studies import a_policy, a_study, dress, written
from tests.router.simulate import worlds

pytestmark = pytest.mark.wide  # each runs whole simulations

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)><!--&amp;"


class _Reader(HTMLParser):
    """Elements, their attributes, and the text of each kind of element."""

    VOID = ("meta", "link", "input", "br", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.text[tag] = self.text.get(tag, "") + data

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for element, attributes in self.elements if element == name]


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def _numbers(page: str) -> Any:  # Any: a JSON document
    found = re.search(r'<script type="application/json" id="numbers">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.fixture(scope="module")
def page() -> str:
    return written(a_study())


@pytest.mark.wide
def test_equal_studies_give_equal_bytes(page: str) -> None:
    a_study.cache_clear()
    assert written(a_study()) == page


def test_every_element_is_closed_and_every_id_is_there_once(page: str) -> None:
    ids = [attributes["id"] for _, attributes in _read(page).elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_is_named_that_would_have_to_be_fetched(page: str) -> None:
    reader = _read(page)
    for element, attributes in reader.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset", "xlink:href", "style"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:,")), (element, name, value)
        assert not any(name.startswith("on") for name in attributes), (element, attributes)
    assert "url(" not in reader.text["style"] and "@import" not in reader.text["style"]


def test_only_the_page_s_own_style_and_script_may_run(page: str) -> None:
    reader = _read(page)
    (policy,) = (meta["content"] for meta in reader.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy and "http" not in policy
    for kind, text in (("style", reader.text["style"]), ("script", dress().script)):
        digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_no_name_can_break_out_of_where_it_stands() -> None:
    study = a_study()
    policy = replace(study.profiles[0].policy, name=HOSTILE)
    outcomes = replace(study.compared.policies[0].outcomes, policy=HOSTILE)
    turned = [
        replace(turned, goes=HOSTILE, turns=tuple(replace(turn, name=HOSTILE, were=HOSTILE) for turn in turned.turns))
        for turned in study.profiles[0].turned
    ]
    covered = [replace(covered, name=HOSTILE, when=HOSTILE, wants=HOSTILE) for covered in study.profiles[0].covered]
    profile = replace(study.profiles[0], policy=policy, turned=turned, covered=covered)
    judged = replace(study.compared.policies[0], outcomes=outcomes)
    hostile = replace(
        study,
        scenario=replace(study.scenario, name=HOSTILE, about=HOSTILE, cited={HOSTILE: HOSTILE}),
        profiles=[profile, *study.profiles[1:]],
        compared=replace(study.compared, policies=(judged, *study.compared.policies[1:])),
    )
    page = written(hostile)
    reader, plain = _read(page), _read(written(study))
    assert HOSTILE in reader.text["h1"]
    assert [tag for tag, _ in reader.elements if tag in ("script", "img")] == ["script", "script"]
    assert sorted({tag for tag, _ in reader.elements}) == sorted({tag for tag, _ in plain.elements})
    assert "<img" not in page and "<script>alert" not in page


def test_the_file_stays_small(page: str) -> None:
    assert len(page.encode()) < 700_000


def test_the_headline_has_all_rows_and_the_bound(page: str) -> None:
    told = _read(page).text["tbody"]
    for name in ("tried", "far", "always-device", "always-cloud", "random", "latency-argmin", "the bound"):
        assert name in told
    assert f"{a_study().compared.least_cost:.4f}" in told


def test_each_pair_of_axes_has_a_drawing_with_all_marks_and_its_words(page: str) -> None:
    reader = _read(page)
    charts = [figure for figure in reader.of("figure") if "chart" in (figure["class"] or "")]
    assert len(charts) == len({(chart["data-x"], chart["data-y"]) for chart in charts}) == 15
    labels = [mark["aria-label"] or "" for mark in reader.of("g") if "mark" in (mark.get("class") or "")]
    for name in ("tried:", "far:", "fixed threshold 0.5:", "random:"):
        assert sum(name in label for label in labels) == 15


def test_deadlines_that_were_missed_and_requests_without_an_answer_are_marked(page: str) -> None:
    late = sum(a_study().profiles[1].recording.late)
    assert late > 0
    assert f"Deadline missed: {late} of 45" in page
    assert "No deadline was missed, and every request was answered" in page  # by the other policy


def test_rules_that_never_held_are_named_and_those_that_changed_nothing(page: str) -> None:
    text = _read(page).text
    assert "1 of 3 rules never held" in text["strong"] or "2 of 3 rules never held" in text["strong"]
    assert "slow-network" in text["section"]
    assert "in none of" in text["td"]


def test_what_would_have_changed_decisions_is_told_with_where_it_begins(page: str) -> None:
    items = _read(page).text["li"]
    assert "upload_bytes" in items
    assert "12000 bytes" in items


def test_the_cursor_s_numbers_are_those_that_were_recorded() -> None:
    study = a_study()
    day = _numbers(written(study))["day"]
    answered = next(panel for panel in day["runs"][0] if panel["key"] == "answered")
    by_device = next(series for series in answered["series"] if series["called"] == "device")
    assert by_device["numbers"] == list(study.profiles[0].recording.answered["device"])
    assert day["slices"] == len(by_device["numbers"])


def test_sliders_know_every_point_and_the_policy_s_own(page: str) -> None:
    tuning = _numbers(page)["tuning"]
    study = a_study()
    assert len(tuning["points"]) == len(study.weighted) == 4
    own = next(p for p in tuning["points"] if p["stops"] == [dial["own"] for dial in tuning["dials"]])
    at = dict(zip(tuning["axes"], own["at"], strict=True))
    assert at["joules"] == pytest.approx(study.compared.policies[0].outcomes.joules.value, rel=1e-3)
    assert own["score"] == pytest.approx(study.compared.policies[0].score, abs=1e-3)
    assert "with 4 combinations of these weights" in page


def test_without_other_weights_the_page_has_no_sliders_and_says_so() -> None:
    study = replace(a_study(), dials=(), weighted=())
    page = written(study)
    assert "data-dial" not in page.split("<script>")[0]
    assert "No other weights were computed for tried: none were asked for (--points)." in page
    many = replace(study, fewer_than=81)
    assert re.search(r"for tried: \d+ requests are too many for it; a shorter scenario has some\.", written(many))


def test_the_page_says_where_there_are_fewer_points_than_there_might_be(page: str) -> None:
    assert "There would be up to" not in page
    fewer = written(replace(a_study(), fewer_than=81))
    assert re.search(r"There would be up to 81 if a run had fewer than \d+ requests \(--points\)\.", fewer)


def test_targets_have_the_same_colour_in_every_report() -> None:
    fog = worlds.server("hall", kind=Kind.FOG)
    assert hues(worlds.setting(fog, worlds.server("cloud"))) == {
        "device": "device", "cloud": "remote-1", "hall": "remote-2",
    }  # fmt: skip


def test_every_plan_has_a_colour_in_the_drawing_and_beside_it() -> None:
    """Beyond the fourth kind of plan the key had none."""
    study = a_study()
    first = study.profiles[0]
    counts = next(iter(first.recording.chosen.values()))
    mixed = replace(first.recording, chosen={f"device, then {number}": counts for number in range(7)})
    drawn = panels(study, replace(first, recording=mixed))
    [chosen] = [panel for panel in drawn if panel.key == "chosen"]
    assert len(chosen.series) == 7
    for series in chosen.series:
        assert f".key.{series.hue}::before" in dress().style
        assert f".paths .{series.hue} " in dress().style


def test_a_policy_without_rules_is_said_to_have_none() -> None:
    study = a_study()
    bare = replace(study, profiles=[replace(study.profiles[1], policy=a_policy("bare", ""), covered=[])])
    assert "bare has no rules." in written(bare)


@pytest.mark.parametrize(("share", "said"), [(0.0, "0.0 %"), (0.0004, "0.04 %"), (0.034, "3.4 %"), (0.761, "76 %")])
def test_shares_are_told_to_what_they_say(share: float, said: str) -> None:
    assert percent(share) == said


def _noisy(study: Study) -> Study:
    """Return a study in which every slice of every panel differs from its neighbours, of as many policies as have all
    slices to themselves, which is the most that there may be in a file."""
    slices = len(study.around.offline)
    chance = Chance(1, "noise")

    def counts() -> list[int]:
        return [int(chance.uniform() * 1000) for _ in range(slices)]

    def seen(most: float) -> Range:
        noise = Range(slices)
        for slice_ in range(slices):
            noise.see(slice_, chance.uniform() * most)
            noise.see(slice_, chance.uniform() * most)
        return noise

    def recorded(recording: Recording) -> Recording:
        third = recording.slice_s / 3
        return replace(
            recording,
            chosen={choice: counts() for choice in ("device", "cloud", "a", "b", "c", "d", "otherwise")},
            answered={target: counts() for target in recording.answered},
            requests=counts(),
            late=counts(),
            failed=counts(),
            seconds=seen(1.0),
            believed_s=seen(0.3),
            signals={"battery_pct": seen(100.0), "temperature_c": seen(60.0)},
            radio={state: [chance.uniform() * third for _ in range(slices)] for state in recording.radio},
        )

    around = replace(study.around, rtt_s=seen(0.3), up_mbps=seen(99.0), down_mbps=seen(99.0), load=seen(1.0))
    profiles = [replace(study.profiles[0], recording=recorded(study.profiles[0].recording)) for _ in range(3)]
    compared = replace(study.compared, policies=(study.compared.policies[0],) * 3)
    return replace(study, profiles=profiles, around=around, compared=compared)


def test_the_file_stays_small_whatever_happens_in_every_minute_of_a_day() -> None:
    assert len(written(_noisy(a_study())).encode()) < 2_000_000
