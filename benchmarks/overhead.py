"""What `agent.infer` adds to a run of the model on the device: against bare `session.run` on the same session, and by
requests that tell themselves where their time went."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks.counting import count
from benchmarks.everything import FEATURES, LABEL, Phone, certify, clouds, configure
from benchmarks.releases import one_millisecond
from benchmarks.stopwatch import PARTS, Stopwatch
from benchmarks.timing import compare, spread
from edge_agent import Agent, Result
from edge_agent.config import load_config
from edge_agent.core import Core
from nearfar_wire.prepare import prepare

__all__ = ["main"]

_ROUNDS: Final = 25
_ALONE: Final = "device alone"
_SOME: Final = "a cloud, escalation, twenty rules"
_ALL: Final = "three targets, everything on"
_CONTENDERS: Final[Mapping[str, tuple[Collection[str], int]]] = {
    _ALONE: ((), 0),
    _SOME: (("twenty rules", "an escalation"), 1),
    _ALL: (tuple(FEATURES), 2),
}
"""By name, the features of the policy, and how many remote targets there are."""

Request = Callable[[], Result]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        _measure(Path(folder), running)


def _measure(folder: Path, running: ExitStack) -> None:
    from edge_agent.demo.release import make_release

    digits = make_release(folder)
    plain, certified = (one_millisecond(folder / "releases" / name) for name in ("images", "certified"))
    certify(certified)
    addresses = {name: running.enter_context(cloud).address for name, cloud in clouds().items()}
    image = {"image": np.random.default_rng(0).random((1, 3, 32, 32), np.float32)}

    def document(name: str, features: Collection[str], remotes: int) -> Path:
        release = certified if "a promise, by a certificate" in features else plain
        some = dict(list(addresses.items())[:remotes])
        return configure(folder, name.replace(" ", "-"), release, features=features, addresses=some)

    print("agent.infer on the device / bare session.run on the same session")
    pixels = {"pixels": digits.digits.held_out.pixels[:1]}
    text = 'schema = 1\n[models.digits]\nrelease = "releases/digits"\n'
    (folder / "digits.toml").write_text(text, "utf-8")
    with _agent(folder / "digits.toml") as alone:
        _ratios("digits model", {_ALONE: alone}, "digits", pixels, None, count=400)
    with ExitStack() as agents:
        made = {
            name: agents.enter_context(_agent(document(name, features, remotes)))
            for name, (features, remotes) in _CONTENDERS.items()
        }
        _ratios("model of some 0.7 ms", made, "images", image, LABEL, count=40)
        print("\nwhat a request makes the interpreter do, the model's own run included")
        for name, agent in made.items():
            print(f"    {name:36} {count(_request(agent, 'images', image, LABEL))}")
    print(
        "\nwhat a request adds to its own run of that model, told by itself: microseconds, and that to a model of 1 ms"
    )
    laps = _laps({name: document(name, *given) for name, given in _CONTENDERS.items()}, image)
    for name, told in laps.items():
        added = spread([Stopwatch.added(lap) for lap in told])
        print(f"    {name:36} {added:.1f}, ratio {1 + added.median / 1000:.3f}")
    print(f"\nwhere that goes: medians, of {', of '.join(_CONTENDERS)}")
    for index, part in enumerate(PARTS):
        print(f"    {part:54}" + "".join(f"{median(lap[index] for lap in told):9.1f}" for told in laps.values()))
    print("\nwhat of everything each adds: microseconds that a request adds without it, and so much less")
    without = {name: [feature for feature in FEATURES if feature != name] for name in ("nothing", *FEATURES)}
    laps = _laps({f"without {name}": document(f"no {name}", kept, 2) for name, kept in without.items()}, image)
    medians = {name: median(map(Stopwatch.added, told)) for name, told in laps.items()}
    whole = next(iter(medians.values()))
    for name, added_us in medians.items():
        print(f"    {name:54} {added_us:8.1f}{whole - added_us:8.1f}")


@contextmanager
def _agent(document: Path, stopwatch: Stopwatch | None = None) -> Iterator[Agent]:
    with Agent.over(Core(load_config(document), clock=stopwatch, signal_sources=[Phone()])) as agent:
        if stopwatch is not None:
            stopwatch.watch(agent.core, "images")
        agent.refresh()
        yield agent


def _bare(agent: Agent, model: str, inputs: dict[str, Any]) -> Callable[[], object]:  # Any: arrays
    release = agent.core.release(model)
    assert release.runtime is not None
    assert release.manifest.device is not None
    fed = prepare(inputs, release.manifest.inputs, release.manifest.device.feeds)
    session = release.runtime.runtime._session  # type: ignore[attr-defined]  # the very session that the agent runs
    names = [spec.name for spec in release.runtime.outputs]
    return lambda: session.run(names, fed)


def _ratios(
    title: str, agents: Mapping[str, Agent], model: str, inputs: dict[str, Any], label: str | None, *, count: int
) -> None:  # Any: as above
    bare = _bare(next(iter(agents.values())), model, inputs)
    contenders: dict[str, Callable[[], object]] = {
        "bare": bare,
        **{name: _request(agent, model, inputs, label) for name, agent in agents.items()},
    }
    measured = compare(contenders, count=count, rounds=_ROUNDS)
    print(f"\n  {title}: bare {spread(measured['bare']):.1f} µs")
    for name in agents:
        both = list(zip(measured[name], measured["bare"], strict=True))
        ratio, added = spread([mine / base for mine, base in both]), spread([mine - base for mine, base in both])
        print(f"    {name:36} ratio {ratio:.3f}, adds {added:.1f} µs")


def _request(agent: Agent, model: str, inputs: dict[str, Any], label: str | None) -> Request:  # Any: as above
    # Without a policy of its own an agent has the built-in one, which has no such label.
    given = label if label in agent.core.policies.current.labels else "secret"
    return lambda: agent.infer(model, inputs, privacy=given)


def _laps(documents: Mapping[str, Path], inputs: dict[str, Any]) -> dict[str, list[list[float]]]:  # Any: as above
    """Return the laps of an agent for each document, which take turns."""
    with ExitStack() as agents:
        watches = {name: Stopwatch() for name in documents}
        requests = {
            name: _request(agents.enter_context(_agent(path, watches[name])), "images", inputs, LABEL)
            for name, path in documents.items()
        }
        laps: dict[str, list[list[float]]] = {name: [] for name in documents}
        names = list(documents)
        for turn in range(_ROUNDS):
            for name in (*names[turn % len(names) :], *names[: turn % len(names)]):
                told = [watches[name].lap(requests[name]) for _ in range(40)]
                # The first ones of a turn meet what another agent has left in the caches.
                laps[name] += [lap for lap in told[10:] if lap is not None]
        return laps
