"""The demo from end to end: make the models, start the cloud, play the day, compare, explain, write the summary.

Whatever happens, an interrupt included, no process and no temporary folder stays behind."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TextIO

from edge_agent.agent import Agent
from edge_agent.config import load_config
from edge_agent.demo.cloud import CloudProcess, serve_command
from edge_agent.demo.day import DAY, DEADLINE_MS, USUAL_BATTERY_PCT, USUAL_CPU_LOAD, Phase
from edge_agent.demo.documents import agent_document, day_policy, fixed_policy
from edge_agent.demo.options import Options
from edge_agent.demo.play import Played, Player
from edge_agent.demo.release import DemoRelease, make_release
from edge_agent.demo.report import Report, choose_report
from edge_agent.demo.summary import write_summary
from edge_agent.demo.words import Baselines, compared, explained, listed, pick, seen
from edge_agent.errors import AgentError
from edge_agent.signals import Scripted
from edge_agent.testing.link import FaultyLink
from nearfar_wire.errors import MissingExtra, WireError
from router.types import Mode

__all__ = ["run"]

# So many requests a second keep a phase long enough to be watched, and leave the agent time to measure.
_PACE_S: Final = 0.003
_NEEDS: Final = ("grpc_health", "onnx", "rich", "sklearn")
_INTERRUPTED: Final = 130
_BYTES: Final = """\
Bytes sent are counted at the link: all that came in from the device, requests,
measurements of the round trip, and the frames that a connection needs."""


def run(options: Options, *, stream: TextIO = sys.stdout, environment: Mapping[str, str] = os.environ) -> int:
    """Play the demo and return its exit code: 0, 1 where something could not start, 130 after an interrupt."""
    try:
        with _terminated_as_interrupted():
            _check(options)
            with _folder(options) as folder:
                _play(options, folder, stream, environment)
    except KeyboardInterrupt:
        return _fail("interrupted; no process was left behind", _INTERRUPTED)
    except (AgentError, WireError, OSError) as error:
        return _fail(str(error), 1)
    return 0


@dataclass(frozen=True, slots=True)
class _Stage:
    """What all phases share."""

    made: DemoRelease
    folder: Path
    link: FaultyLink
    scripted: bool

    def play(self, phases: tuple[Phase, ...], policy: str, report: Report) -> list[Played]:
        """Play `phases` with one agent under the policy in the file `policy`."""
        player = Player(self.link, self.made.digits.held_out, pace_s=_PACE_S, on_progress=report.progress)
        scripted = Scripted() if self.scripted else None
        config = load_config(self.folder / "agent.toml").model_copy(update={"policy": self.folder / policy})
        played: list[Played] = []
        with Agent(config, sources=None if scripted is None else [scripted]) as agent:
            for phase in phases:
                played.append(player.play(phase, agent, scripted))
                report.finished(played[-1].summary)
        return played


def _play(options: Options, folder: Path, stream: TextIO, environment: Mapping[str, str]) -> None:
    report = choose_report(stream, environment)
    report.say("A day in a device's life, on handwritten digits that no model was trained on.\n")
    made = _train(folder, report)
    report.say("Starting the cloud service, as a process of its own ...\n")
    with CloudProcess(serve_command(made.models)) as cloud, FaultyLink(cloud.grpc) as link:
        _write_documents(folder, made, link)
        report.say(_cast(options, folder, made, cloud, link))
        stage = _Stage(made, folder, link, scripted=not options.real_sensors)
        with report:
            day = stage.play(DAY, "policy.toml", report)
        report.say(f"\n{_BYTES}\n\nThe same images on the good network, routed as above and always in one place:\n")
        with choose_report(stream, environment) as comparison:
            comparison.finished(replace(day[0].summary, name="nearfar"))
            (device,) = stage.play((Phase("always device"),), "always-device.toml", comparison)
            (cloud_only,) = stage.play((Phase("always cloud"),), "always-cloud.toml", comparison)
    baselines = Baselines(device, cloud_only)
    report.say("\n".join(["", *compared(day[0].summary, baselines), "\nWhat was seen:\n", *seen(day, baselines)]))
    report.say("\n".join(_one_decision(made, day[0], device)))
    if options.summary is not None:
        _write_summary(options, made, day, baselines)
        report.say(f"\nThe numbers are in {options.summary}.")
    if options.keep or options.folder is not None:
        report.say(f"\nModels and policies are in {folder}.")


def _train(folder: Path, report: Report) -> DemoRelease:
    report.say("Training a full model and a small one, and quantizing the small one to int8 ...")
    started = time.monotonic()
    made = make_release(folder)
    images = made.digits
    report.say(
        f"  {len(images.train)} images, {time.monotonic() - started:.1f} s; the device's file has "
        f"{_size(made.release):,} bytes, the cloud's {_size(made.models):,}"
    )
    return made


def _write_documents(folder: Path, made: DemoRelease, link: FaultyLink) -> None:
    for name, text in {
        "agent.toml": agent_document(_address(link.address)),
        "policy.toml": day_policy(made.margin),
        "always-device.toml": fixed_policy(Mode.ONLY_ON_DEVICE),
        "always-cloud.toml": fixed_policy(Mode.ONLY_IN_CLOUD),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")


def _cast(options: Options, folder: Path, made: DemoRelease, cloud: CloudProcess, link: FaultyLink) -> str:
    """Return who plays, what is real, and what is going to happen."""
    kept = "" if options.keep or options.folder is not None else " (gone afterwards; --dir DIR keeps it)"
    scripted = not options.real_sensors
    return "\n".join(
        [
            *listed(
                {
                    "cloud": _address(cloud.grpc),
                    "link": f"{_address(link.address)}, a TCP proxy on the way there: it delays, throttles, resets and "
                    "refuses, so that the network's faults are real ones",
                    "policy": f"{folder / 'policy.toml'}{kept}",
                    "battery, load": f"scripted: {USUAL_BATTERY_PCT:.0f} %, not charging, and {USUAL_CPU_LOAD:.0%} "
                    "unless a phase says otherwise; --real-sensors reads this machine's own"
                    if scripted
                    else "this machine's own; what is about them happens only if they say so",
                }
            ),
            f"\nIn each phase the same {len(made.digits.held_out)} images, {DEADLINE_MS:.0f} ms for each:\n",
            *listed({phase.name: phase.in_words(scripted=scripted) for phase in DAY}),
            "",
        ]
    )


def _address(of: tuple[str, int]) -> str:
    return f"{of[0]}:{of[1]}"


def _one_decision(made: DemoRelease, day: Played, device: Played) -> list[str]:
    index = pick(day, device)
    if index is None:
        return ["\nNo decision to explain: the cloud was never asked and answered."]
    written = int(made.digits.held_out.labels[index])
    return ["\nOne decision, in words:\n", *explained(day.answers[index], written, device.answers[index])]


def _write_summary(options: Options, made: DemoRelease, day: list[Played], baselines: Baselines) -> None:
    assert options.summary is not None
    result = next(answer.result for answer in day[0].answers if answer.result is not None)
    write_summary(
        options.summary,
        [played.summary for played in day],
        {"always_device": baselines.always_device.summary, "always_cloud": baselines.always_cloud.summary},
        {
            "deadline_ms": DEADLINE_MS,
            "margin": made.margin,
            "policy_digest": result.receipt.policy_digest,
            "scripted_sensors": not options.real_sensors,
        },
    )


def _size(folder: Path) -> int:
    """Return the bytes of the one model file below `folder`."""
    return sum(file.stat().st_size for file in folder.rglob("*.onnx"))


def _check(options: Options) -> None:
    """Find out now what would be in the way after half a minute. Raises MissingExtra, OSError."""
    if any(find_spec(name) is None for name in _NEEDS):
        raise MissingExtra("the demo", "demo,cloud")
    if options.summary == Path("-"):
        raise OSError("--json -: on standard output stands how the day goes; name a file")
    if options.summary is not None and not options.summary.absolute().parent.is_dir():
        raise NotADirectoryError(f"--json {options.summary}: there is no such folder; make it, or name another file")


@contextmanager
def _folder(options: Options) -> Iterator[Path]:
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
        yield options.folder
        return
    folder = Path(tempfile.mkdtemp(prefix="nearfar-demo-"))
    try:
        yield folder
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM unwind as Ctrl-C does, so that the cloud process ends too. Only a main thread can arrange that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(problem: str, code: int) -> int:
    sys.stderr.write(f"nearfar-agent demo: {problem}\n")
    return code
