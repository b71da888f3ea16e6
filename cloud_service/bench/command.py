"""`nearfar-cloud bench`: what it takes and what it prints.

The report goes to stdout, progress to a terminal on stderr. Exit code 0 when something was measured, 1 when the server
cannot be measured, 2 when it was called wrongly; an interrupt ends the measurement and reports it."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cloud_service.bench.arrivals import Arrivals, Rhythm
from cloud_service.bench.options import Closed, Open, Options, Tls
from cloud_service.config import Address
from cloud_service.errors import BenchFailed, SettingsError
from cloud_service.outputs import STDOUT, refuse_early

__all__ = ["add_bench", "bench"]

_DEFAULT_CONCURRENCY: Final = 32
_LINE: Final = 60
# Flags of files that are read.
_READ: Final = ("input", "ca", "cert", "key", "token_file")


def add_bench(commands: Any) -> None:  # Any: argparse keeps the class of subparsers to itself
    """Add the command to `nearfar-cloud`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench",
        help="load a server of this protocol, anyone's, and print throughput, latency and errors",
        description="Load a server of the Open Inference Protocol v2, anyone's, and print what came of it.",
    )
    parser.add_argument("--target", required=True, type=_address, metavar="HOST:PORT", help="where gRPC is served")
    parser.add_argument("--model", required=True, metavar="NAME", help="the model to ask")
    parser.add_argument("--version", default="", metavar="V", help="its version (default: the server's choice)")
    loop = parser.add_mutually_exclusive_group()
    loop.add_argument(
        "--concurrency",
        type=_count(1, 10_000),
        default=_DEFAULT_CONCURRENCY,
        metavar="N",
        help="closed loop: callers, each of whom asks again when answered (default: %(default)s)",
    )
    loop.add_argument(
        "--rate",
        type=_number(above=0),
        metavar="R",
        help="open loop: requests a second, whatever becomes of them; latency counts from when one was due",
    )
    parser.add_argument(
        "--arrivals",
        choices=[rhythm.value for rhythm in Rhythm],
        default=Rhythm.POISSON.value,
        help="how the requests of an open loop lie in time (default: %(default)s)",
    )
    parser.add_argument(
        "--seconds", type=_number(above=0), default=10.0, metavar="S", help="how long to measure (default: 10)"
    )
    parser.add_argument(
        "--warm-up", type=_number(), default=1.0, metavar="S", help="how long to load before that (default: 1)"
    )
    parser.add_argument("--rows", type=_count(1, 65_536), metavar="N", help="rows of a made-up request (default: 1)")
    parser.add_argument(
        "--free", type=_count(1, 1 << 20), metavar="N", help="size of its other dimensions that may vary (default: 32)"
    )
    parser.add_argument(
        "--input", type=Path, metavar="FILE.npz", help="arrays to send, by input, in place of made-up ones"
    )
    parser.add_argument(
        "--deadline-ms", type=_number(above=0), metavar="MS", help="deadline of each request (default: none)"
    )
    parser.add_argument(
        "--priority", type=_count(0, 1 << 16), default=0, metavar="N", help="the request parameter; 1 is the highest"
    )
    parser.add_argument(
        "--processes", type=_count(1, 256), default=1, metavar="N", help="processes that load (default: 1)"
    )
    parser.add_argument(
        "--connections", type=_count(1, 1024), default=1, metavar="N", help="connections of each of them (default: 1)"
    )
    parser.add_argument("--tls", action="store_true", help="speak TLS, and trust the usual authorities")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="speak TLS, and trust this certificate authority (PEM)")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="our certificate (PEM)")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its private key (PEM)")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="a bearer token to send")
    parser.add_argument("--beyond-loopback", action="store_true", help="load another machine than this one")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the report there too; -: print it, and the table to stderr"
    )


def bench(given: Mapping[str, Any]) -> int:  # Any: each flag's own type
    """Load a server as the flags say, print the report and return the exit code.

    Raises SettingsError: called wrongly. Raises BenchFailed: the server cannot be measured."""
    from cloud_service.bench.fleet import load
    from cloud_service.bench.generator import Order
    from cloud_service.bench.report import Report
    from cloud_service.bench.target import Endpoint, prepare

    refuse_early("json", given["json"], [given[name] for name in _READ])
    options = _options(given)
    endpoint = Endpoint.read(options)
    messages = asyncio.run(prepare(options, endpoint, _arrays(options.input)))
    orders = [
        Order(
            endpoint=endpoint,
            messages=messages,
            load=_share(options, index),
            warm_up_s=options.warm_up_s,
            seconds=options.seconds,
            deadline_s=options.deadline_s,
            connections=options.connections,
        )
        for index in range(options.processes)
    ]
    outcome = load(orders, progress=_progress())
    _end_progress()
    report = Report(options, outcome.tally, len(messages[0]), outcome.interrupted)
    # What is for people goes where no document does.
    (sys.stderr if given["json"] == STDOUT else sys.stdout).write(report.table())
    if given["json"] is not None:
        _write(given["json"], report.document())
    return 0 if outcome.tally.requests else 1


def _options(given: Mapping[str, Any]) -> Options:  # Any: as above
    if given["input"] is not None and (given["rows"] is not None or given["free"] is not None):
        raise SettingsError("input", "--rows and --free size what is made up; leave them out, or --input")
    identity = (given["ca"], given["cert"], given["key"])
    encrypted = given["tls"] or any(identity)
    rate, deadline_ms = given["rate"], given["deadline_ms"]
    return Options(
        target=given["target"],
        model=given["model"],
        version=given["version"],
        loop=Closed(given["concurrency"]) if rate is None else Open(rate, Rhythm(given["arrivals"])),
        seconds=given["seconds"],
        warm_up_s=given["warm_up"],
        rows=given["rows"] or 1,
        free=given["free"] or 32,
        input=given["input"],
        deadline_s=None if deadline_ms is None else deadline_ms / 1e3,
        priority=given["priority"],
        processes=given["processes"],
        connections=given["connections"],
        tls=Tls(*identity) if encrypted else None,
        token=_token(given["token_file"]),
        beyond_loopback=given["beyond_loopback"],
    )


def _share(options: Options, index: int) -> int | Arrivals:
    shares, loop = options.processes, options.loop
    if isinstance(loop, Closed):
        return loop.concurrency // shares + (index < loop.concurrency % shares)
    return Arrivals(loop.rate, loop.rhythm, shares, index)


def _arrays(path: Path | None) -> list[dict[str, Any]]:  # Any: arrays of whatever type is in the file
    if path is None:
        return []
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            return [{name: archive[name] for name in archive.files}]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BenchFailed(f"{path} cannot be read as an archive of arrays; write it with numpy.savez") from error


def _token(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("token_file", f"{path} cannot be read as a token") from error
    if not token.isprintable() or " " in token:
        raise SettingsError("token_file", f"{path} holds more than a token")
    return token


def _write(path: Path, document: Mapping[str, object]) -> None:
    if path == STDOUT:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    try:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise BenchFailed(f"cannot write {path}: {error.strerror}") from error


def _progress() -> Callable[[int, int], None]:
    def show(answered: int, errors: int) -> None:
        sys.stderr.write(f"\r{answered:,} answers, {errors:,} errors".ljust(_LINE))
        sys.stderr.flush()

    return show if sys.stderr.isatty() else lambda _answered, _errors: None


def _end_progress() -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{'':{_LINE}}\r")
        sys.stderr.flush()


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return parse


def _number(*, above: float = -1) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (value > above and 0 <= value <= 1e6):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {'above 0' if above >= 0 else 'from 0 up'}")
        return value

    return parse
