"""Where something stands in a TOML text is found for every form in which it can be written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.toml.lines import MAX_DEPTH, MAX_ENTRIES, joined, lay_out

EVERY_FORM = '''\
schema = 1  # first
"quoted key" = 'a [[not]] # header'

[worth]
second = 1
"dotted"."wo.rd".deep = 2
dotted.other = 3
[[rules]]
name = "a"
when = { battery_pct = { less_than = 20 }, "rtt_ms.cloud" = 3 }
forbid = [
  "a", # ]
  "b",
]
[[rules]]
when = {any = [
  {charging = true},
  {charging = false} ] }
about = """ [x]
two "" quotes, and at the end """""
at = 1979-05-27 07:32:00
list = [[1, 2], [3,
4]]
last = 5
[[rules.inner]]
x = 1
[[rules.inner]]
[rules.inner.more]
y = \'\'\'
\'\'\'
[targets."a\\u0062".c]
[targets."ab"]
p = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("schema", 1),
        ("quoted key", 2),
        ("worth", 4),
        ("worth.second", 5),
        ("worth.dotted.wo.rd.deep", 6),
        ("worth.dotted", 6),
        ("worth.dotted.other", 7),
        ("rules[0]", 8),
        ("rules[0].when.battery_pct.less_than", 10),
        ("rules[0].when.rtt_ms.cloud", 10),
        ("rules[0].forbid", 11),
        ("rules[0].forbid[1]", 13),
        ("rules[1]", 15),
        ("rules[1].when.any[0].charging", 17),
        ("rules[1].when.any[1]", 18),
        ("rules[1].about", 19),
        ("rules[1].at", 21),
        ("rules[1].list[1][1]", 23),
        ("rules[1].last", 24),
        ("rules[1].inner[0].x", 26),
        ("rules[1].inner[1]", 27),
        ("rules[1].inner[1].more.y", 29),
        ("targets.ab.c", 31),
        ("targets.ab.p", 33),
    ],
)
def test_every_form_is_found(path: str, line: int) -> None:
    layout = lay_out(EVERY_FORM)
    assert layout.lines[path] == line
    assert (layout.twice, layout.reached) == (None, 33)


def test_it_finds_what_the_parser_finds() -> None:
    assert set(lay_out(EVERY_FORM).lines) >= set(_paths(tomllib.loads(EVERY_FORM)))


def _paths(value: object, path: str = "") -> Iterator[str]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, joined(path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _paths(inner, joined(path, i))


KEYS = st.one_of(st.sampled_from(["a", "b-c", "1"]), st.text("ab\"'\\ é#=\n", max_size=4))
PLAIN = st.one_of(
    st.integers(-5, 5),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.text("ab\"'\\[]{}#=,\n é", max_size=8),
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)), max_leaves=12
)


def _text(value: str, form: int) -> str:
    """Write a text in one of TOML's four forms, where it can be."""
    if form == 1 and "'" not in value and "\n" not in value:
        return f"'{value}'"
    if form == 2 and "'''" not in value and not value.endswith("'"):
        return f"'''\n{value}'''"
    escaped = value.replace("\\", "\\\\")
    if form == 3:
        # Two quotes may stand alone in a long text; of three the third is escaped.
        return (
            f'"""{escaped.replace(chr(34) * 3, chr(34) * 2 + chr(92) + chr(34))}"""'
            if _fits_long(value)
            else _text(value, 0)
        )
    return '"' + escaped.replace('"', '\\"').replace("\n", "\\n") + '"'


def _fits_long(value: str) -> bool:
    return not value.endswith('"') and '""""' not in value


def _written(value: object, draw: st.DrawFn) -> str:
    if isinstance(value, str):
        return _text(value, draw(st.integers(0, 3)))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        between = draw(st.sampled_from([", ", ",\n", " , # ] }\n"]))
        return f"[ {between.join(_written(inner, draw) for inner in value)}\n]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key, draw)} = {_written(inner, draw)}" for key, inner in value.items()) + " }"
    return repr(value)


def _key(key: str, draw: st.DrawFn) -> str:
    if key.isascii() and key.replace("-", "").isalnum() and draw(st.booleans()):
        return key
    return _text(key, draw(st.sampled_from([0, 1])))


@st.composite
def _documents(draw: st.DrawFn) -> str:
    """Documents with values of every form, inside tables, lists of tables and names with dots."""
    lines: list[str] = []

    def pairs(values: dict[str, object]) -> None:
        for key, value in values.items():
            if isinstance(value, dict) and value and draw(st.booleans()):
                inner, held = next(iter(value.items()))
                lines.append(f"{_key(key, draw)} . {_key(inner, draw)} = {_written(held, draw)}")
            else:
                lines.append(f"{_key(key, draw)}\t=  {_written(value, draw)} # [x]")

    pairs(draw(st.dictionaries(KEYS, VALUES, max_size=3)))
    for i in range(draw(st.integers(0, 3))):
        lines.append(f"[table{i}.{_key(draw(KEYS), draw)}]")
        pairs(draw(st.dictionaries(KEYS, VALUES, max_size=2)))
    for _ in range(draw(st.integers(0, 3))):
        lines.append("[[ list ]]")
        pairs(draw(st.dictionaries(KEYS, VALUES, max_size=2)))
        if draw(st.booleans()):
            lines.append("[[list.inner]]")
    return "\n".join(lines)


@given(_documents())
def test_all_that_the_parser_reads_has_a_line_and_nothing_else_has(text: str) -> None:
    layout = lay_out(text)
    assert layout.twice is None
    assert set(layout.lines) == set(_paths(tomllib.loads(text)))
    assert all(1 <= line <= text.count("\n") + 1 for line in layout.lines.values())


@given(_documents(), st.integers(0, 500))
def test_a_text_that_is_cut_off_anywhere_is_borne(text: str, cut: int) -> None:
    layout = lay_out(text[:cut])
    assert layout.reached <= text.count("\n", 0, cut) + 1


@given(st.text("a=[]{}.\"'#, \n\\", max_size=60))
def test_what_is_not_toml_is_borne(text: str) -> None:
    lay_out(text)


@pytest.mark.parametrize(
    ("text", "path", "lines"),
    [
        ("a = 1\nb = 2\na = 3\n", "a", (3, 1)),
        ("[a]\n[b]\n[a]\n", "a", (3, 1)),
        ("a = {b = 1, b = 2}", "a.b", (1, 1)),
        ("a = 1\n[a.b]\n", "a", (2, 1)),
        ("a.b = 1\n[a]\n", "a", (2, 1)),
        ("[[a]]\n[a]\n", "a[0]", (2, 1)),
        ("a = [1]\n[[a]]\n", "a", (2, 1)),
        ("a = {}\na.b = 1\n", "a", (2, 1)),
        ("[a]\nb.c = 1\nb.d = 2\n[a.b]", "a.b", (4, 2)),
        ("[[a]]\nx = 1\n[[a]]\nx = 1\nx = 2", "a[1].x", (5, 4)),
    ],
)
def test_what_is_said_twice_is_found_with_both_its_lines(text: str, path: str, lines: tuple[int, int]) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    twice = lay_out(text).twice
    assert twice is not None
    assert (twice.path, (twice.line, twice.first_line)) == (path, lines)


@pytest.mark.parametrize("text", ["[a.b]\n[a]\n", "a.b = 1\na.c = 2\n", "[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]\n"])
def test_what_only_looks_so_is_not_said_twice(text: str) -> None:
    tomllib.loads(text)
    assert lay_out(text).twice is None


@pytest.mark.parametrize(
    ("path", "key", "line"),
    [
        ("rules[0]", "when", 10),
        ("rules[0]", "mode", 8),
        ("rules[0].when.all[2].cpu_load", "", 10),
        ("worth", "dollar", 4),
        ("breaker", "open_s", None),
        ("", "name", None),
        ("", "", None),
    ],
)
def test_what_is_not_written_has_the_line_of_what_is_around_it(path: str, key: str, line: int | None) -> None:
    assert lay_out(EVERY_FORM).line_of(path, key) == line


def test_what_goes_beyond_all_measure_is_passed_over() -> None:
    long = f"x = [{'1,' * (MAX_ENTRIES + 500)} '] }}', [2]]\ny = 1\n"
    assert lay_out(long).lines["y"] == 2
    assert len(lay_out(long).lines) < MAX_ENTRIES + 5
    assert len(lay_out("x = " + "[" * 20_000).lines) < MAX_DEPTH + 5
    assert max(map(len, lay_out(f'["{"a" * 100_000}"]\nb = 1\n').lines)) < 100
