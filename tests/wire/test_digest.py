"""Digests: one way to write them, and bytes that are not the promised ones do not pass."""

from __future__ import annotations

import pytest

from nearfar_wire.digest import digest_of, is_digest, verify
from nearfar_wire.errors import DigestMismatch

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_digest_is_sha256_and_hex() -> None:
    assert digest_of(b"") == EMPTY
    assert is_digest(EMPTY)


@pytest.mark.parametrize(
    "text", ["", EMPTY[7:], EMPTY.upper(), EMPTY[:-1], EMPTY + "0", EMPTY + "\n", "md5:" + "0" * 64]
)
def test_other_spellings_are_no_digest(text: str) -> None:
    assert not is_digest(text)


def test_the_promised_bytes_pass() -> None:
    assert verify("model.onnx", b"", EMPTY) == EMPTY


def test_other_bytes_do_not_and_the_error_says_what_to_do() -> None:
    with pytest.raises(DigestMismatch, match="install the release again") as refused:
        verify("model.onnx", b"x", EMPTY)
    assert (refused.value.what, refused.value.wanted, refused.value.found) == ("model.onnx", EMPTY, digest_of(b"x"))
