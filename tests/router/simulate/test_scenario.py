"""From a scenario document to a setting, or to exactly what is wrong with it and where."""

from __future__ import annotations

import math
import re
import statistics
from pathlib import Path

import pytest

from router.errors import ScenarioError
from router.simulate.chance import Chance
from router.simulate.document import DeviceDocument, RadioDocument, ServerDocument
from router.simulate.scenario import read_scenario
from router.simulate.world import World
from router.toml.document import read_document
from router.types import Kind
from tests.router.simulate.scenarios import DEVICE, Given, document, read

LINE = re.compile(r"(?<=s\.toml: )line \d+: ")
TWO_LINKS = (
    '[links.a]\nradio = "radio"\nup = 8\ndown = 8\nrtt_ms = 60\n'
    '[links.b]\nradio = "radio"\nup = 1\ndown = 2\nrtt_ms = 9\n'
)
MODEL = "[models.m]\ndevice_ms = 10\nservice_ms = {{ {serves} }}\nupload_bytes = 1\nanswers = {{ {answers} }}\n"
STREAM = '[[workload]]\nname = "app"\nmodel = "m"\ndeadline_ms = 300\narrivals = {{ {arrivals} }}\n'


def _model(answers: str = "accuracy = { device = 0.8, cloud = 0.9 }", serves: str = "cloud = 20") -> str:
    return MODEL.format(serves=serves, answers=answers)


def _fault(**parts: str) -> str:
    with pytest.raises(ScenarioError) as raised:
        read({"x.up": b"0\n5\n3\n", "t.csv": b"0,1\n1,2\n2,x\n", "broken.toml": b"schema = 1\nname ="}, **parts)
    return LINE.sub("", str(raised.value), count=1)


def test_a_document_becomes_a_setting_in_the_worlds_own_units() -> None:
    scenario = read(links='[links.lte]\nradio = "radio"\nup = 8\ndown = 16\nrtt_ms = 60\njitter = 0.2\n')
    setting = scenario.setting
    (_, link), (server,) = setting.connections[0], setting.servers
    assert link is not None
    assert (link.up.mbps(3.0), link.down.mbps(3.0), link.rtt_s.at(3.0), link.jitter) == (8.0, 16.0, 0.06, 0.2)
    assert (server.name, server.kind, server.queue_target_s) == ("cloud", Kind.CLOUD, 0.1)
    assert setting.models["m"].service_s == {"cloud": 0.02}
    assert [stream.deadline_s for stream in setting.streams] == [0.3]


def test_a_link_can_be_a_packet_trace_and_a_load_a_column_of_a_table() -> None:
    files = {"x.up": b"0\n5\n5\n10\n", "phone.csv": b"Timestamp,usage\n0,20\n5000,-3\n10000,80\n"}
    scenario = read(
        files,
        links='[links.lte]\nradio = "radio"\nup.mahimahi = "x.up"\ndown = 8\nrtt_ms = 60\n',
        device=(
            '[device]\nmodel = "phone"\n[device.load]\ntable = "phone.csv"\ntime = "Timestamp"\ncolumn = "usage"\n'
            'unit = "ms"\nscale = 0.01\nclip = true\n'
        ),
    )
    link = scenario.setting.connections[0][1]
    assert link is not None
    assert link.up.carry(0.0, 3000, 0.0)[0] == 0.005
    assert [scenario.setting.outside.load.at(at) for at in (0.0, 6.0, 12.0, 15.0)] == [0.2, 0.0, 0.8, 0.2]


def test_what_the_documents_cite_is_passed_on() -> None:
    mine = DEVICE + '[sources]\nrun_w = "measured at my desk"\n'
    scenario = read({"mine.toml": mine.encode()}, device='[device]\nmodel = "mine.toml"\n')
    assert scenario.cited == {"phone.run_w": "measured at my desk"}


def _load(of: str) -> dict[str, str]:
    return {"device": f'[device]\nmodel = "phone"\nload = {of}\n'}


def _device(model: str) -> dict[str, str]:
    return {"device": f'[device]\nmodel = "{model}"\n'}


def _up(of: str) -> dict[str, str]:
    return {"links": f'[links.lte]\nradio = "radio"\nup = {of}\ndown = 8\nrtt_ms = 60\n'}


def _connected(*parts: tuple[float, str]) -> dict[str, str]:
    return {"links": TWO_LINKS + "".join(f'[[connected]]\nfrom_s = {at}\nlink = "{link}"\n' for at, link in parts)}


def _arrivals(of: str) -> dict[str, str]:
    return {"workload": STREAM.format(arrivals=of)}


def _targets(name: str) -> dict[str, str]:
    return {"targets": f'[targets.cloud]\nserver = "server"\n[targets.{name}]\nserver = "server"\n'}


def _faulty(of: str) -> dict[str, str]:
    return {"faults": f"[[faults]]\n{of}\n"}


CORRELATED = _model("accuracy = { device = 0.5, cloud = 0.9 }, correlation = 0.9")
REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "a mistyped key": (
        {"head": 'schema = 1\nname = "s"\nduration = 60\n'},
        'unknown key "duration"; did you mean "duration_s"?',
    ),
    "a device that is not in the catalogue": (
        _device("fone"),
        'device.model: the catalogue has no device "fone"; did you mean "phone"?',
    ),
    "a device's file that is not there": (
        _device("my.toml"),
        'device.model: there is no file "my.toml" beside the scenario',
    ),
    "a device's file that is no document": (_device("broken.toml"), "device.model: broken.toml: line 2: not TOML"),
    "a load beyond the whole": (_load("1.5"), "device.load: 1.5 is not from 0 to 1"),
    "a load in words": (_load('"much"'), "device.load: "),
    "two sources": (
        _load("{ value = 1, steps = [[0, 1]] }"),
        "device.load: exactly one of value, steps, table is wanted",
    ),
    "a field that would do nothing": (_load("{ value = 1, scale = 2 }"), "device.load: scale goes with table"),
    "steps that stand still": (
        _load("{ steps = [[0, 1], [5, 0], [5, 1]] }"),
        "device.load.steps: step 3 does not come later",
    ),
    "a step beyond the period": (
        _load("{ steps = [[0, 1], [5, 0]], period_s = 5 }"),
        "device.load.steps: the last step, at 5 s, does not come within period_s",
    ),
    "a table's fault": (
        _load('{ table = "t.csv" }'),
        "device.load.table: t.csv: line 3: its value is no finite number",
    ),
    "a packet trace that goes back": (
        _up('{ mahimahi = "x.up" }'),
        "links.lte.up.mahimahi: x.up: line 3: goes back from 5 ms to 3 ms",
    ),
    "a trace that is not there": (
        _up('{ mahimahi = "x.down" }'),
        'links.lte.up.mahimahi: there is no file "x.down" beside the scenario',
    ),
    "two links and no word of when": ({"links": TWO_LINKS}, "connected: is wanted: there are 2 links"),
    "a link without use": (_connected((0, "a")), "links.b: is never used"),
    "no beginning": (_connected((1, "a"), (2, "b")), "connected[0].from_s: the first is 0"),
    "two at once": (_connected((0, "a"), (0, "b")), "connected[1].from_s: does not come later"),
    "a link that is not described": (
        _connected((0, "a"), (5, "b"), (6, "c")),
        'connected[2].link: no link "c"',
    ),
    "a name that is no kind": (_targets("hall"), "targets.hall.kind: is wanted, fog or cloud"),
    "the device as a remote": (_targets("device"), "targets.device: the device is no remote target"),
    "a target that is not described": (
        {"models": _model(serves="clowd = 20")},
        'models.m.service_ms: no target "clowd"; did you mean "cloud"?',
    ),
    "an accuracy that is missing": (
        {"models": _model("accuracy = { device = 0.8 }")},
        'models.m.answers.accuracy: "cloud" is missing',
    ),
    "a correlation that cannot be": (
        {"models": CORRELATED},
        "models.m.answers.correlation: 0.9 cannot be, of accuracies 0.5 and 0.9: from -0.333 to 0.333 can",
    ),
    "examples without a score": (
        {"models": _model('examples = "t.csv"')},
        'models.m.answers.examples: t.csv: line 1: there is no column "score"',
    ),
    "examples and a model": (
        {"models": _model('examples = "t.csv", auroc = 0.9')},
        "models.m.answers: auroc goes with accuracy",
    ),
    "a model that is not described": (
        {"workload": STREAM.format(arrivals="every_s = 1").replace('"m"', '"n"')},
        'workload[0].model: no model "n"; known here: m',
    ),
    "two of one name": (
        {"workload": STREAM.format(arrivals="every_s = 1") * 2},
        'workload[1].name: there are two called "app"',
    ),
    "two ways of coming": (
        _arrivals("every_s = 1, per_s = 2"),
        "workload[0].arrivals: exactly one of per_s, every_s, bursts, trace is wanted",
    ),
    "a timer that stands still": (_arrivals("every_s = 1e-300"), "workload[0].arrivals.every_s: "),
    "a period of nothing": (
        _load("{ steps = [[0, 1], [1e-9, 0]], period_s = 1e-8 }"),
        "device.load.period_s: ",
    ),
    "a negative rate": (_arrivals("per_s = -1"), "workload[0].arrivals.per_s: -1 is not from 0 to 1e+06"),
    "a fault of nobody": (
        _faulty('target = "clout"\nslow = 2'),
        'faults[0].target: no target "clout"; did you mean "cloud"?',
    ),
    "a fault that does nothing": (_faulty('target = "cloud"'), "faults[0]: does nothing"),
    "not a number": (_faulty('target = "cloud"\nslow = nan'), "faults[0].slow: "),
}


@pytest.mark.parametrize(("parts", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_told_with_its_place(parts: dict[str, str], said: str) -> None:
    assert _fault(**parts).startswith(f"s.toml: {said}")


def test_a_fault_is_told_with_its_line() -> None:
    with pytest.raises(ScenarioError) as raised:
        read(faults='[[faults]]\ntarget = "clout"\nslow = 2\n')
    written = document(faults='[[faults]]\ntarget = "clout"\nslow = 2\n').splitlines()
    assert raised.value.line == written.index('target = "clout"') + 1


def test_a_model_that_nothing_asks_for_is_refused() -> None:
    two = _model() + _model().replace("models.m", "models.idle")
    assert _fault(models=two).startswith("s.toml: models.idle: nothing asks for it")


@pytest.mark.parametrize("device", [0.02, 0.5, 0.9])
def test_without_a_correlation_any_two_accuracies_can_be(device: float) -> None:
    """The usual 0.3 cannot be of 0.5 and 0.98, and a field was refused that nobody had written."""
    answers = read(models=_model(f"accuracy = {{ device = {device}, cloud = 0.98 }}")).setting.models["m"].answers
    chance = Chance(1, "answers")
    truths = [answers.draw(chance) for _ in range(5_000)]
    assert statistics.fmean(truth.right["device"] for truth in truths) == pytest.approx(device, abs=0.03)
    assert statistics.fmean(truth.right["cloud"] for truth in truths) == pytest.approx(0.98, abs=0.01)


def test_what_cannot_be_read_is_told_with_the_field_that_names_it() -> None:
    class Damaged(Given):
        def lines(self, name: str) -> list[bytes]:
            raise EOFError if name == "cut.gz" else OSError(5, "Input/output error")

    for name, said in (("cut.gz", "is cut off"), ("x", "cannot be read: Input/output error")):
        text = document(device=f'[device]\nmodel = "phone"\nload.table = "{name}"\n')
        with pytest.raises(ScenarioError, match=rf"device\.load\.table: {name}: {said}"):
            read_scenario(text.encode(), Damaged())


def test_a_value_out_of_range_is_told_with_the_line_of_its_file() -> None:
    """It was told by its number among the values: not the line, where there is a heading or a moment has two rows."""
    table = {"phone.csv": b"at,busy\n0,20\n0,30\n5,400\n9,1\n"}
    load = 'load = { table = "phone.csv", scale = 0.01 }\n'
    with pytest.raises(
        ScenarioError, match=r"device\.load\.table: phone\.csv: line 4: 4 is not from 0 to 1; clip = true"
    ):
        read(table, device=f'[device]\nmodel = "phone"\n{load}')


def test_faults_that_come_again_are_in_force_each_time() -> None:
    scenario = read(faults='[[faults]]\ntarget = "cloud"\nfrom_s = 10\nto_s = 12\nevery_s = 100\nblack_hole = true\n')
    world = World(scenario.setting, 1)
    lost = [at for at in (5.0, 11.0, 15.0, 109.0, 111.0, 115.0) if world.call("cloud", "m", at).next_at == math.inf]
    assert lost == [11.0, 111.0]


CATALOGUE = Path(__file__).parents[3] / "router" / "simulate" / "catalogue"
KINDS = {"device": DeviceDocument, "radio": RadioDocument, "server": ServerDocument}
WORDS = {"schema_version", "name", "about", "sources", "kind", "metered", "tells_load", "pushes_back"}


@pytest.mark.parametrize("path", sorted(CATALOGUE.rglob("*.toml")), ids=lambda path: path.stem)
def test_every_number_that_ships_says_where_it_comes_from(path: Path) -> None:
    read = read_document(path.read_bytes(), KINDS[path.parent.name], ScenarioError, max_bytes=1 << 20)
    numbers = {name for name in type(read).model_fields if getattr(read, name) is not None} - WORDS
    if path.parent.name == "radio" and read.wake_s == [[0.0, 0.0]]:
        numbers.discard("wake_spread")  # of nothing
    assert set(read.sources) >= {name for name in numbers if name in read.model_fields_set}
    assert read.name == path.stem
    assert all(len(source) > 10 for source in read.sources.values())
