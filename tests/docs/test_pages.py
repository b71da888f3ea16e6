"""Every code block of README and docs runs, or is checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, blocks_of, pages, prose_of
from tests.docs.desk import Desk

_LONG = {"docs/how-to/prepare-a-release.md", "docs/how-to/keep-a-promise.md"}
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


_WITH_BLOCKS = [
    pytest.param(page, id=_name(page), marks=[pytest.mark.slow] if _name(page) in _LONG else [])
    for page in pages()
    if blocks_of(page)
]


@pytest.mark.wide
@pytest.mark.parametrize("page", _WITH_BLOCKS)
def test_every_block_of_the_page_runs(page: Path, desk_folder: Path) -> None:
    with Desk(desk_folder) as desk:
        for block in blocks_of(page):
            desk.work_through(block)


@pytest.mark.parametrize("page", pages(), ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(prose_of(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        links = [link.partition("#")[0] for link in _LINK.findall(prose_of(page))]
        waiting += [t for link in links if link.endswith(".md") and (t := (page.parent / link).resolve()).exists()]
    assert set(pages()) - reached == set()


def test_a_block_that_nobody_checks_is_refused(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk, pytest.raises(AssertionError, match="nobody checks a block of fortran"):
        desk.work_through(Block(ROOT / "README.md", 1, "fortran", (), "END\n"))


def test_output_that_a_page_makes_up_is_refused(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        desk.work_through(Block(ROOT / "README.md", 1, "python", (), "print('one', 2)\n"))
        desk.work_through(Block(ROOT / "README.md", 5, "text", (), "one ...\n"))
        with pytest.raises(AssertionError, match=r"README\.md:9: nothing says 'two'"):
            desk.work_through(Block(ROOT / "README.md", 9, "text", (), "two\n"))


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(prose_of(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
