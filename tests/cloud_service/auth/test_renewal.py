"""Files that are replaced while the service runs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from cloud_service.auth.renewal import Renewal, Watched
from cloud_service.errors import SettingsError


def _watched(path: Path, told: list[str]) -> Watched[str]:
    def read() -> str:
        text = path.read_text() if path.exists() else "bad"
        if text == "bad":
            raise SettingsError("revoked", f"{path} is bad")
        return text

    return Watched([path], read, on_change=told.append)


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)


def test_a_file_is_used_at_once_and_again_when_it_was_replaced(tmp_path: Path) -> None:
    path, told = tmp_path / "file", list[str]()
    path.write_text("one")
    watched = _watched(path, told)
    watched.look()
    assert (watched.value(), told) == ("one", ["one"])
    _replace(path, "two")
    watched.look()
    assert (watched.value(), told) == ("two", ["one", "two"])


@pytest.mark.parametrize("spoil", [lambda p: _replace(p, "bad"), Path.unlink], ids=["bad", "gone"])
def test_what_cannot_be_used_is_logged_once_and_changes_nothing(
    tmp_path: Path, spoil: object, caplog: pytest.LogCaptureFixture
) -> None:
    path, told = tmp_path / "file", list[str]()
    path.write_text("one")
    watched = _watched(path, told)
    assert callable(spoil)
    spoil(path)
    for _ in range(3):
        watched.look()
    assert (watched.value(), told) == ("one", ["one"])
    assert len(caplog.records) == 1
    _replace(path, "two")
    watched.look()
    assert watched.value() == "two"


def test_what_may_not_take_the_place_of_what_is_in_use_is_logged_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, told = tmp_path / "file", list[str]()
    path.write_text("2")

    def no_older(old: str, new: str) -> None:
        if new < old:
            raise SettingsError("revoked", f"{new} is older than {old}")

    watched = Watched([path], path.read_text, replaces=no_older, on_change=told.append)
    for text in ("1", "3"):
        _replace(path, text)
        watched.look()
    assert (watched.value(), told) == ("3", ["2", "3"])
    assert "what was there before stays in use: revoked: 1 is older than 2" in caplog.text


def test_a_service_does_not_start_with_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        _watched(tmp_path / "gone", [])


def test_looking_goes_on_until_it_is_cancelled_and_ends_at_once_where_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")

    async def replaced() -> str:
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell(text: str) -> None:
            if text == "two":
                loop.call_soon_threadsafe(changed.set)

        watched = Watched([path], path.read_text, on_change=tell)
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            task = tasks.create_task(Renewal([watched], interval_s=0.01).run())
            _replace(path, "two")
            await changed.wait()
            task.cancel()
        await Renewal([]).run()
        return watched.value()

    assert asyncio.run(replaced()) == "two"
