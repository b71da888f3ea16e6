"""A text with a value changed is the text as it was, but for that value."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.toml.edit import NotEditable, edited
from tests.properties.effort import effort

TEXT = """\
# Why this policy is as it is.
schema = 1   # the form
name = "shop"

[worth]      # what things are worth
dollar = 100.0      # a wrong answer costs us a cent
# and time little
second=0.05

[[rules]]
name = "r"
when = { battery_pct = { less_than = 20 } }
"""


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("worth.dollar", 20.0, "dollar = 20.0      # a wrong answer costs us a cent"),
        ("worth.second", 0.1, "second=0.1"),
        ("schema", 2, "schema = 2   # the form"),
        ("name", 'a "b"', 'name = "a \\"b\\""'),
    ],
)
def test_a_value_is_put_in_the_place_of_the_old_one(path: str, value: float, line: str) -> None:
    found = edited(TEXT, {path: value}, {})
    changed = [now for now, before in zip(found.splitlines(), TEXT.splitlines(), strict=True) if now != before]
    assert changed == [line]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[worth]\ndollar = 1.0\n", "[worth]\njoule = 0.5\ndollar = 1.0\n"),
        ("[worth]", "[worth]\njoule = 0.5\n"),
        ("worth.dollar = 1.0 # x\n", "worth.joule = 0.5\nworth.dollar = 1.0 # x\n"),
        ("worth = { dollar = 1.0 } # x\n", "worth = { dollar = 1.0, joule = 0.5 } # x\n"),
        ("worth = {}\n", "worth = { joule = 0.5 }\n"),
        ("a = 1\r\n", "a = 1\r\n\r\n[worth]\r\njoule = 0.5\r\n"),
        ("a = 1", "a = 1\n\n[worth]\njoule = 0.5\n"),
        ("# \u2028 no line ends here\n[worth]\nx = 1\n", "# \u2028 no line ends here\n[worth]\njoule = 0.5\nx = 1\n"),
    ],
)
def test_a_key_that_is_not_there_is_written_into_its_table(text: str, wanted: str) -> None:
    assert edited(text, {"worth.joule": 0.5}, {}) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "[budgets.energy]\namount_j = 5\n",
        "[budgets]\nenergy.amount_j = 5\n",
        "[budgets]\nenergy = { amount_j = 5 }\n",
        "budgets = { energy = { amount_j = 5 } }\n",
        "budgets.energy.amount_j = 5\n[a]\nb = 1\n",
        "[x]\ny = 1\n[budgets]\n[budgets.energy]\namount_j = 5 # }\n[z]\n",
    ],
)
def test_a_table_may_be_written_in_any_way_that_toml_has(text: str) -> None:
    found = tomllib.loads(edited(text, {"budgets.energy.eta": 0.5, "budgets.energy.amount_j": 4.0}, {}))
    assert found["budgets"]["energy"] == {"amount_j": 4.0, "eta": 0.5}


def test_a_note_stands_above_the_line_and_as_far_to_the_right() -> None:
    found = edited(
        "[worth]\n  dollar = 1.0\n", {"worth.dollar": 2.0}, {"worth.dollar": ["was 1.0", "why"], "": ["all"]}
    )
    assert found == "# all\n[worth]\n  # was 1.0\n  # why\n  dollar = 2.0\n"


def test_what_cannot_be_changed_alone_is_refused_and_not_changed_otherwise() -> None:
    with pytest.raises(NotEditable, match=r"worth\.dollar"):
        edited("worth = 3\n", {"worth.dollar": 2.0}, {})


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("[[worth]]\nsecond = 1.0\n", "worth.dollar", id="a list of tables"),
        pytest.param(
            "budgets = { bytes = { amount_mb = 1 } }\n", "budgets.energy.eta", id="no table within braces yet"
        ),
        pytest.param("worth.second.a = 3\n", "worth.second", id="a table in place of the value"),
    ],
)
def test_what_would_make_no_toml_of_a_text_is_refused_as_well(text: str, path: str) -> None:
    """The parser's own error came through, which nobody waits for."""
    with pytest.raises(NotEditable, match=path.replace(".", r"\.")):
        edited(text, {path: 2.0}, {})


keys = st.sampled_from(["a", "b", "c"])
leaves = st.one_of(st.integers(-9, 9), st.booleans(), st.floats(-1, 1), st.text("x#]}[\"'\\ ,=", max_size=4))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Documents in which each table is written in another way."""
    from router.document.start import _toml

    lines = [f"{key} = {_toml(draw(leaves))} # {key}" for key in draw(st.sets(keys))]
    for table in draw(st.sets(st.sampled_from(["t", "u", "v"]))):
        pairs = {key: draw(leaves) for key in sorted(draw(st.sets(keys, min_size=1)))}
        way = draw(st.sampled_from(["header", "inline", "dots"]))
        if way == "inline":
            lines.insert(0, f"{table} = {_toml(pairs)}")
        elif way == "dots":
            lines = [*(f"{table}.{key} = {_toml(value)}" for key, value in pairs.items()), *lines]
        else:
            lines += [f"[{table}] # here", *(f"{key} = {_toml(value)}" for key, value in pairs.items())]
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n# end"]))


@effort
@given(texts(), st.sampled_from(["a", "t.a", "u.b", "v.c", "w.a"]), leaves)
def test_whatever_the_layout_only_that_value_changes(text: str, path: str, value: float) -> None:
    found = tomllib.loads(edited(text, {path: value}, {path: ["a note"]}))
    wanted = tomllib.loads(text)
    *table, key = path.split(".")
    (wanted.setdefault(table[0], {}) if table else wanted)[key] = value
    assert found == wanted
    assert [line for line in text.split("\n") if line.startswith("#")] == [
        line for line in edited(text, {path: value}, {}).split("\n") if line.startswith("#")
    ]
