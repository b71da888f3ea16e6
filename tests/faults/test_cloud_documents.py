"""What an operator may get wrong in the service's three TOML files: each is refused whole, at once, with its place.

The same mistakes for the settings, for a model's serving.toml and for the tenants document."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud_service.admission.opening import read_tenants
from cloud_service.config import read_settings
from cloud_service.errors import SettingsError, UnservableModel
from cloud_service.repository.serving import read_serving
from cloud_service.sources import gather

_AT_ONCE_S = 0.1
_MIB = 1 << 20


def _settings(folder: Path) -> None:
    gathered = gather({"config": folder / "cloud.toml"}, {})
    read_settings({"models": folder, **gathered.values}, gathered.origins)


def _tenants(folder: Path) -> None:
    read_tenants(read_settings({"models": folder, "tenants": folder / "tenants.toml"}))


@dataclass(frozen=True)
class Document:
    """A file, who reads it, and of what may stand in it a table, a number there, and how that is mistyped."""

    file: str
    read: Callable[[Path], object]
    table: str
    key: str
    mistyped: str


DOCUMENTS = {
    "settings": Document("cloud.toml", _settings, "", "longest_call_s", "longest_cal_s"),
    "serving": Document("serving.toml", read_serving, "[batching]\n", "max_queue_delay_s", "max_queue_delay"),
    "tenants": Document("tenants.toml", _tenants, "[default]\n", "requests_per_s", "request_per_s"),
}
each = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)

F1 = {
    "nan": "nan",
    "infinity": "inf",
    "less than nothing": "-1.0",
    "truth": "true",
    "text": '"many"',
    "a date": "1979-05-27",
    "a time": "07:32:00",
    "an array": "[1.0]",
    "a table": "{ a = 1 }",
    "more than there may be": "1e300",
    "an integer of 400 digits": "9" * 400,
    "an integer of 5000 digits": "9" * 5000,
}


@each
@pytest.mark.parametrize("value", F1.values(), ids=F1)
def test_F1_a_number_that_cannot_hold_is_refused_with_its_place(tmp_path: Path, document: Document, value: str) -> None:
    told, _ = _refusal(document, tmp_path, f"{document.table}{document.key} = {value}\n".encode())
    assert document.key in told or "line" in told
    assert "999999" not in told


@each
def test_F2_a_mistyped_key_is_refused_and_the_right_one_named(tmp_path: Path, document: Document) -> None:
    told, _ = _refusal(document, tmp_path, f"{document.table}{document.mistyped} = 1.0\n".encode())
    assert f'did you mean "{document.key}"' in told


@each
def test_F2_a_key_that_stands_twice_is_refused(tmp_path: Path, document: Document) -> None:
    told, _ = _refusal(document, tmp_path, f"{document.table}{document.key} = 1.0\n{document.key} = 2.0\n".encode())
    assert f'duplicate key "{document.key}"' in told


F4: dict[str, Callable[[], bytes]] = {
    "arrays in arrays": lambda: b"a = " + b"[" * 20_000,
    "tables in tables": lambda: b"a = " + b"{a=" * 20_000,
    "a name of many parts": lambda: b".".join([b"a"] * 20_000) + b" = 1",
    "a table's name of many parts": lambda: b"[" + b".".join([b"a"] * 20_000) + b"]",
    "100 MB": lambda: b"# " + bytes(100 * _MIB),
    "not UTF-8": lambda: b"a = '\xff\xfe'",
    "a nought": lambda: b"a = '\0'",
    "two byte order marks": lambda: "\ufeff\ufeffa = 1".encode(),
    "another language": lambda: b"a: 1\nb: [no, 010]\n",
}


@pytest.mark.wide
@each
@pytest.mark.parametrize("bomb", F4)
def test_F4_a_file_made_to_be_dear_is_refused_at_once(tmp_path: Path, document: Document, bomb: str) -> None:
    # The least of a few: a core that others use is slow at times, and what is dear is dear each time.
    assert min(_refusal(document, tmp_path, F4[bomb]())[1] for _ in range(3)) < _AT_ONCE_S


def _refusal(document: Document, folder: Path, content: bytes) -> tuple[str, float]:
    """Return what is told, and the seconds of a core that it took to find out."""
    (folder / document.file).write_bytes(content)
    started = time.thread_time()
    with pytest.raises((SettingsError, UnservableModel)) as caught:
        document.read(folder)
    cpu_s = time.thread_time() - started
    assert len(str(caught.value)) < 600
    return str(caught.value), cpu_s
