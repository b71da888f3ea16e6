from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path

import pytest

from cloud_service.catalogue import Catalogue, State
from cloud_service.errors import LoadFailed, ModelNotFound, ModelNotReady, SettingsError, UnservableModel
from cloud_service.repository.control import Change, Repository
from cloud_service.repository.memory import RECENT_S, estimate_bytes
from cloud_service.repository.scan import Found
from cloud_service.repository.serving import Serving
from cloud_service.servable import Servable, form_of
from nearfar_wire.digest import digest_of
from tests.builders.backends import EchoBackend
from tests.builders.repositories import write_repository

_BAD = b"bad"
_COST = estimate_bytes(1 << 20, 1)
_MIB = b"x" * (1 << 20)


@dataclass
class Desk:
    """A repository on disk, and what keeps the catalogue in step with it; time passes when a test says so."""

    root: Path
    limit: int | None = None
    now: float = 1000.0
    busy: set[tuple[str, int]] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    loads: list[tuple[str, int]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    before_load: Callable[[Found], object] = lambda _found: None

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(now=lambda: self.now)
        self.repository = Repository(
            self.root,
            self.catalogue,
            self._load,
            told=self._told,
            busy=lambda model, version: (model, version) in self.busy,
            memory_limit_bytes=self.limit,
            now=lambda: self.now,
        )

    def write(self, model: str, version: int, content: bytes) -> None:
        """Write a version as a deployment should: beside its place, then moved there."""
        path = self.root / model / str(version) / "model.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        (beside := path.with_name(".new")).write_bytes(content)
        os.replace(beside, path)

    async def polled(self) -> None:
        for _ in range(2):
            await self.repository.poll()

    async def started(self) -> None:
        self.repository.look()
        await self.repository.load_all()

    def answers(self, model: str = "m", version: str = "") -> tuple[int, bytes]:
        servable = self.catalogue.resolve(model, version)
        return servable.version, servable.digest.encode()

    def states(self) -> dict[tuple[str, int], tuple[State, str]]:
        return {(entry.model, entry.version): (entry.state, entry.reason) for entry in self.repository.index()}

    def _load(self, found: Found, serving: Serving) -> Servable:
        self.loads.append((found.model, found.version))
        self.before_load(found)
        content = found.model_file.read_bytes()
        if content == _BAD:
            raise UnservableModel("it is bad")
        backend = EchoBackend()
        return Servable(
            found.model, found.version, digest_of(content), backend, form_of(None, backend), serving=serving
        )

    async def _told(self, change: Change) -> None:
        self.changes.append(change)
        self.changed.set()


def _in_loop(test: Callable[[Path], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    @wraps(test)
    def run(tmp_path: Path) -> None:
        asyncio.run(asyncio.wait_for(test(tmp_path), 30))

    return run


def _answer(version: int, content: bytes) -> tuple[int, bytes]:
    return version, digest_of(content).encode()


@_in_loop
async def test_what_is_there_at_the_start_is_loaded_and_what_is_broken_is_told(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": {1: b"1", 2: _BAD}}))
    desk.repository.look()
    assert {state for state, _ in desk.states().values()} == {State.LOADING}
    await desk.repository.load_all()
    assert desk.states() == {("m", 1): (State.READY, ""), ("m", 2): (State.UNAVAILABLE, "it is bad")}
    assert [(c.version, isinstance(c.state, Servable), c.failed) for c in desk.changes] == [
        (1, True, False),
        (2, False, True),
    ]


def test_the_log_says_of_a_version_that_is_ready_with_whom_its_calls_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Why a model's calls run alone was found out and told to nobody."""
    caplog.set_level("INFO")

    @_in_loop
    async def load(root: Path) -> None:
        desk = Desk(write_repository(root, {"m": {1: b"one"}}))
        desk.repository.look()
        await desk.repository.load_all()

    load(tmp_path)
    assert f"m version 1 is ready: {digest_of(b'one')}; its calls run alone: it was not measured" in caplog.text


def test_a_repository_that_is_no_directory_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read as a directory"):
        Desk(tmp_path / "nowhere").repository.look()


@_in_loop
async def test_a_version_that_goes_before_its_turn_is_forgotten(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": {1: b"1", 2: b"2"}}))
    desk.repository.look()
    shutil.rmtree(tmp_path / "m" / "2")
    await desk.repository.load_all()
    assert desk.states() == {("m", 1): (State.READY, "")}


@_in_loop
async def test_polling_loads_new_versions_and_drops_those_that_are_gone(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"1"}))
    await desk.started()
    desk.write("m", 2, b"2")
    desk.write("n", 1, b"n")
    await desk.polled()
    assert (desk.answers(), desk.answers("n")) == (_answer(2, b"2"), _answer(1, b"n"))
    shutil.rmtree(tmp_path / "m" / "2")
    shutil.rmtree(tmp_path / "n")
    await desk.repository.poll()
    assert desk.answers("n") == _answer(1, b"n"), "it may be away for a moment"
    await desk.repository.poll()
    assert desk.answers() == _answer(1, b"1")
    with pytest.raises(ModelNotFound):
        desk.answers("n")


@_in_loop
async def test_a_version_is_not_touched_while_it_is_written(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"1"}))
    await desk.started()
    for length in range(1, 4):
        (tmp_path / "m" / "2").mkdir(exist_ok=True)
        (tmp_path / "m/2/model.onnx").write_bytes(b"2" * length)
        await desk.repository.poll()
    assert desk.loads == [("m", 1)]
    await desk.repository.poll()
    assert desk.answers() == _answer(2, b"222")


@_in_loop
async def test_files_that_change_while_they_are_read_do_not_become_ready(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"1"}))
    desk.before_load = lambda found: found.model_file.write_bytes(b"while it is read")
    await desk.started()
    assert desk.states() == {
        ("m", 1): (State.UNAVAILABLE, "its files were changed while they were read; load it again")
    }
    desk.before_load = lambda _found: None
    await desk.polled()
    assert desk.answers() == _answer(1, b"while it is read")


@_in_loop
async def test_new_files_take_the_place_of_the_old_when_they_are_ready(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"old"}))
    await desk.started()
    seen: list[tuple[int, bytes]] = []
    desk.before_load = lambda _found: seen.append(desk.answers())
    desk.write("m", 1, b"new files")
    await desk.polled()
    assert seen == [_answer(1, b"old")], "the old ones answer for as long as the new ones are prepared"
    assert desk.answers() == _answer(1, b"new files")


@_in_loop
async def test_new_files_that_are_bad_are_told_and_the_old_serve_on(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"old"}))
    await desk.started()
    desk.write("m", 1, _BAD)
    await desk.polled()
    await desk.polled()
    assert desk.answers() == _answer(1, b"old")
    assert desk.loads == [("m", 1)] * 2, "it was not tried again and again"
    state, reason = desk.states()["m", 1]
    assert (state, desk.changes[-1].failed) == (State.READY, True)
    assert "new files cannot be served, the old ones are: it is bad" in reason
    assert not desk.catalogue.lacking()
    assert desk.catalogue.problems() == [("m", 1, reason)]
    desk.write("m", 1, b"good again")
    await desk.polled()
    assert desk.states() == {("m", 1): (State.READY, "")}


@_in_loop
async def test_of_the_latest_the_newest_that_can_be_served_is(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": {1: b"1", 2: b"2"}}))
    (tmp_path / "m/serving.toml").write_text("[versions]\nlatest = 1")
    await desk.started()
    assert list(desk.states()) == [("m", 2)]
    desk.write("m", 3, _BAD)
    await desk.polled()
    assert desk.answers() == _answer(2, b"2")
    desk.write("m", 4, b"4")
    await desk.polled()
    assert list(desk.states()) == [("m", 4)]


@_in_loop
async def test_a_wrong_serving_file_is_told_of_each_version_and_takes_none_out(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"1", "n": b"n"}))
    (tmp_path / "n/serving.toml").write_text("[batchin]")
    await desk.started()
    assert 'did you mean "batching"?' in desk.states()["n", 1][1]
    (tmp_path / "m/serving.toml").write_text("[batchin]")
    await desk.polled()
    assert desk.answers() == _answer(1, b"1")
    assert 'did you mean "batching"?' in desk.states()["m", 1][1]


@_in_loop
async def test_a_version_that_is_named_and_not_there_is_told_until_it_is(tmp_path: Path) -> None:
    """A slip in `specific` left the model without a version, or with an older one, and nothing said why."""
    desk = Desk(write_repository(tmp_path, {"m": {1: b"1", 2: b"2"}}))
    (tmp_path / "m/serving.toml").write_text("[versions]\nspecific = [2, 3]")
    await desk.started()
    assert desk.answers() == _answer(2, b"2")
    assert "not in the repository" in desk.states()["m", 3][1]
    with pytest.raises(LoadFailed, match=r"version 3: its serving\.toml names this version"):
        await desk.repository.load("m")
    desk.write("m", 3, b"3")
    await desk.polled()
    assert desk.answers() == _answer(3, b"3")
    shutil.rmtree(tmp_path / "m/3")
    await desk.polled()
    assert (desk.answers(), "not in the repository" in desk.states()["m", 3][1]) == (_answer(2, b"2"), True)
    (tmp_path / "m/serving.toml").unlink()
    await desk.polled()
    assert list(desk.states()) == [("m", 1), ("m", 2)]


@_in_loop
async def test_a_model_of_which_no_version_that_is_named_is_there_cannot_answer(tmp_path: Path) -> None:
    """It was not in /readyz at all."""
    desk = Desk(write_repository(tmp_path, {"m": b"1", "n": b"n"}))
    (tmp_path / "m/serving.toml").write_text("[versions]\nspecific = [3]")
    await desk.started()
    assert desk.catalogue.lacking()
    assert [(c.version, c.failed) for c in desk.changes if c.model == "m"] == [(3, True)]
    await desk.polled()
    assert [c.version for c in desk.changes if c.model == "m"] == [3], "it is told once"
    await desk.repository.unload("m")
    await desk.polled()
    assert not desk.catalogue.lacking(), "what was unloaded should not answer, and is not missed"


def test_what_is_no_version_is_told_once_also_when_it_comes_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What came while the service ran was passed over in silence."""

    @_in_loop
    async def follow(root: Path) -> None:
        desk = Desk(write_repository(root, {"m": b"1"}))
        (root / "m/latest").mkdir()
        await desk.started()
        await desk.polled()
        assert caplog.text.count("m/latest is not served") == 1
        (root / "m/v2").mkdir()
        await desk.repository.poll()
        assert "m/v2 is not served" not in caplog.text, "it may be on its way to its name"
        await desk.polled()
        assert caplog.text.count("m/v2 is not served") == 1
        (root / "m/v3").mkdir()
        await desk.repository.load("m")
        assert caplog.text.count("m/v3 is not served") == 1

    follow(tmp_path)


def test_a_repository_full_of_something_else_does_not_fill_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(300):
        (tmp_path / f"{number}.txt").touch()
    Desk(tmp_path).repository.look()
    assert len(caplog.records) == 101
    assert "200 more names in the repository are not served" in caplog.messages[-1]


def test_a_repository_that_cannot_be_looked_at_is_told_once_and_when_it_can_be_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While a volume was away there was a warning at every look."""
    caplog.set_level("INFO")

    @_in_loop
    async def follow(root: Path) -> None:
        desk = Desk(write_repository(root / "models", {"m": b"1"}))
        await desk.started()
        (root / "models").rename(root / "away")
        for _ in range(3):
            await desk.polled()
        assert desk.answers() == _answer(1, b"1")
        (root / "away").rename(root / "models")
        await desk.polled()

    follow(tmp_path)
    told = [message for message in caplog.messages if "looked at" in message]
    assert ["again" in message for message in told] == [False, True]


@_in_loop
async def test_a_model_that_comes_later_takes_no_other_out_of_service(tmp_path: Path) -> None:
    """While a new model was loaded, and for good where it was broken, the service was not ready: all that follow one
    repository at the same time."""
    desk = Desk(write_repository(tmp_path, {"m": b"1"}))
    await desk.started()
    meanwhile: list[bool] = []
    desk.before_load = lambda _found: meanwhile.append(not desk.catalogue.lacking())
    desk.write("broken", 1, _BAD)
    desk.write("good", 1, b"good")
    await desk.polled()
    assert meanwhile == [True, True]
    assert (desk.catalogue.models(), desk.catalogue.lacking()) == ({"m": True, "broken": False, "good": True}, "")


@_in_loop
async def test_a_model_that_was_ready_or_there_at_the_start_is_missed_where_it_cannot_answer(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"1", "n": _BAD}))
    await desk.started()
    assert desk.catalogue.lacking()
    desk.write("n", 1, b"n")
    await desk.polled()
    assert not desk.catalogue.lacking()
    await desk.repository.unload("n")
    desk.write("n", 1, _BAD)
    with pytest.raises(LoadFailed):
        await desk.repository.load("n")
    assert not desk.catalogue.lacking(), "nobody could call it before either"


@_in_loop
async def test_what_was_unloaded_by_request_stays_out_until_it_is_loaded_by_request(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"1", "n": b"n"}))
    await desk.started()
    await desk.repository.unload("m")
    await desk.polled()
    with pytest.raises(ModelNotReady):
        desk.answers()
    assert desk.states()["m", 1][0] is State.UNAVAILABLE
    assert not desk.catalogue.lacking(), "nobody misses what was unloaded on purpose"
    await desk.repository.load("m")
    assert desk.answers() == _answer(1, b"1")


@_in_loop
async def test_a_service_whose_models_are_all_unloaded_can_answer_nothing(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"1"}))
    await desk.started()
    await desk.repository.unload("m")
    assert desk.catalogue.lacking()


@_in_loop
async def test_an_unloaded_version_that_goes_from_the_disk_goes_from_the_index(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"1"}))
    await desk.started()
    await desk.repository.unload("m")
    shutil.rmtree(tmp_path / "m")
    await desk.polled()
    assert desk.states() == {}


@_in_loop
async def test_a_load_by_request_takes_the_files_as_they_are_now(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": {1: b"1", 2: _BAD}}))
    await desk.started()
    desk.write("m", 1, b"one")
    desk.write("m", 2, b"2")
    await desk.repository.load("m")
    assert (desk.answers("m", "1"), desk.answers()) == (_answer(1, b"one"), _answer(2, b"2"))


@_in_loop
async def test_a_load_by_request_tells_what_cannot_be_served(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"1"}))
    await desk.started()
    desk.write("m", 1, _BAD)
    for _ in range(2):
        with pytest.raises(LoadFailed, match="version 1: its new files cannot be served, the old ones are: it is bad"):
            await desk.repository.load("m")
    assert desk.loads == [("m", 1)] * 3, "who asks wants it tried again"
    assert desk.answers() == _answer(1, b"1")


@_in_loop
async def test_what_is_not_in_the_repository_can_be_neither_loaded_nor_unloaded(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for change in (desk.repository.load, desk.repository.unload):
        with pytest.raises(ModelNotFound):
            await change("../etc")


@_in_loop
async def test_a_load_goes_on_though_whoever_asked_has_left(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": b"1"}))
    began, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    desk.before_load = lambda _found: (loop.call_soon_threadsafe(began.set), go.wait(30))
    asked = asyncio.create_task(desk.repository.load("m"))
    await began.wait()
    assert desk.repository.loading
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    go.set()
    await desk.polled()  # has its turn when the load is done
    assert desk.answers() == _answer(1, b"1")
    assert not desk.repository.loading


@_in_loop
async def test_at_the_start_what_has_no_room_waits_until_it_is_asked_for(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"a": _MIB, "b": _MIB}), limit=_COST)
    await desk.started()
    assert [state for state, _ in desk.states().values()] == [State.READY, State.UNAVAILABLE]
    assert not desk.catalogue.lacking(), "each can answer, once it was called"
    watching = asyncio.create_task(desk.repository.watch())
    with pytest.raises(ModelNotReady):
        desk.answers("b")
    await _until(desk, "b")
    assert [state for state, _ in desk.states().values()] == [State.UNAVAILABLE, State.READY]
    watching.cancel()


@_in_loop
async def test_a_model_that_does_not_fit_by_itself_is_told_to_be_too_large(tmp_path: Path) -> None:
    """It was said that a call would make room, and the service was ready, though nothing could ever make it answer."""
    desk = Desk(write_repository(tmp_path, {"a": b"1", "b": _MIB + b"x"}), limit=_COST)
    await desk.started()
    assert "more than the memory limit" in desk.states()["b", 1][1]
    assert desk.catalogue.lacking()
    assert desk.loads == [("a", 1)]


@_in_loop
async def test_what_is_in_use_or_was_asked_for_of_late_stays_and_the_other_waits(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"a": _MIB, "b": _MIB}), limit=_COST)
    await desk.started()
    desk.answers("a")
    with pytest.raises(LoadFailed, match="no room"):
        await desk.repository.load("b")
    desk.now += RECENT_S
    desk.busy.add(("a", 1))
    with pytest.raises(LoadFailed, match="no room"):
        await desk.repository.load("b")
    assert desk.loads == [("a", 1)]
    desk.busy.clear()
    await desk.repository.load("b")
    assert desk.answers("b") == _answer(1, _MIB)


@pytest.mark.wide
@_in_loop
async def test_however_many_ask_for_what_has_no_room_it_is_tried_now_and_then(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"a": _MIB, "b": _BAD}), limit=_COST)
    await desk.started()
    desk.answers("a")
    watching = asyncio.create_task(desk.repository.watch())
    for _ in range(100):
        with pytest.raises(ModelNotReady):
            desk.answers("b")
        desk.now += 0.15
        desk.changed.clear()
        await asyncio.wait([asyncio.create_task(desk.changed.wait())], timeout=0.005)
    watching.cancel()
    tried = [change for change in desk.changes if change.model == "b"]
    assert len(tried) <= 1 + 2, "at the start, and twice in fifteen seconds"
    assert desk.loads == [("a", 1)]


@_in_loop
async def test_a_model_that_made_room_answers_with_no_older_version_meanwhile(tmp_path: Path) -> None:
    """What a caller gets would depend on who else calls."""
    desk = Desk(write_repository(tmp_path, {"m": {1: b"1", 2: _MIB}, "n": _MIB}), limit=_COST + estimate_bytes(1, 1))
    await desk.started()
    desk.answers("m", "1")
    await desk.repository.load("n")
    assert desk.states()["m", 2][0] is State.UNAVAILABLE
    assert desk.answers("m", "1") == _answer(1, b"1")
    with pytest.raises(ModelNotReady):
        desk.answers("m")


@_in_loop
async def test_new_files_have_to_fit_beside_the_old_ones(tmp_path: Path) -> None:
    desk = Desk(write_repository(tmp_path, {"m": _MIB}), limit=_COST)
    await desk.started()
    desk.write("m", 1, b"y" * (1 << 20))
    await desk.polled()
    assert desk.answers() == _answer(1, _MIB)
    assert "no room" in desk.states()["m", 1][1]


async def _until(desk: Desk, model: str) -> None:
    while not any(change.model == model and isinstance(change.state, Servable) for change in desk.changes):
        desk.changed.clear()
        await desk.changed.wait()
