from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.demo.trade_off import Verdict, choose_margin, trade_off

VERDICTS = st.lists(
    st.builds(Verdict, margin=st.floats(0, 1), device_right=st.booleans(), cloud_right=st.booleans()), min_size=1
)


def spread(count: int) -> list[Verdict]:
    """Margins 0.005, 0.015, ..., none of them on a hundredth."""
    return [Verdict((index + 0.5) / count, device_right=True, cloud_right=True) for index in range(count)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 1.0])
def test_the_margin_sends_the_share_that_was_asked_for(share: float) -> None:
    verdicts = spread(100)
    assert trade_off(verdicts, [choose_margin(verdicts, share)])[0].escalated == pytest.approx(share, abs=0.011)


@given(VERDICTS)
def test_the_margin_reads_no_labels(verdicts: list[Verdict]) -> None:
    turned = [Verdict(v.margin, not v.device_right, not v.cloud_right) for v in verdicts]
    assert choose_margin(verdicts) == choose_margin(turned)


def test_a_margin_on_no_images_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one image"):
        choose_margin([])


def test_an_answer_on_the_threshold_is_escalated() -> None:
    row = trade_off([Verdict(0.5, device_right=True, cloud_right=False)], [0.5])[0]
    assert (row.escalated, row.accuracy) == (1.0, 0.0)


@given(VERDICTS)
def test_the_ends_are_the_device_alone_and_the_cloud_alone(verdicts: list[Verdict]) -> None:
    device, cloud = trade_off(verdicts, (-1.0, 1.0))
    assert (device.escalated, cloud.escalated) == (0.0, 1.0)
    assert device.accuracy == sum(v.device_right for v in verdicts) / len(verdicts)
    assert cloud.accuracy == sum(v.cloud_right for v in verdicts) / len(verdicts)


@given(VERDICTS, st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_a_higher_margin_never_escalates_less(verdicts: list[Verdict], margins: list[float]) -> None:
    shares = [row.escalated for row in trade_off(verdicts, sorted(margins))]
    assert shares == sorted(shares)
