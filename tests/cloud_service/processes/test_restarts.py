from __future__ import annotations

import pytest

from cloud_service.processes.restarts import History, died


def test_a_process_that_never_served_is_not_tried_again() -> None:
    assert died(History(), served=False, lived_s=1.0)[1] is None


def test_one_that_served_for_a_while_is_started_again_at_once_and_its_past_forgotten() -> None:
    assert died(History(early_deaths=5, served=True), served=True, lived_s=60.0) == (History(0, served=True), 0.0)


def test_one_that_keeps_dying_is_started_later_and_later_and_then_given_up() -> None:
    history, delays = History(), []
    while True:
        history, delay_s = died(history, served=True, lived_s=0.5)
        if delay_s is None:
            break
        delays.append(delay_s)
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6])


def test_one_that_served_before_is_given_its_tries_although_it_does_not_now() -> None:
    history, _ = died(History(), served=True, lived_s=0.5)
    assert died(history, served=False, lived_s=0.5)[1] is not None
