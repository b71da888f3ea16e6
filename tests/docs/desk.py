"""A folder in which one page is worked through from top to bottom, as its reader would.

What each language means, so that no block is there only to be looked at:

    python            run; the blocks of a page share one namespace
    toml              its first line names the file (`# agent.toml`): written there, and read by what reads such files;
                      `# part of policy.toml` is checked with the rest filled in, and not written
    json              parsed
    console           lines that begin with `$ ` are run, and what follows is their output; `exits-1` is the exit code
    text              the output of the block before it

Output is compared loosely: the lines that are shown have to come in that order, others may stand between them, and
`...` is any text. The ports 8000, 8001 and 8002 of the page become free ones. `nearfar-cloud serve` goes on until the
page ends. Of `make` and `pip` it is checked that the target and the extra exist, and of `docker` and `kubectl`, which
want an engine and a cluster, that the files they name do."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from cloud_service.admission.tenants import parse_tenants
from cloud_service.config import read_settings
from cloud_service.repository.serving import parse_serving
from cloud_service.sources import gather
from edge_agent.config import load_config
from nearfar_wire.manifest import parse_manifest
from router.rules.compile import compile_policy
from router.simulate.document import ScenarioDocument
from router.toml.document import read_document
from tests.builders.waiting import eventually
from tests.docs.blocks import ROOT, Block

__all__ = ["Desk", "python_environment"]

_COMMANDS: Final = {
    "nearfar-agent": "edge_agent.cli",
    "nearfar-cloud": "cloud_service.cli",
    "nearfar-policy": "router.cli",
}
_BOUND_S: Final = 60
_STEM: Final = re.compile(r"(agent|cloud|policy|manifest|scenario|serving|tenants)[a-z-]*\.toml")
# What a part of a document is checked with: enough of the rest to make a whole.
_POLICY_HEAD: Final = 'schema = 1\nname = "page"\nversion = 1\n'
_AGENT_TAIL: Final = '\n[models.digits]\nrelease = "releases/digits"\n'


class Desk:
    """See the module. Used in a `with` statement, which ends what the page started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._namespace: dict[str, Any] = {"__name__": "__main__"}  # Any: whatever the page defines
        self._output = ""
        self._ports = dict(zip(("8000", "8001", "8002"), _free_ports(3), strict=True))
        self._serving: list[tuple[subprocess.Popen[str], io.TextIOBase]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process, log in self._serving:
            process.terminate()
            process.wait(_BOUND_S)
            log.close()

    def work_through(self, block: Block) -> None:
        """Run or check one block. Raises AssertionError: naming the place."""
        steps: dict[str, Callable[[Block, str], None]] = {
            "python": self._python,
            "toml": self._toml,
            "json": lambda _, text: json.loads(text),
            "console": self._console,
            "text": self._text,
        }
        assert block.language in steps, f"{block.place}: nobody checks a block of {block.language or 'no language'}"
        steps[block.language](block, self._with_ports(block.text))

    def _with_ports(self, text: str) -> str:
        for written, free in self._ports.items():
            text = re.sub(rf"(?<=127\.0\.0\.1:){written}\b", str(free), text)
        return text

    # -- languages ----------------------------------------------------------------------------------------------------

    def _python(self, block: Block, text: str) -> None:
        # The lines before it are left empty, so that a traceback points into the page.
        code = compile("\n" * (block.line - 1) + text, str(block.page), "exec")
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.chdir(self._folder):
            exec(code, self._namespace)
        self._output = said.getvalue()

    def _toml(self, block: Block, text: str) -> None:
        first, _, rest = text.partition("\n")
        words = first.removeprefix("#").split()
        assert words, f"{block.place}: the first line names the file: # agent.toml"
        path = self._folder / words[-1]
        stem = _STEM.fullmatch(path.name)
        assert stem is not None, f"{block.place}: nobody reads {words[-1]}"
        part = words[:2] == ["part", "of"]
        if part:
            path = path.with_name(f"part-{path.name}")
            tail = "" if "[models." in rest else _AGENT_TAIL
            whole = {"policy": _POLICY_HEAD + text, "agent": text + tail, "cloud": f'models = "models"\n{text}'}
            text = whole.get(stem[1], text)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if stem[1] == "agent":
            load_config(path)
        elif stem[1] == "cloud":
            gathered = gather({"config": path}, {})
            read_settings(gathered.values, gathered.origins)
        elif stem[1] == "policy":
            compile_policy(path.read_bytes(), source=block.place)
        elif stem[1] == "scenario":
            read_document(path.read_bytes(), ScenarioDocument, source=block.place, max_bytes=1 << 20)
        elif stem[1] == "tenants":
            parse_tenants(path.read_bytes(), block.place)
        elif stem[1] == "serving":
            parse_serving(path.read_bytes(), block.place)
        else:
            parse_manifest(path.read_bytes(), block.place)
        if part:
            path.unlink()

    def _text(self, block: Block, text: str) -> None:
        _assert_output(text.splitlines(), self._output, block.place)

    def _console(self, block: Block, text: str) -> None:
        wanted_exit = int(next((o.removeprefix("exits-") for o in block.options if o.startswith("exits-")), "0"))
        assert text.startswith("$ "), f"{block.place}: a console block begins with a command: $ ..."
        for entry in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            # A command may go on after a backslash; everything behind it is output.
            command, _, shown = re.sub(r"\\\n\s*", " ", entry).partition("\n")
            code = self._run(shlex.split(command, comments=True), block.place)
            assert code == wanted_exit, f"{block.place}: {command} exited with {code}:\n{self._output}"
            _assert_output(shown.splitlines(), self._output, block.place)

    # -- commands -----------------------------------------------------------------------------------------------------

    def _run(self, words: list[str], place: str) -> int:
        name, arguments = words[0], words[1:]
        self._output = ""
        if name == "make":
            return _check_targets(arguments, place)
        if name == "pip":
            return _check_extras(arguments, place)
        if name in ("docker", "kubectl"):
            return _check_paths(arguments, place)
        if name == "curl":
            self._output = _curl(arguments, place)
            return 0
        assert name in _COMMANDS or name == "python", f"{place}: nobody runs {name}"
        command = [sys.executable, *arguments]
        if name in _COMMANDS:
            # As the installed script does it.
            entry = f"import sys; from {_COMMANDS[name]} import main; sys.exit(main())"
            command = [sys.executable, "-c", entry, *arguments]
        if words[:2] == ["nearfar-cloud", "serve"]:
            return self._serve(command)
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=python_environment(),
            capture_output=True,
            text=True,
            timeout=_BOUND_S,
            check=False,
        )
        self._output = done.stdout + done.stderr
        return done.returncode

    def _serve(self, command: list[str]) -> int:
        log_path = self._folder / f"serve-{len(self._serving)}.log"
        log = log_path.open("w+", encoding="utf-8")
        # The page need not name the port of REST where it is not about REST.
        environment = python_environment() | {"NEARFAR_CLOUD_REST": f"127.0.0.1:{self._ports['8000']}"}
        process = subprocess.Popen(
            command, cwd=self._folder, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True
        )
        self._serving.append((process, log))

        def said() -> str:
            return log_path.read_text(encoding="utf-8")

        eventually(lambda: "\nhttp " in said() or process.poll() is not None, within_s=_BOUND_S)
        self._output = said()
        return process.poll() or 0


def _curl(arguments: list[str], place: str) -> str:
    """Ask as curl would that is given headers (-H) and a body (-d), and nothing else."""
    headers: dict[str, str] = {}
    body: bytes | None = None
    words = iter(arguments)
    url = ""
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(":")
            headers[name] = value.strip()
        elif word == "-d":
            body = next(words).encode()
        else:
            assert not word.startswith("-"), f"{place}: nobody gives curl {word}"
            url = word
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_BOUND_S) as answer:
            said: bytes = answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            said = refused.read()
    return said.decode()


def python_environment() -> dict[str, str]:
    """Return the variables for a Python process of its own: this checkout, and plain output."""
    python_path = os.pathsep.join([str(ROOT / "proto"), str(ROOT)])
    return os.environ | {"PYTHONPATH": python_path, "NO_COLOR": "1", "COLUMNS": "100", "PYTHONUNBUFFERED": "1"}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _assert_output(shown: list[str], said: str, place: str) -> None:
    lines = iter([line.rstrip() for line in said.splitlines()])
    for wanted in shown:
        if wanted.strip() in ("", "..."):
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.rstrip().split("...")))
        assert any(pattern.fullmatch(line) for line in lines), f"{place}: nothing says {wanted!r} in:\n{said}"


def _check_targets(arguments: list[str], place: str) -> int:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in arguments:
        if "=" not in target:
            assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), f"{place}: no target {target}"
    return 0


def _check_extras(arguments: list[str], place: str) -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for argument in arguments:
        if (found := re.search(r"\[(.*)\]", argument)) is not None:
            for extra in found[1].split(","):
                assert extra in project["optional-dependencies"], f"{place}: no extra {extra}"
    return 0


def _check_paths(arguments: list[str], place: str) -> int:
    for argument in arguments:
        if argument.startswith("deploy/"):
            assert (ROOT / argument).exists(), f"{place}: no {argument}"
    return 0
