"""What the baseline kept the candidate keeps, by the baseline's own words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from router.gate.criterion import Answer, Criterion
from router.gate.paired import Pair, sample_of
from router.gate.promises import accuracy, budgets, privacy
from router.simulate.chance import Chance
from router.simulate.meter import Meter
from router.simulate.tally import Block
from tests.router.simulate.runs import a_policy

MONEY = '[budgets.money]\namount_usd = {}\nper = "hour"\n'
PROMISE = "[promise]\nmax_loss = {}\nconfidence = {}\n"


def _meter(*usd_an_hour: float) -> Meter:
    meter = Meter()
    for hour, usd in enumerate(usd_an_hour):
        meter.add(hour * 3600.0, 0.0, usd, 0.0)
    return meter


def _answers(criteria: Sequence[Criterion]) -> list[Answer]:
    return [criterion.answer for criterion in criteria]


@pytest.mark.parametrize(
    ("before", "after", "answer"),
    [
        pytest.param((0.9, 0.5), (0.5, 1.0), Answer.ACCEPT, id="kept"),
        pytest.param((0.9, 0.5), (0.5, 1.01), Answer.ACCEPT, id="a call was under way"),
        pytest.param((0.9, 0.5), (0.5, 1.1), Answer.REJECT, id="broken in one hour"),
        pytest.param((1.5, 0.5), (0.5, 1.4), Answer.ACCEPT, id="the baseline broke it as well"),
        pytest.param((1.5, 0.5), (0.5, 1.6), Answer.REJECT, id="and not by as much"),
    ],
)
def test_a_budget_is_kept_in_every_hour_and_by_every_device(
    before: tuple[float, ...], after: tuple[float, ...], answer: Answer
) -> None:
    policy = a_policy(MONEY.format(1.0))
    others = [_meter(), _meter(0.1)]
    told = list(budgets("day", policy, policy, [*others, _meter(*before)], [_meter(*after), *others]))
    assert _answers(told) == [answer]
    assert told[0].asked.name == "budget money"


def test_a_candidate_that_allows_itself_more_is_held_to_what_the_baseline_allowed() -> None:
    old, generous, silent = a_policy(MONEY.format(1.0)), a_policy(MONEY.format(9.0)), a_policy()
    for new in (generous, silent):
        assert _answers(list(budgets("day", old, new, [_meter(0.9)], [_meter(2.0)]))) == [Answer.REJECT]


def test_a_budget_that_only_the_candidate_has_is_its_own_word() -> None:
    new = a_policy(MONEY.format(1.0))
    assert _answers(list(budgets("day", a_policy(), new, [_meter(5.0)], [_meter(2.0)]))) == [Answer.REJECT]
    assert list(budgets("day", a_policy(), a_policy(), [_meter(5.0)], [_meter(2.0)])) == []


def _block(covered: int, lost: int) -> Block:
    block = Block()
    block.requests, block.promised, block.promised_lost = 10, covered, lost
    return block


def _told(before: tuple[int, int], after: tuple[int, int], old: str, new: str) -> list[Criterion]:
    """Return what is said of runs whose blocks have so many covered requests, and lost so many of them."""
    pairs = [Pair(*(tuple(_block(*each) for _ in range(20)) for each in (before, after)))] * 3
    sample = sample_of("day", pairs, Chance(1, "t"), resamples=50)
    return list(accuracy(sample, a_policy(old), a_policy(new), 0.01))


STRICT, LOOSE = PROMISE.format(0.02, 0.9), PROMISE.format(0.05, 0.9)


@pytest.mark.parametrize(
    ("before", "after", "old", "new", "answer"),
    [
        pytest.param((10, 0), (10, 0), STRICT, STRICT, Answer.ACCEPT, id="kept"),
        pytest.param((10, 0), (10, 1), STRICT, STRICT, Answer.REJECT, id="a tenth is lost"),
        pytest.param((10, 1), (10, 1), STRICT, STRICT, Answer.ACCEPT, id="as by the baseline"),
        pytest.param((10, 0), (0, 0), STRICT, STRICT, Answer.ACCEPT, id="nothing is covered"),
        pytest.param((10, 0), (10, 0), STRICT, LOOSE, Answer.REJECT, id="less is promised"),
        pytest.param((10, 0), (10, 0), STRICT, PROMISE.format(0.02, 0.8), Answer.REJECT, id="with less confidence"),
        pytest.param((10, 0), (10, 0), STRICT, "", Answer.REJECT, id="nothing is promised"),
        pytest.param((0, 0), (10, 1), "", LOOSE, Answer.REJECT, id="its own word"),
    ],
)
def test_a_promise_of_accuracy_is_made_and_kept_as_the_baseline_made_it(
    before: tuple[int, int], after: tuple[int, int], old: str, new: str, answer: Answer
) -> None:
    assert _answers(_told(before, after, old, new)) == [answer]


def test_where_nobody_promises_anything_nothing_is_asked() -> None:
    assert _told((0, 0), (0, 0), "", "") == []


def test_privacy_that_is_looser_is_told_by_its_label() -> None:
    told = privacy(["label x may now be seen by cloud"])  # type: ignore[list-item]  # whatever says so in words
    assert (told.answer, told.why) == (Answer.REJECT, "label x may now be seen by cloud")
    assert privacy([]).answer is Answer.ACCEPT
