from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.errors import InvalidInput, TooLarge
from cloud_service.http.encoding import ENCODINGS, chosen_encoding, packed, unpacked


@given(st.binary(max_size=500), st.sampled_from(ENCODINGS))
def test_what_was_packed_comes_back(content: bytes, encoding: str) -> None:
    assert unpacked(packed(content, encoding), encoding, at_most=500) == content


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_bound_counts_unpacked_bytes(encoding: str) -> None:
    bomb = packed(bytes(10 << 20), encoding)
    assert len(bomb) < 50_000
    assert len(unpacked(bomb, encoding, at_most=10 << 20)) == 10 << 20
    with pytest.raises(TooLarge, match="longer than 10485759 bytes"):
        unpacked(bomb, encoding, at_most=(10 << 20) - 1)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param(b"plain", "gzip", id="not packed"),
        pytest.param(b"", "gzip", id="nothing"),
        pytest.param(gzip.compress(b"a" * 99)[:-1], "gzip", id="cut off"),
        pytest.param(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", id="two members"),
        pytest.param(zlib.compress(b"a") + b"more", "deflate", id="something behind it"),
        pytest.param(gzip.compress(b"a"), "deflate", id="the other one"),
        pytest.param(b"a", "br", id="an encoding we do not have"),
        pytest.param(gzip.compress(b"a"), "gzip, gzip", id="twice"),
    ],
)
def test_what_is_no_whole_stream_is_refused(content: bytes, encoding: str) -> None:
    with pytest.raises(InvalidInput):
        unpacked(content, encoding, at_most=1000)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("br, deflate, gzip", "deflate"),
        ("gzip;q=0, deflate;q=0.5", "deflate"),
        ("identity", ""),
        ("GZIP", "gzip"),
    ],
)
def test_the_first_encoding_that_is_known_is_chosen(accepted: str, encoding: str) -> None:
    assert chosen_encoding(accepted) == encoding
