"""The JSON Schema that editors use takes what the router takes, and marks what it refuses for its form."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # comes with kubernetes-validate

from router.cli import main
from router.cli.templates import TEMPLATES
from router.document import json_schema
from router.rules.compile import BUILT_IN
from tests.router.situations import HEAD, policy_of

RULE = '[[rules]]\nname = "r"\nwhen = {{ {when} }}\nforbid = ["cloud"]\n'


def _valid(text: str) -> bool:
    return Draft202012Validator(json_schema()).is_valid(tomllib.loads(text))


@pytest.mark.wide
def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_start_is_valid(template: str, tmp_path: Path) -> None:
    main(["init", str(tmp_path / "p.toml"), "--template", template])
    assert _valid((tmp_path / "p.toml").read_text(encoding="utf-8"))
    assert _valid(BUILT_IN.decode())


@pytest.mark.parametrize(
    "text",
    [
        RULE.format(when=""),
        RULE.format(when="all = [{ any = [{ not = { battery_pct = { less_than = 20 } } }] }], charging = false"),
        RULE.format(when='label = { one_of = ["public"] }, "rtt_ms.cloud" = { at_least = 5 }'),
        '[stale_after_s]\ncpu_load = 9\n"rtt_ms.cloud" = 5\n',
    ],
)
def test_what_the_router_takes_is_valid(text: str) -> None:
    policy_of(text)
    assert _valid(HEAD + text)


@pytest.mark.parametrize(
    "text",
    [
        "mode = 'fast'",
        "x = 1",
        "worth.second = -1",
        "stale_after_s.cpu_laod = 9",
        'stale_after_s."battery_pct.cloud" = 9',
        RULE.format(when="chargin = true"),
        RULE.format(when="charging = 1"),
        RULE.format(when="all = []"),
        RULE.format(when="all = [{ any = [{ not = { battery_pct = { les_than = 20 } } }] }]"),
        RULE.format(when="not = 3"),
    ],
)
def test_what_it_refuses_for_its_form_is_marked(text: str) -> None:
    assert not _valid(HEAD + text)
