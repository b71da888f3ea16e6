"""A real browser for tests that look at a page: Debian's chromium, driven by playwright; without either, skipped.

The browser gets no network to begin with: pages are opened as files, and every request that one makes is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

__all__ = ["DESKTOP", "PHONE", "Shown", "a_browser", "opened"]

DESKTOP = (1280, 900)
PHONE = (390, 844)
_CALLED = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Shown:
    """A page that is open; `said` is what it wrote to the console, its errors among them, `asked` what it requested."""

    page: Any  # playwright's Page, which is not there without playwright
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def a_browser() -> Iterator[Any]:
    """Start the browser, and end it."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, _CALLED)), None)
    if path is None:
        pytest.skip(f"there is no {_CALLED[0]}; tests/tools/install-debian.sh installs it")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Any,
    file: Path,
    size: tuple[int, int] = DESKTOP,
    *,
    scheme: Literal["light", "dark"] = "light",
    scripts: bool = True,
) -> Iterator[Shown]:
    """Open a file as its reader would, by a double click."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts, offline=True
    )
    try:
        shown = Shown(context.new_page())
        shown.page.set_default_timeout(30_000)
        shown.page.on("console", lambda message: shown.said.append(message.text))
        shown.page.on("pageerror", lambda error: shown.said.append(str(error)))
        shown.page.on("request", lambda request: shown.asked.append(request.url))
        shown.page.goto(file.as_uri())
        yield shown
    finally:
        context.close()
