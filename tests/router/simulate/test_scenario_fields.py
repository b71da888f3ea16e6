"""No dead knobs: every field of a scenario and of the documents it names, changed alone, changes what happens.

One row a field. A field that is added without a row fails the last tests here."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from pydantic import BaseModel

from router.errors import ScenarioError
from router.simulate.document import DeviceDocument, RadioDocument, ScenarioDocument, ServerDocument
from router.simulate.scenario import Scenario, read_scenario
from router.simulate.world import World
from tests.router.simulate.scenarios import DEVICE, PARTS, RADIO, SERVER, Given, document
from tests.router.simulate.worlds import run_all

FILES = {
    "t.csv": b"at,share,other\n0,0.2,0.9\n20,-0.5,0.1\n40,0.4,0.3\n",
    "late.csv": b"at,share,other\n5,0.2,0.9\n20,0.5,0.1\n41,0.4,0.3\n",
    "gap.csv": b"".join(b"%d,0.%d\n" % (at, at % 7) for at in [*range(20), *range(5000, 5020)]),
    "t3.csv": b"0,0,0\n30,0.1,300\n300,0.9,900\n",
    "codes.csv": b"0,2\n20,3\n40,5\n",
    "x.up": b"7\n",
    "rows.csv": b"score,device,cloud\n0.9,1,1\n0.4,0,1\n",
}
LOAD = '[device]\nmodel = "phone"\nload = {{ {of} }}\n'
BURSTS = {"requests": "3", "within_s": "2", "between_s": "50"}


def _happens(scenario: Scenario) -> object:
    """Return everything that can be seen of a scenario: its words, what is asked, and what comes of doing it."""
    seen: list[object] = [
        scenario.name,
        scenario.about,
        scenario.seed,
        scenario.devices,
        sorted(scenario.cited.items()),
    ]
    world = World(scenario.setting, scenario.seed)
    seen += list(islice(world.arrivals(), 60))
    seen.append(sum(1 for _ in world.arrivals()))
    seen += [server.model.usd_per_request for server in world.servers.values()]
    seen += [server.model.kind for server in world.servers.values()]
    for start in (1.0, 25.0, 60.0, 240.0, 480.0):
        jobs = [world.run_device("m", start, 1), world.run_device("m", start, 2)] if _runs(scenario) else []
        calls = [world.call("cloud", "m", start, number, until=start + 0.4) for number in range(4)]
        ended = run_all(*jobs, *calls)
        seen += [ended.get(job) for job in (*jobs, *calls)]
        seen += [(job.failure, job.energy_j) for job in (*jobs, *calls)]
        seen += [(call.wake_s, call.pushback_s, call.told_queue_s, call.sent_bytes) for call in calls]
        seen += [(name, reading.value) for name, reading in sorted(world.readings(start + 9).items())]
        seen.append((world.last_tail_j(), world.device.drawn_w))
        link = world.link(start)
        seen.append(link and (link.radio.model.kind, link.radio.model.metered))
    return seen


def _runs(scenario: Scenario) -> bool:
    return scenario.setting.models["m"].device_s is not None


def _seen(parts: dict[str, str], texts: dict[str, str] | None = None) -> object:
    given = Given(FILES, **(texts or {}))
    return _happens(read_scenario(document(**parts).encode(), given))


def _link(extra: str = "", up: str = "8") -> dict[str, str]:
    return {"links": f'[links.lte]\nradio = "radio"\nup = {up}\ndown = 8\nrtt_ms = 60\n{extra}'}


def _model(extra: str = "", answers: str = "accuracy = { device = 0.8, cloud = 0.9 }") -> dict[str, str]:
    return {
        "models": f"[models.m]\ndevice_ms = 10\nservice_ms = {{ cloud = 20 }}\nupload_bytes = 10000\n"
        f"answers = {{ {answers} }}\n{extra}"
    }


def _stream(arrivals: str = "every_s = 2", extra: str = "") -> dict[str, str]:
    return {
        "workload": f'[[workload]]\nname = "app"\nmodel = "m"\ndeadline_ms = 300\n{extra}\n'
        f"arrivals = {{ {arrivals} }}\n"
    }


def _bursts(**changed: str) -> dict[str, str]:
    inner = ", ".join(f"{name} = {value}" for name, value in (BURSTS | changed).items())
    return _stream(f"bursts = {{ {inner} }}")


def _fault(of: str) -> dict[str, str]:
    return {"faults": f'[[faults]]\ntarget = "cloud"\n{of}\n'}


def _target(extra: str, name: str = "cloud") -> dict[str, str]:
    return {"targets": f'[targets.{name}]\nserver = "server"\n{extra}\n'}


def _load(of: str) -> dict[str, str]:
    return {"device": LOAD.format(of=of)}


def _swapped(part: str, old: str, new: str) -> dict[str, str]:
    assert old in PARTS[part]
    return {part: PARTS[part].replace(old, new)}


TWO_LINKS = {
    "links": '[links.lte]\nradio = "radio"\nup = 8\ndown = 8\nrtt_ms = 60\n'
    '[links.home]\nradio = "radio"\nup = 80\ndown = 80\nrtt_ms = 6\n'
    '[[connected]]\nfrom_s = 0\nlink = "{first}"\n[[connected]]\nfrom_s = {at}\nlink = "{second}"\n'
}


def _two(first: str = "lte", second: str = "home", at: str = "30") -> dict[str, str]:
    return {"links": TWO_LINKS["links"].format(first=first, second=second, at=at)}


def _two_streams(first: str, second: str) -> dict[str, str]:
    stream = PARTS["workload"].replace('"m"', f'"{first}"')
    other = PARTS["workload"].replace('"app"', '"other"').replace('"m"', f'"{second}"')
    model = PARTS["models"]
    return {"models": model + model.replace("models.m]", "models.n]"), "workload": stream + other}


def _four(extra: str) -> dict[str, str]:
    return _model(answers=f"accuracy = {{ device = 0.8, cloud = 0.9 }}, {extra}")


NONE: dict[str, str] = {}
Parts = dict[str, str]
FIELDS: dict[str, tuple[Parts, Parts]] = {
    "name": (NONE, {"head": PARTS["head"].replace('"s"', '"z"')}),
    "about": (NONE, {"head": PARTS["head"] + 'about = "words"\n'}),
    "duration_s": (NONE, {"head": PARTS["head"].replace("600", "500")}),
    "seed": (_stream("per_s = 1"), _stream("per_s = 1") | {"head": PARTS["head"] + "seed = 2\n"}),
    "devices": (NONE, {"head": PARTS["head"] + "devices = 2\n"}),
    "device.model": (NONE, {"device": '[device]\nmodel = "other"\n'}),
    "device.battery_pct": (NONE, {"device": PARTS["device"] + "battery_pct = 50\n"}),
    "device.load.value": (NONE, _load("value = 0.5")),
    "device.load.steps": (NONE, _load("steps = [[0, 0], [20, 0.5]]")),
    "device.load.period_s": (
        _load("steps = [[0, 0], [20, 0.5]]"),
        _load("steps = [[0, 0], [20, 0.5]], period_s = 47"),
    ),
    "device.load.table": (
        _load('table = "t.csv", column = 2'),
        _load('table = "late.csv", column = 2'),
    ),
    "device.load.time": (
        _load('table = "codes.csv", scale = 0.1'),
        _load('table = "codes.csv", scale = 0.1, time = 1'),
    ),
    "device.load.column": (_load('table = "t.csv", clip = true'), _load('table = "t.csv", clip = true, column = 2')),
    "device.load.unit": (_load('table = "t.csv", column = 2'), _load('table = "t.csv", column = 2, unit = "ms"')),
    "device.load.scale": (_load('table = "t.csv", column = 2'), _load('table = "t.csv", column = 2, scale = 0.5')),
    "device.load.counts": (
        _load('table = "codes.csv", scale = 0.1'),
        _load('table = "codes.csv", scale = 0.1, counts = [3, 5]'),
    ),
    "device.load.clip": (_load('table = "t.csv"'), _load('table = "t.csv", clip = true')),
    "device.load.shorten_gaps_to_s": (_load('table = "gap.csv"'), _load('table = "gap.csv", shorten_gaps_to_s = 9')),
    "device.screen": (NONE, {"device": PARTS["device"] + "screen = 0\n"}),
    "device.charger_w": (_load("value = 0"), {"device": PARTS["device"] + "charger_w = 5\n"}),
    "device.ambient_c": (_load("value = 0"), {"device": PARTS["device"] + "ambient_c = 40\n"}),
    "links.radio": (NONE, _swapped("links", '"radio"', '"other"')),
    "links.up": (NONE, _link(up="4")),
    "links.up.mahimahi": (NONE, _link(up='{ mahimahi = "x.up" }')),
    "links.down": (NONE, _swapped("links", "down = 8", "down = 4")),
    "links.rtt_ms": (NONE, _swapped("links", "rtt_ms = 60", "rtt_ms = 70")),
    "links.wake.points": (NONE, _link("wake.points = [[5, 0.3]]\n")),
    "links.wake.table": (NONE, _link('wake.table = "codes.csv"\n')),
    "links.wake.idle": (_link('wake.table = "t3.csv"\n'), _link('wake = { table = "t3.csv", idle = 2 }\n')),
    "links.wake.wake": (_link('wake.table = "t3.csv"\n'), _link('wake = { table = "t3.csv", wake = 2 }\n')),
    "links.wake.unit": (_link('wake.table = "t3.csv"\n'), _link('wake = { table = "t3.csv", unit = "ms" }\n')),
    "links.jitter": (NONE, _link("jitter = 0.2\n")),
    "connected.from_s": (_two(), _two(at="300")),
    "connected.link": (_two(), _two("home", "lte")),
    "targets.kind": (_target('kind = "cloud"'), _target('kind = "fog"')),
    "targets.server": (NONE, _swapped("targets", '"server"', '"other"')),
    "targets.rtt_ms": (NONE, _target("rtt_ms = 9")),
    "targets.usd_per_request": (NONE, _target("usd_per_request = 0.1")),
    "targets.busy": (NONE, _target("busy = 0.9")),
    "models.device_ms": (NONE, _swapped("models", "device_ms = 10", "device_ms = 11")),
    "models.service_ms": (NONE, _swapped("models", "cloud = 20", "cloud = 21")),
    "models.upload_bytes": (NONE, _swapped("models", "10000", "20000")),
    "models.upload_spread": (NONE, _model("upload_spread = 0.2\n")),
    "models.download_bytes": (NONE, _model("download_bytes = 9000\n")),
    "models.answers.accuracy": (NONE, _model(answers="accuracy = { device = 0.7, cloud = 0.9 }")),
    "models.answers.auroc": (NONE, _four("auroc = 0.9")),
    "models.answers.overconfidence": (NONE, _four("overconfidence = 2")),
    "models.answers.correlation": (NONE, _four("correlation = 0.1")),
    "models.answers.examples": (NONE, _model(answers='examples = "rows.csv"')),
    "workload.name": (_stream("per_s = 1"), {"workload": _stream("per_s = 1")["workload"].replace('"app"', '"other"')}),
    "workload.model": (_two_streams("m", "n"), _two_streams("n", "m")),
    "workload.deadline_ms": (NONE, _swapped("workload", "300", "400")),
    "workload.labels": (NONE, _stream(extra="labels = { secret = 1 }")),
    "workload.arrivals.per_s": (NONE, _stream("per_s = 1")),
    "workload.arrivals.every_s": (NONE, _stream("every_s = 3")),
    "workload.arrivals.jitter": (NONE, _stream("every_s = 2, jitter = 0.5")),
    "workload.arrivals.bursts.requests": (_bursts(), _bursts(requests="5")),
    "workload.arrivals.bursts.within_s": (_bursts(), _bursts(within_s="1")),
    "workload.arrivals.bursts.between_s": (_bursts(), _bursts(between_s="60")),
    "workload.arrivals.trace": (NONE, _stream('trace = "t.csv"')),
    "workload.arrivals.time": (_stream('trace = "t.csv"'), _stream('trace = "codes.csv", time = 1')),
    "workload.arrivals.unit": (_stream('trace = "t.csv"'), _stream('trace = "t.csv", unit = "ms"')),
    "workload.arrivals.speed": (_stream('trace = "t.csv"'), _stream('trace = "t.csv", speed = 2')),
    "faults.target": (_fault("slow = 2"), {"faults": '[[faults]]\ntarget = "clout"\nslow = 2\n'}),
    "faults.from_s": (_fault("slow = 2"), _fault("slow = 2\nfrom_s = 30")),
    "faults.to_s": (_fault("slow = 2"), _fault("slow = 2\nto_s = 30")),
    "faults.every_s": (_fault("slow = 2\nto_s = 30"), _fault("slow = 2\nto_s = 30\nevery_s = 50")),
    "faults.black_hole": (NONE, _fault("black_hole = true")),
    "faults.error_share": (NONE, _fault("error_share = 1")),
    "faults.code": (_fault("error_share = 1"), _fault('error_share = 1\ncode = "INTERNAL"')),
    "faults.pushback_ms": (_fault("error_share = 1"), _fault("error_share = 1\npushback_ms = 100")),
    "faults.slow": (NONE, _fault("slow = 2")),
    "faults.delay_ms": (NONE, _fault("delay_ms = 9")),
}  # fmt: skip
DOCUMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "radio": (
        RADIO,
        {
            "name": 'name = "lte"\nsources.tail_s = "mine"',
            "about": "",
            "sources": 'sources.tail_s = "mine"',
            "kind": 'kind = "wifi"',
            "metered": "metered = false",
            "wake_s": "wake_s = [[10, 0], [11, 0.9]]",
            "wake_spread": "wake_spread = 0.2",
            "wake_w": "wake_w = 2",
            "tail_s": "tail_s = 12",
            "tail_w": "tail_w = 2",
            "connected_w": "connected_w = 2",
            "up_w_per_mbps": "up_w_per_mbps = 2",
            "down_w_per_mbps": "down_w_per_mbps = 2",
        },
    ),
    "device": (
        DEVICE,
        {
            "name": 'name = "tablet"\nsources.run_w = "mine"',
            "about": "",
            "sources": 'sources.run_w = "mine"',
            "runs_at_once": "runs_at_once = 2",
            "speed": "speed = 2",
            "spread": "spread = 0.2",
            "run_w": "run_w = 3",
            "base_w": "base_w = 2",
            "screen_w": "screen_w = 1.5",
            "load_w": "load_w = 4",
            "contention": "contention = 0.9",
            "memory_free_mb": "memory_free_mb = 1",
            "battery_wh": "battery_wh = 2",
            "charge_loss": "charge_loss = 0.5",
            "heat_c_per_w": "heat_c_per_w = 9",
            "heat_j_per_c": "heat_j_per_c = 30",
            "die_c_per_w": "die_c_per_w = 4",
            "slowdown": "slowdown = [[25, 2]]",
        },
    ),
    "server": (
        SERVER,
        {
            "name": 'name = "box"\nsources.workers = "mine"',
            "about": "",
            "sources": 'sources.workers = "mine"',
            "workers": "workers = 2",
            "speed": "speed = 2",
            "spread": "spread = 0.2",
            "queue_limit": "queue_limit = 0",
            "queue_target_ms": "queue_target_ms = 1",
            "tells_load": "tells_load = false",
            "pushes_back": "queue_limit = 0\npushes_back = false",
            "connect_round_trips": "connect_round_trips = 0",
            "connection_s": "connection_s = 20",
        },
    ),
}
# What has no effect but to be read by people, beside what it describes.
WORDS = {"about"}
BUSY = {"device": PARTS["device"] + "load = 0.5\ncharger_w = 0.5\n"}


@pytest.mark.parametrize(("without", "with_it"), FIELDS.values(), ids=FIELDS)
@pytest.mark.wide
def test_a_field_changed_alone_changes_something(without: dict[str, str], with_it: dict[str, str]) -> None:
    assert _told(without) == _told(without)
    assert _told(without) != _told(with_it)


def _told(parts: dict[str, str], texts: dict[str, str] | None = None) -> object:
    try:
        return _seen(parts, texts)
    except ScenarioError as error:
        return str(error)


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field) for kind, (_, fields) in DOCUMENTS.items() for field in fields if field not in WORDS],
)
def test_a_field_of_a_device_radio_or_server_changes_something(kind: str, field: str) -> None:
    text, fields = DOCUMENTS[kind]
    kept = [
        line for line in text.splitlines() if not line.startswith(tuple(f"{name} =" for name in _named(fields[field])))
    ]
    before = text
    if field == "name":
        before = text + 'sources.tail_s = "mine"\n'.replace(
            "tail_s", {"radio": "tail_s", "device": "run_w", "server": "workers"}[kind]
        )
    if field == "pushes_back":
        before = text + "queue_limit = 0\n"
    changed = _seen(BUSY, {kind: "\n".join([*kept, fields[field], ""])})
    assert changed == _seen(BUSY, {kind: "\n".join([*kept, fields[field], ""])})
    assert changed != _seen(BUSY, {kind: before})


def _named(lines: str) -> list[str]:
    return [line.partition(" =")[0] for line in lines.splitlines()]


def test_the_schema_s_version_decides_whether_a_document_is_read() -> None:
    with pytest.raises(ScenarioError, match="schema"):
        read_scenario(document(head='schema = 2\nname = "s"\nduration_s = 600\n').encode(), Given())
    with pytest.raises(ScenarioError, match="schema"):
        _seen({}, {"radio": RADIO.replace("schema = 1", "schema = 2")})


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        inner = _model_in(info.annotation)
        path = f"{prefix}{info.alias or name}"
        # One series stands for all: their fields are the same and read by the same code.
        if inner is None or (inner.__name__ in ("SeriesPart", "CapacityPart") and path != "device.load"):
            yield path
        else:
            yield from _fields(inner, f"{path}.")


def _model_in(annotation: Any) -> type[BaseModel] | None:  # Any: a type form
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    found = [_model_in(argument) for argument in typing.get_args(annotation)]
    return next((model for model in found if model is not None), None)


def test_every_field_of_a_scenario_has_a_row() -> None:
    assert {"schema", *FIELDS} == {*_fields(ScenarioDocument), "links.up.mahimahi"}


@pytest.mark.parametrize(
    ("kind", "model"), [("radio", RadioDocument), ("device", DeviceDocument), ("server", ServerDocument)]
)
def test_every_field_of_what_it_names_has_a_row(kind: str, model: type[BaseModel]) -> None:
    assert {"schema", *DOCUMENTS[kind][1]} == set(_fields(model))
