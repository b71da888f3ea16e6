"""A model that is closed and opened anew while it is asked to run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edge_agent.runtimes import CannotLoad, LocalRuntime, NotReady
from edge_agent.runtimes.renewable import Renewable
from edge_agent.testing import FakeRuntime
from tests.builders.scenes import X, answering


class _Mortal(FakeRuntime):
    """A model whose process a test can end."""

    def __init__(self) -> None:
        super().__init__(answering(1, 0, 0))
        self.die: Callable[[str], None] = lambda why: None

    def on_end(self, tell: Callable[[str], None]) -> None:
        self.die = tell


def _first() -> tuple[_Mortal, list[_Mortal], list[bool], Renewable]:
    first, later, asked = _Mortal(), list[_Mortal](), list[bool]()

    def open_again(on_cpu: bool) -> LocalRuntime:
        assert all(runtime.closed for runtime in [first, *later]), "its memory was still taken"
        asked.append(on_cpu)
        later.append(_Mortal())
        return later[-1]

    return first, later, asked, Renewable(first, open_again, accelerated=True)


def test_what_was_open_is_closed_before_it_is_opened_anew() -> None:
    first, later, asked, renewable = _first()
    renewable.renew(on_cpu=False)
    renewable.renew(on_cpu=True)
    renewable.run(X, renewable.new_halt())
    assert (first.runs, later[0].runs, later[1].runs) == (0, 0, 1)
    assert asked == [False, True]


def test_what_is_closed_runs_nothing_and_says_so() -> None:
    first, _, _, renewable = _first()
    renewable.retire()
    assert (first.closed, renewable.runtime) == (True, None)
    with pytest.raises(NotReady, match="the model is being opened anew"):
        renewable.run(X, renewable.new_halt())
    renewable.new_halt().halt()


def test_what_cannot_be_opened_anew_stays_closed() -> None:
    def refuse(on_cpu: bool) -> LocalRuntime:
        raise CannotLoad("no")

    renewable = Renewable(FakeRuntime(answering(1, 0, 0)), refuse, accelerated=False)
    with pytest.raises(CannotLoad):
        renewable.renew(on_cpu=False)
    assert renewable.runtime is None


def test_the_end_of_each_process_is_told() -> None:
    first, later, _, renewable = _first()
    told = list[str]()
    renewable.on_end(told.append)
    first.die("one")
    renewable.renew(on_cpu=False)
    later[0].die("two")
    assert told == ["one", "two"]


def test_a_model_that_was_opened_while_its_agent_closed_is_closed_too() -> None:
    """Its process would have been left behind."""
    later = _Mortal()

    def close_meanwhile(on_cpu: bool) -> LocalRuntime:
        renewable.close()
        return later

    renewable = Renewable(FakeRuntime(answering(1, 0, 0)), close_meanwhile, accelerated=False)
    renewable.renew(on_cpu=False)
    assert later.closed
    assert renewable.runtime is None
