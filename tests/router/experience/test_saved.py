"""What was learnt, kept and read back: equal estimates, and nothing of what nobody wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.errors import SavedError
from router.experience.saved import MAX_SAVED_BYTES, restore, save
from router.types import TargetView
from tests.builders.phones import KINDS, Phone

UTC = 1.7e9
MANY = 25
"""Looks by which what they pass over is forgotten, if the time is over as well."""


def _experienced(**more: Any) -> Phone:  # Any: Phone's own
    phone = Phone("cellular", **more)
    for _ in range(8):
        phone.call(13.0)
        phone.call(0.5, upload_bytes=50_000, carried_s=0.4)
        phone.experience.device_ran("m", 0.004, phone.now)
    return phone


def _saved(phone: Phone, *, at_utc: float = UTC) -> str:
    phone.experience.learn_runs()
    return save(phone.experience.known, KINDS, phone.now, at_utc)


def _restored(text: str, *, phone: Phone | None = None, now_utc: float = UTC + 60) -> Phone:
    phone = phone or Phone("cellular")
    phone.now = 5.0
    restore(phone.experience.known, text, KINDS, {"m"}, phone.now, now_utc)
    return phone


# What is told stays until it is off by this much; what is written down is what is known.
A_HAIR = 0.05


def _times(view: TargetView) -> list[float]:
    return [q for after in view.times_after for q in after.time.quantiles_s]


def test_what_is_read_back_is_what_was_written() -> None:
    before = _experienced()
    after = _restored(_saved(before))
    assert _times(after.view()) == pytest.approx(_times(before.view()), rel=A_HAIR)
    assert after.views()[0].time.quantiles_s == pytest.approx(before.views()[0].time.quantiles_s)
    assert after.view().upload_bytes_per_s == pytest.approx(before.view().upload_bytes_per_s)
    assert after.view().download_bytes == before.view().download_bytes
    assert after.radio().wakes == before.radio().wakes
    assert after.radio().gaps_s == pytest.approx(before.radio().gaps_s, rel=0.25)


def test_written_again_it_is_the_same_document() -> None:
    first = _restored(_saved(_experienced()), now_utc=UTC)
    second = _restored(_saved(first, at_utc=UTC), now_utc=UTC)
    assert _saved(second) == _saved(first)


def test_a_new_process_does_not_know_when_the_radio_was_used() -> None:
    assert _restored(_saved(_experienced())).radio().used_at is None


@pytest.mark.parametrize("now_utc", [UTC - 3600, UTC + 3600, UTC + 8 * 3600, 0.0], ids=["-1 h", "+1 h", "8 h", "1970"])
def test_A16_a_wall_clock_that_was_set_meanwhile_does_no_harm(now_utc: float) -> None:
    before = _experienced()
    assert _times(_restored(_saved(before), now_utc=now_utc).view()) == pytest.approx(_times(before.view()), rel=A_HAIR)


def test_what_was_left_alone_for_long_is_given_another_chance_after_a_restart_too() -> None:
    phone = _restored(_saved(_experienced(awake_s=5.0, asleep_s=5.0)), now_utc=UTC + 600)
    assert phone.view().time.median_s > 3
    for _ in range(MANY):
        phone.now += 1
        phone.view()
    fresh = Phone("cellular")
    fresh.now = phone.now
    assert phone.view().time.samples == fresh.view().time.samples == 0


def test_ratios_to_another_belief_are_left_out() -> None:
    """Kept, a millisecond would be read as thirty."""
    other = Phone("cellular", policy="[targets.cloud]\nprior_ms = [100.0, 900.0]\n")
    assert _restored(_saved(_experienced()), phone=other).view().time.samples == 0


def test_what_is_of_other_targets_and_models_is_left_out() -> None:
    text = _saved(_experienced())
    phone = Phone("cellular")
    assert restore(phone.experience.known, text, {"device": KINDS["device"]}, {"m"}, 0.0, UTC) == 1
    assert restore(phone.experience.known, text, KINDS, {"other"}, 0.0, UTC) == 0
    assert phone.view().time.samples == 0


def test_what_is_forgotten_is_not_kept() -> None:
    phone = _experienced()
    for _ in range(MANY):
        phone.now += 100
        phone.view()
    assert json.loads(_saved(phone))["books"] == []


def test_two_processes_make_one_experience_in_either_order() -> None:
    one, other = _saved(_experienced()), _saved(_experienced(asleep_s=0.5, awake_s=0.2, seed=8))
    there, back = Phone("cellular"), Phone("cellular")
    for phone, texts in ((there, (one, other)), (back, (other, one))):
        for text in texts:
            _restored(text, phone=phone)
    assert _times(there.view()) == pytest.approx(_times(back.view()), rel=0.05)
    asleep = there.view().times_after[-1].time
    assert asleep.optimistic_s < 0.5 < 0.7 < asleep.pessimistic_s
    assert there.radio().gaps_s == pytest.approx(back.radio().gaps_s)


def test_it_stays_small() -> None:
    phone = _experienced()
    for link in ("wifi", "ethernet", None):
        phone.link = link
        for step in range(200):
            phone.call((0.5, 2.0, 4.0, 8.0, 12.0, 20.0, 40.0)[step % 7])
    assert len(_saved(phone)) < 100_000


def _with(path: str, value: object) -> str:
    document = json.loads(_saved(_experienced()))
    *way, last = path.split(".")
    place = document
    for part in way:
        place = place[int(part) if part.isdecimal() else part]
    place[int(last) if last.isdecimal() else last] = value
    return json.dumps(document)


CELLULAR_AFTER_A_MINUTE = {"link": "cellular", "silence": 7, "seen": {"samples": 1, "weights": [[1, 1.0]]}}
DAMAGED = {
    "nothing": "",
    "no JSON": "\x80\x04\x95pickle",
    "no object": "[]",
    "another version": '{"saved": 3}',
    "an older version": '{"saved": 1, "at_utc": 1.0, "books": [], "paths": [], "wakes": [], "gaps": {}}',
    "nested without end": "[" * 100_000,
    "a number that is none": _with("at_utc", float("nan")),
    "a field that nobody wrote": _with("extra", 1),
    "a weight below nothing": _with("gaps.weights", [[1, -5.0]]),
    "a bucket beyond all": _with("gaps.weights", [[10**9, 1.0]]),
    "a time of nothing": _with("books.0.cells.0.base_s", 0.0),
    "a link that there is not": _with("wakes.0.link", "pigeon"),
    "a silence that there is not": _with("wakes.0.silence", 99),
    "a silence that there is of Wi-Fi alone": _with("wakes.0", CELLULAR_AFTER_A_MINUTE),
    "more than is ever written": " " * (MAX_SAVED_BYTES + 1),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED.keys())
def test_H8_what_another_version_or_nobody_wrote_is_refused_and_changes_nothing(text: str) -> None:
    phone = Phone("cellular")
    before = phone.view()
    with pytest.raises(SavedError):
        restore(phone.experience.known, text, KINDS, {"m"}, 0.0, UTC)
    assert phone.view() == before
    assert phone.radio().gaps_s == ()
