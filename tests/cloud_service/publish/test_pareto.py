"""Which candidates are worth having, and which one ships."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_service.publish.pareto import choose, front, quality
from router.cascade.binomial import interval

N = 200


@cache
def share(right: int) -> tuple[float, float, float]:
    return (right / N, *interval(right, N))


@dataclass(frozen=True)
class Figures:
    """A candidate that answered `right` of N alike."""

    name: str
    latency_ms_p50: float
    size_bytes: int
    right: int
    by_label: bool = False

    @property
    def agreement(self) -> tuple[float, float, float]:
        return (0.0, 0.0, 1.0) if self.by_label else share(self.right)

    @property
    def accuracy(self) -> tuple[float, float, float] | None:
        return share(self.right) if self.by_label else None


FP32 = Figures("fp32", 10.0, 400, 180)
CHOICES = [
    pytest.param([FP32, Figures("int8", 4.0, 100, 179)], "int8", id="faster and as good"),
    pytest.param([FP32, Figures("int8", 14.0, 100, 180)], "fp32", id="fp32 wins where int8 is slower"),
    pytest.param([FP32, Figures("int8", 4.0, 100, 150)], "fp32", id="much worse is out, however fast"),
    pytest.param([FP32, Figures("int8", 9.8, 100, 178)], "fp32", id="as fast within noise: the better"),
    pytest.param([FP32, Figures("int8", 9.8, 100, 180)], "int8", id="as fast and as good: the smaller"),
    pytest.param([FP32, Figures("a", 4.0, 90, 178), Figures("b", 4.1, 80, 179)], "b", id="among the quick the better"),
    pytest.param([FP32], "fp32", id="one alone"),
    pytest.param(
        [Figures("full", 10.0, 400, 160, by_label=True), Figures("own", 1.0, 40, 165, by_label=True)],
        "own", id="labels count before agreement",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("measured", "wanted"), CHOICES)
def test_the_fastest_that_is_good_enough_ships(measured: list[Figures], wanted: str) -> None:
    assert choose(measured, give_up=0.02).name == wanted


def test_how_much_may_be_given_up_changes_who_is_good_enough() -> None:
    measured = [FP32, Figures("int8", 4.0, 100, 150)]
    assert choose(measured, give_up=0.02).name == "fp32"
    assert choose(measured, give_up=0.15).name == "int8"


many = st.lists(
    st.builds(
        Figures,
        st.uuids().map(str),
        st.floats(0.01, 100),
        st.integers(1, 1 << 30),
        st.integers(0, N),
        st.just(False),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)  # the first interval of each count takes its time
@given(measured=many)
def test_what_is_on_the_front_is_beaten_by_nobody_and_the_others_by_somebody_on_it(measured: list[Figures]) -> None:
    def at_least(a: Figures, b: Figures) -> bool:
        return a.latency_ms_p50 <= b.latency_ms_p50 and a.size_bytes <= b.size_bytes and a.right >= b.right

    kept = front(measured)
    for one in measured:
        better = [other for other in kept if at_least(other, one) and not at_least(one, other)]
        assert (one in kept) == (not better)


@settings(deadline=None)  # the first interval of each count takes its time
@given(measured=many, give_up=st.floats(0, 0.2))
def test_the_chosen_is_on_the_front_and_never_clearly_worse_than_may_be_given_up(
    measured: list[Figures], give_up: float
) -> None:
    kept = front(measured)
    best = max(quality(one)[0] for one in kept)
    chosen = choose(kept, give_up=give_up)
    assert chosen in kept
    assert quality(chosen)[2] >= best - give_up
    assert quality(chosen)[0] >= best - 2 * give_up
