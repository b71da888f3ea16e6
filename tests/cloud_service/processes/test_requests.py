from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cloud_service.catalogue import Catalogue
from cloud_service.errors import NotByRequest
from cloud_service.repository.control import Repository


async def _nobody_is_told(_change: object) -> None:
    raise AssertionError("nothing changes")


def _load(*_: Any) -> Any:
    raise AssertionError("nothing is loaded")


@pytest.mark.parametrize("change", ["load", "unload"])
def test_a_request_that_would_reach_one_of_several_processes_is_refused_with_what_to_do(
    tmp_path: Path, change: str
) -> None:
    async def ask() -> None:
        repository = Repository(
            tmp_path, Catalogue(), _load, told=_nobody_is_told, busy=lambda *_: False, by_request=False
        )
        await getattr(repository, change)("digits")

    with pytest.raises(NotByRequest, match="--poll-s"):
        asyncio.run(ask())
