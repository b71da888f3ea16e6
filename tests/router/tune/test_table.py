"""No field of a policy is forgotten, and none that may be turned does nothing."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import BaseModel, ValidationError

from router.document import PolicyDocument
from router.errors import PolicyError
from router.rules.compile import compile_policy
from router.simulate.arriving import Recorded
from router.simulate.chance import Chance
from router.simulate.driver import run
from router.simulate.faults import Fault
from router.simulate.tally import Block
from router.simulate.world import Setting
from router.toml.edit import edited
from router.tune.space import Space, at, space_of
from router.tune.table import KNOBS, NEVER, Knob
from tests.router.simulate.runs import KINDS, a_setting

pytestmark = pytest.mark.wide  # each runs whole simulations

HEAD = 'schema = 1\nname = "tried"\nversion = 1\ntargets = { fog = {}, cloud = { usd_per_request = 0.001 } }\n'


def _bursts(count: int = 240, gap_s: float = 0.3, silence_s: float = 14.0) -> Recorded:
    chance, now, ats = Chance(3, "bursts"), 0.0, []
    for number in range(count):
        now += chance.exponential() * (silence_s if number % 6 == 0 else gap_s)
        ats.append(now)
    return Recorded(ats)


def _setting(**changed: typing.Any) -> Setting:
    """Bursts on a radio that sleeps, with two servers that fail now and then."""
    faults = {
        "fog": (Fault(0, 9, error_share=0.4, every_s=30), Fault(100, 160, black_hole=True)),
        "cloud": (Fault(20, 26, slow=30.0, every_s=60), Fault(200, 300, error_share=0.7)),
    }
    setting = replace(a_setting(deadline_s=0.6), faults=faults, **changed)
    return replace(setting, streams=(replace(setting.streams[0], arriving=_bursts()),))


ONLY_FOG = 'mode = "only_in_cloud"\n[[rules]]\nname = "fog"\nwhen = {}\nforbid = ["cloud"]\n'
ESCALATING = "[escalation]\nbelow = 0.6\n"
# Knob or table -> a policy under which turning it is felt, or some of which one does.
FELT_UNDER: dict[str, str | list[str]] = {
    "worth": "",
    "worth.missed_deadline": '[escalation]\nbelow = "never"\n[worth]\nsecond = 0.5\n',
    "worth.failed_request": '[[rules]]\nname = "away"\nwhen = {}\nforbid = ["device"]\n',
    "escalation": ESCALATING,
    # How much binds, and when, is the scenario's affair: so much, and more.
    "budgets.energy": [f"[budgets.energy]\namount_j = {j}\n[worth]\njoule = 0.0001\n" for j in (100, 300, 900, 2000)],
    "budgets.money": [f'[budgets.money]\namount_usd = {usd}\nper = "hour"\n' for usd in (0.01, 0.03, 0.1, 0.2)],
    "budgets.bytes": [f'[budgets.bytes]\namount_mb = {mb}\nper = "hour"\n' for mb in (0.2, 0.5, 1.5, 3)],
    "radio": "[radio]\nwake = true\n[worth]\nsecond = 0.2\n",
    "radio.silent_wakes": [f"[radio]\nwake = true\n[worth]\nsecond = {worth}\n" for worth in (0.2, 0.1, 0.4, 0.8)],
    "exploration": "",
    "hysteresis": "",
    "breaker": 'mode = "prefer_in_cloud"\n',
    "retry": ONLY_FOG,
    "retry.max_ms": f"{ONLY_FOG}[retry]\nattempts = 4\nbase_ms = 90\n",
    "backup": 'mode = "prefer_in_cloud"\n',
    "backup.uncertified": 'mode = "prefer_in_cloud"\n' + ESCALATING,
    "hedge": 'mode = "prefer_in_cloud"\n',
    "estimates": "",
}


def _bodies(path: str) -> list[str]:
    tables = [path, path.rpartition(".")[0], path.partition(".")[0]]
    found = next((FELT_UNDER[table] for table in tables if table in FELT_UNDER), "")
    return [found] if isinstance(found, str) else found


def _space(body: str) -> Space:
    import tomllib

    return space_of(PolicyDocument.model_validate(tomllib.loads(HEAD + body)))


def _ends(knob: Knob, space: Space) -> Iterator[typing.Any]:
    """Yield what a knob can be turned to: both ends of its range and the middle, and what is beside them."""
    now = space.now[knob.path]
    yield from (value for value in (*knob.options, *knob.besides) if value != now)
    if not knob.options:
        yield from (value for value in (at(knob, 0.0), at(knob, 0.5), at(knob, 1.0)) if value != now)


def _outcome(body: str, setting: Setting) -> list[tuple[object, ...]] | None:
    """Return all that a run comes to; None where the policy cannot be put in force."""
    try:
        policy = compile_policy(body.encode(), targets=KINDS)
    except PolicyError:
        return None
    worth = compile_policy(HEAD.encode(), targets=KINDS).worth
    return [_sums(block) for block in run(setting, policy, 1, worth=worth).blocks]


def _sums(block: Block) -> tuple[object, ...]:
    return (
        block.cost,
        block.seconds,
        block.joules,
        block.usd,
        block.up_bytes,
        block.failed,
        block.missed,
        block.escalated,
    )


@pytest.mark.parametrize("path", [knob.path for knob in KNOBS])
def test_each_knob_turned_alone_changes_what_comes_of_some_scenario(path: str) -> None:
    assert any(_is_felt(path, body) for body in _bodies(path)), f"{path} does nothing"


def _is_felt(path: str, body: str) -> bool:
    space, setting = _space(body), _setting()
    knob = next(knob for knob in space.knobs if knob.path == path)
    before = _outcome(HEAD + body, setting)
    turned = (_outcome(edited(HEAD + body, {path: value}, {}), setting) for value in _ends(knob, space))
    return any(after is not None and after != before for after in turned)


def _fields(model: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        here = f"{path}{info.alias or name}"
        inner = _model_in(info.annotation)
        if inner is None or here in NEVER:
            yield here
        else:
            yield from _fields(inner, f"{here}.")


def _model_in(annotation: typing.Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in typing.get_args(annotation) if (found := _model_in(one)) is not None), None)


def test_every_field_of_a_policy_is_a_knob_or_is_never_turned_for_a_reason() -> None:
    knobs = {knob.path for knob in KNOBS}
    fields = set(_fields(PolicyDocument))
    never = {field for field in fields if field in NEVER or field.rpartition(".")[0] in NEVER}
    assert fields == knobs | never
    assert not knobs & never
    assert set(NEVER) <= fields | {field.rpartition(".")[0] for field in fields}
    assert all(knob.why for knob in KNOBS) and all(NEVER.values())


@pytest.mark.parametrize("path", [knob.path for knob in KNOBS])
def test_nothing_is_turned_to_what_the_schema_refuses(path: str) -> None:
    import tomllib

    body = _bodies(path)[0]
    space = _space(body)
    knob = next(knob for knob in space.knobs if knob.path == path)
    for value in _ends(knob, space):
        text = edited(HEAD + body, {path: value}, {})
        try:
            PolicyDocument.model_validate(tomllib.loads(text))
        except ValidationError as error:
            pytest.fail(f"{path} = {value}: {error}")
