"""The report in a real browser: nothing goes out, everything can be reached by keyboard, and it fits a phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from router.simulate.intervals import Figure
from tests.builders.browsers import DESKTOP, PHONE, Shown, a_browser, opened
from tests.router.report.studies import a_study, written

pytestmark = pytest.mark.wide

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
CHART = ".chart:visible"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with a_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(written(a_study()), encoding="utf-8")
    return path


@pytest.fixture
def shown(browser: Any, report: Path) -> Iterator[Shown]:
    with opened(browser, report) as shown:
        yield shown
        assert shown.said == []
        assert shown.asked == [report.as_uri()]


def _ring(shown: Shown) -> tuple[str, str]:
    ring = shown.page.locator(f"{CHART} .tuned")
    return ring.get_attribute("x"), ring.get_attribute("y")


def _view(shown: Shown) -> str:
    return str(shown.page.locator(".run:visible .paths").first.get_attribute("viewBox"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_opens_without_an_error_or_a_request_and_nothing_is_wider_than_the_screen(
    browser: Any, report: Path, size: tuple[int, int], scheme: Any
) -> None:
    with opened(browser, report, size, scheme=scheme) as shown:
        for summary in shown.page.locator("summary").all():
            summary.click()
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert shown.said == []
        assert shown.asked == [report.as_uri()]


def test_nothing_is_wider_than_the_paper_that_it_is_printed_on(browser: Any, report: Path) -> None:
    """The table of the comparison did not scroll on paper, and half of its columns were beyond the edge."""
    paper = (718, 1000)  # A4 without its margins
    with opened(browser, report, paper) as shown:
        shown.page.emulate_media(media="print")
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= paper[0]
        assert shown.page.locator(".controls:visible, input[type=range]:visible").count() == 0


def test_a_hostile_name_runs_nothing(browser: Any, tmp_path: Path) -> None:
    study = a_study()
    path = tmp_path / "hostile.html"
    hostile = replace(study, scenario=replace(study.scenario, name=HOSTILE, about=HOSTILE))
    path.write_text(written(hostile), encoding="utf-8")
    with opened(browser, path) as shown:
        assert HOSTILE in shown.page.title()
        assert shown.page.locator("h1").inner_text() == HOSTILE
        assert (shown.said, shown.asked) == ([], [path.as_uri()])


def test_a_script_that_is_not_the_page_s_own_does_not_run(browser: Any, report: Path, tmp_path: Path) -> None:
    path = tmp_path / "changed.html"
    added = "<script>document.title='broken'</script><img src='x' onerror=\"document.title='broken'\"></body>"
    path.write_text(report.read_text(encoding="utf-8").replace("</body>", added), encoding="utf-8")
    with opened(browser, path) as shown:
        assert shown.page.title() != "broken"
        refused = [said for said in shown.said if "Content Security Policy" in said]
        assert len(refused) >= 2  # the script, and the image


def test_a_slider_moves_the_ring_and_the_column_and_writes_the_weights(shown: Shown) -> None:
    slider = shown.page.get_by_label("What a joule is worth")
    before, column = _ring(shown), shown.page.locator("td[data-tuned]").all_inner_texts()
    assert shown.page.locator("#as-toml").is_hidden()
    slider.focus()
    slider.press("End")
    assert _ring(shown) != before
    assert shown.page.locator("td[data-tuned]").all_inner_texts() != column
    assert "[worth]\njoule = " in shown.page.locator("#as-toml").inner_text()
    slider.press("Home")
    assert _ring(shown) == before


@pytest.mark.parametrize("seconds", [0.16346, 0.16354, 0.1635, 97.4499])
def test_where_nothing_was_weighed_otherwise_both_columns_say_the_same(
    browser: Any, tmp_path: Path, seconds: float
) -> None:
    """A mean time stood as 163 ms "as written" and as 164 ms "so weighted": one of them was rounded twice."""
    study = a_study()
    took = Figure(seconds, seconds, seconds)
    judged, *others = study.compared.policies
    judged = replace(judged, outcomes=replace(judged.outcomes, seconds=took))
    weighted = [replace(each, outcomes=replace(each.outcomes, seconds=took)) for each in study.weighted]
    compared = replace(study.compared, policies=[judged, *others])
    path = tmp_path / "twice.html"
    path.write_text(written(replace(study, compared=compared, weighted=weighted)), encoding="utf-8")
    with opened(browser, path) as shown:
        row = shown.page.locator("tr", has=shown.page.locator("td[data-tuned=seconds]")).locator("td").all_inner_texts()
    assert row[0] == row[1]


def test_between_two_points_the_nearest_is_shown_and_said(shown: Shown) -> None:
    slider = shown.page.get_by_label("What a joule is worth")
    before = _ring(shown)
    slider.focus()
    slider.press("ArrowRight")
    assert _ring(shown) == before
    assert "shown for 0" in shown.page.locator("#dial-joule-value").inner_text()
    assert "shown for 0" in slider.get_attribute("aria-valuetext")


def test_axes_are_chosen_with_the_keyboard(shown: Shown) -> None:
    assert shown.page.locator(CHART).count() == 1
    shown.page.get_by_role("radio", name="Energy").focus()
    shown.page.keyboard.press("ArrowRight")
    shown.page.get_by_role("radio", name="Wrong, late or none").focus()
    shown.page.keyboard.press("ArrowRight")
    chart = shown.page.locator(CHART)
    assert chart.count() == 1
    assert (chart.get_attribute("data-x"), chart.get_attribute("data-y")) == ("usd", "loss")


def test_axes_can_be_chosen_without_scripts_and_no_slider_is_shown(browser: Any, report: Path) -> None:
    with opened(browser, report, scripts=False) as shown:
        shown.page.locator("label[for=x-seconds]").click()
        assert shown.page.locator(CHART).get_attribute("data-x") == "seconds"
        assert shown.page.locator("input[type=range]:visible").count() == 0
        assert shown.page.locator(".run:visible .trace").count() >= 8


def test_a_mark_tells_its_numbers_to_the_pointer_and_to_the_keyboard(shown: Shown) -> None:
    mark = shown.page.locator(f"{CHART} .mark.policy").first
    mark.focus()
    assert shown.page.locator("#marked").inner_text() == mark.get_attribute("aria-label")
    shown.page.locator(f"{CHART} .mark.rule circle").first.hover()
    assert "%" in shown.page.locator("#marked").inner_text()
    assert shown.page.locator("#marked").inner_text() != mark.get_attribute("aria-label")


def test_the_cursor_tells_what_was_to_the_pointer_and_to_the_keyboard(shown: Shown) -> None:
    trace = shown.page.locator(".run:visible .panel-battery_pct .trace")
    trace.hover(position={"x": 1, "y": 5})
    assert shown.page.locator("#at").inner_text() == "0:00:00"
    assert "80 %" in shown.page.locator(".run:visible .panel-battery_pct output").inner_text()
    cursor = shown.page.get_by_label("Cursor")
    cursor.focus()
    cursor.press("End")
    assert shown.page.locator("#at").inner_text() == "0:01:30"
    assert cursor.get_attribute("aria-valuetext").startswith("0:01:30; ")


def test_one_looks_closer_with_buttons_and_back(shown: Shown) -> None:
    whole = _view(shown)
    shown.page.get_by_role("button", name="Closer").click()
    closer = _view(shown)
    assert float(closer.split()[2]) == float(whole.split()[2]) / 2
    shown.page.get_by_role("button", name="Later").click()
    assert _view(shown) != closer
    shown.page.get_by_role("button", name="All").click()
    assert _view(shown) == whole
    assert shown.page.get_by_role("button", name="Wider").is_disabled()


def test_one_looks_closer_by_dragging(shown: Shown) -> None:
    trace = shown.page.locator(".run:visible .panel-answered .trace")
    trace.scroll_into_view_if_needed()
    box = trace.bounding_box()
    slices = float(_view(shown).split()[2])
    middle = box["y"] + box["height"] / 2
    shown.page.mouse.move(box["x"] + box["width"] / 4, middle)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    shown.page.mouse.up()
    start, _, width, _ = map(float, _view(shown).split())
    assert start == pytest.approx(slices / 4, abs=slices / 100)
    assert width == pytest.approx(slices / 4, abs=slices / 50)


def test_another_policy_s_run_is_chosen(shown: Shown) -> None:
    assert "run-0" in shown.page.locator(".run:visible").get_attribute("class")
    shown.page.locator("label[for=run-1]").click()
    assert "run-1" in shown.page.locator(".run:visible").get_attribute("class")


def test_a_decision_leads_to_its_place_in_the_day(shown: Shown) -> None:
    shown.page.locator("summary", has_text="Of far").click()
    link = shown.page.locator("#turns a[data-run='1']").first
    link.click()
    assert shown.page.locator("#at").inner_text() == link.inner_text()
    assert "run-1" in shown.page.locator(".run:visible").get_attribute("class")
    assert float(_view(shown).split()[2]) == 30.0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_it_stands_on(browser: Any, report: Path, scheme: Any) -> None:
    with opened(browser, report, scheme=scheme) as shown:
        found = shown.page.evaluate(_CONTRASTS)
    assert found
    assert min(found.values()) >= 4.5, found


# The contrast, after WCAG 2, of every colour that text has with what is behind it.
_CONTRASTS = """() => {
  const light = (colour) => {
    const parts = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const SHOWN = "h1,h2,h3,h4,h5,p,td,th,label,summary,a,output,li,text,span,button";
  const found = {};
  for (const element of document.querySelectorAll(SHOWN)) {
    if (!element.textContent.trim() || element.disabled || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const [front, back] = [element.tagName === "text" ? style.fill : style.color, behind(element)].map(light);
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    const name = `${element.tagName} ${element.getAttribute("class") ?? ""}`;
    found[name] = Math.min(found[name] ?? 99, ratio);
  }
  return found;
}"""
