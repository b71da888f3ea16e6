"""The fenced code blocks of a Markdown page, where they stand, and which of them the code itself has written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["ROOT", "Block", "blocks_of", "pages", "prose_of"]

ROOT: Final = Path(__file__).resolve().parents[2]

_FENCE: Final = re.compile(r"^```(?P<info>.*)$")
_GENERATED: Final = re.compile(r"^<!-- (?P<end>/?)generated\b")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. `line` is the number of its first line of text; `options` follow the language."""

    page: Path
    line: int
    language: str
    options: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return every page that people read, the README first."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks that people wrote; those between `generated` marks are generated.py's to check."""
    blocks: list[Block] = []
    fence: tuple[int, list[str]] | None = None
    text: list[str] = []
    generated = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if (mark := _GENERATED.match(line)) is not None:
            generated = not mark["end"]
        found = _FENCE.match(line)
        if fence is None and found is not None:
            fence, text = (number + 1, found["info"].split()), []
        elif found is not None and fence is not None:
            assert not found["info"], f"{page}:{number}: a block opens inside another"
            first, (language, *options) = fence[0], fence[1] or [""]
            if not generated:
                blocks.append(Block(page, first, language, tuple(options), "\n".join(text) + "\n"))
            fence = None
        else:
            text.append(line)
    assert fence is None, f"{page}:{fence[0]}: the block has no end"
    return blocks


def prose_of(page: Path) -> str:
    """Return the lines that stand in no block."""
    lines: list[str] = []
    inside = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            lines.append(line)
    return "\n".join(lines)
