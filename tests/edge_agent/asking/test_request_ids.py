"""What requests are called by: no two the same, and nothing to count."""

from __future__ import annotations

import re
import threading

from edge_agent.asking.request_ids import RequestIds


def test_no_two_are_the_same_however_many_are_taken_by_however_many_threads() -> None:
    ids, taken = RequestIds(), list[str]()

    def take() -> None:
        for _ in range(500):
            taken.append(ids.take())

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == len(taken) == 2000
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in taken)


def test_two_agents_draw_their_own() -> None:
    assert {RequestIds().take() for _ in range(100)}.isdisjoint({RequestIds().take() for _ in range(100)})
