from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cloud_service.errors import InvalidInput
from cloud_service.http.json_reader import MAX_JSON_BYTES, Elements, read_object

_TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
_KEYS = _TEXT.filter(lambda key: key != "data")
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), 1 << 64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.wide
@given(st.dictionaries(_KEYS, _JSON, max_size=4), st.sampled_from([None, 2]), st.booleans())
def test_what_is_json_is_read_as_the_standard_reader_reads_it(
    document: dict[str, object], indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    try:
        read = read_object(text)
    except InvalidInput as error:
        assume("nested deeper" not in str(error))
        raise
    assert read == json.loads(text)


@given(st.binary(max_size=60) | st.text('{}[]":,0123456789.eE+- \\ntruefalsdata', max_size=60).map(str.encode))
def test_whatever_else_comes_is_refused_or_is_json(text: bytes) -> None:
    try:
        read_object(text)
    except InvalidInput:
        return
    assert isinstance(json.loads(text), dict)


def _data(text: str) -> object:
    entry = read_object(b'{"inputs": [{"name": "x", "data": %s, "after": 1}]}' % text.encode())["inputs"]
    assert isinstance(entry, list)
    assert isinstance(entry[0], dict)
    assert entry[0]["after"] == 1
    return entry[0]["data"]


@pytest.mark.parametrize(
    ("text", "are_strings"),
    [
        ("[]", False),
        ("[1, 2]", False),
        ("[[1, 2],\n [3, 4]]", False),
        ("[true]", False),
        ("[[], []]", False),
        ('["a"]', True),
        ('["]", "[", "{\\"", "\\\\"]', True),
        ('[["a"], ["b"]]', True),
        ('[ [ "a" ] , [ "b" ] ]', True),
    ],
)
def test_the_data_of_an_input_stays_text_from_bracket_to_bracket(text: str, are_strings: bool) -> None:
    assert _data(text) == Elements(text.encode(), are_strings)


@pytest.mark.parametrize(
    "text",
    [
        "5",
        '"a"',
        "{}",
        "null",
        "[null]",
        "[NaN]",
        "[-Infinity]",
        "[{}]",
        "[",
        "[1",
        "[1, 2",
        '["a", 1]',
        '[1, "a"]',
        '["a"',
        '["a]',
        '[["a"], "b"]',
        '[["a"[], []"b"]]',
        '["a" "b"]',
        '["a",]',
        '["\n"]',
    ],
)
def test_data_that_is_no_array_of_one_kind_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"the data of an input|is expected|does not end"):
        _data(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(b"", "an? JSON object is expected|JSON object is expected", id="nothing"),
        pytest.param(b"[]", "JSON object is expected", id="an array"),
        pytest.param(b"{} {}", "something follows", id="two"),
        pytest.param(b'{"a": 1, "a": 2}', "'a' stands twice", id="a key twice"),
        pytest.param(b'{"a": {"b": 1, "\\u0062": 2}}', "'b' stands twice", id="a key twice, once escaped"),
        pytest.param(b'{"a": 01}', "comma or }", id="a leading zero"),
        pytest.param(b'{"a": +1}', "value is expected", id="a plus"),
        pytest.param(b'{"a": .5}', "value is expected", id="no digit before the point"),
        pytest.param(b'{"a": 1.}', "comma or }", id="no digit after the point"),
        pytest.param(b'{"a": NaN}', "value is expected", id="NaN"),
        pytest.param(b'{"a": ' + b"9" * 65 + b"}", "more than 64 characters", id="a huge integer"),
        pytest.param(b'{"a": "\\x"}', "escape", id="an escape that is none"),
        pytest.param(b'{"a": "\x01"}', "control character", id="a control character"),
        pytest.param(b'{"a": "b}', "does not end", id="a string without end"),
        pytest.param(b"{'a': 1}", "key in quotes", id="single quotes"),
        pytest.param(b'{"a": 1,}', "key in quotes", id="a trailing comma"),
        pytest.param(b'{"a" 1}', ": is expected", id="no colon"),
        pytest.param(b'{"a": "\xff"}', "not UTF-8 from byte 7", id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", "JSON object is expected", id="a byte order mark"),
        pytest.param(b"\xff\xfe{\0}\0", "not UTF-8", id="UTF-16"),
        pytest.param(b'{"a":' * 9 + b"1" + b"}" * 9, "nested deeper than 8", id="deep objects"),
        pytest.param(b'{"a":' + b"[" * 100_000, "nested deeper than 8", id="100,000 brackets"),
        pytest.param(b'{"a":[' + b"0," * 3000 + b"0]}", "more than 2048 values", id="many values"),
        pytest.param(b'{"a":[' + b"{}," * 3000 + b"0]}", "more than 2048 values", id="many objects"),
        pytest.param(b'{"a":"' + b"a" * MAX_JSON_BYTES + b'"}', "is longer than 786432", id="too long"),
    ],
)
def test_what_is_refused_is_told(text: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as refused:
        read_object(text)
    assert len(str(refused.value)) < 200
