"""Group F of the faults, for policy documents: what is wrong is refused at once and whole, what is idle is told.

The tables of each case stand beside the parts: tests/router/toml/test_document.py, test_compile.py and lint/."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from router.cli import main
from router.errors import PolicyError
from router.lint import lint
from router.rules.compile import MAX_POLICY_BYTES, compile_policy
from router.types import Kind
from tests.router.situations import HEAD, policy_of

RULE = '[[rules]]\nname = "{name}"\nwhen = {{ {when} }}\n{effect}\n'
# Every number of a document with a table before it, where it needs one, to put something else in its place.
NUMBERS = {
    "version": ('schema = 1\nname = "test"\n', "version"),
    "worth": (HEAD, "worth.second"),
    "share": (HEAD, "escalation.below"),
    "count": (HEAD, "breaker.consecutive"),
    "quantile": (HEAD, "targets.cloud.prior_ms"),
    "age": (HEAD, "stale_after_s.cpu_load"),
    "threshold": (HEAD + RULE.format(name="r", when="", effect='mode = "auto"'), "rules[0].escalate_below"),
    "condition": (HEAD, "rules[0].when.cpu_load"),
}
WRONG = {
    "nan": "nan",
    "infinity": "-inf",
    "too large for a float": "1e999",
    "negative": "-1e20",
    "a flag": "true",
    "text": '"0.5"',
    "a date": "1979-05-27",
    "a time": "12:30:45",
    "a date and a time": "1979-05-27T07:32:00Z",
    "a list": "[[[[1]]]]",
    "a table": "{ a = { b = 1 } }",
    "400 digits": "9" * 400,
    "5000 digits": "9" * 5000,
    "hexadecimal without end": "0x" + "f" * 9000,
}


def _faults(content: bytes) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        compile_policy(content, source="policy.toml")
    assert len(str(raised.value)) < 600
    return [str(fault) for fault in raised.value.faults]


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(("head", "path"), NUMBERS.values(), ids=NUMBERS)
def test_F1_a_number_that_cannot_be_one_is_refused_with_line_path_and_reason(head: str, path: str, wrong: str) -> None:
    if path == "rules[0].when.cpu_load":
        text = head + RULE.format(name="r", when=f"cpu_load = {wrong}", effect='mode = "auto"')
        line = 6
    else:
        text = f"{head}{path.removeprefix('rules[0].')} = {wrong}\n"
        line = text.count("\n")
    told = _faults(text.encode())
    assert told[0].startswith(f"line {line}: ")
    assert path in told[0] or "not TOML" in told[0]
    assert "99999" not in told[0]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('mdoe = "auto"', "mode"),
        ("[wroth]\nsecond = 1", "worth"),
        ("[breaker]\nopens_s = 3", "open_s"),
        ("[escalation]\nbelow = 0.5\nshares = 0.1", "share"),
        (RULE.format(name="r", when="batery_pct = 3", effect='mode = "auto"'), "battery_pct"),
        (RULE.format(name="r", when="rtt_ms = { les_than = 3 }", effect='mode = "auto"'), "less_than"),
        (RULE.format(name="r", when="", effect='mod = "auto"'), "mode"),
        (RULE.format(name="r", when="", effect='forbid = ["clowd"]'), "cloud"),
        ("[targets.cloud]\np_worng = 0.1", "p_wrong"),
        ("stale_after_s.cpu_laod = 3", "cpu_load"),
        ('mode = "Auto"', "auto"),
        ('"mоde" = "auto"', "mode"),
    ],
)
def test_F2_a_typo_is_refused_and_what_was_meant_is_named(text: str, meant: str) -> None:
    (told,) = _faults((HEAD + text).encode())
    assert re.match(r"line \d+: ", told)
    assert f'did you mean "{meant}"?' in told


@pytest.mark.parametrize(
    ("text", "first", "again"),
    [
        ('name = "x"', 2, 4),
        ("[worth]\nsecond = 1\n[worth]\ndollar = 1", 4, 6),
        ("worth.second = 1\n[worth]", 4, 5),
        ("[labels]\na = []\na = []", 5, 6),
        ("worth = { second = 1, second = 2 }", 4, 4),
        ("[[rules]]\nname = 'a'\nname = 'b'", 5, 6),
        ("[rules]\n[[rules]]", 4, 5),
    ],
)
def test_F2_what_is_said_twice_is_refused_with_both_its_lines(text: str, first: int, again: int) -> None:
    (told,) = _faults((HEAD + text).encode())
    assert told.startswith(f"line {again}: ")
    assert f"it stands on line {first} already" in told


@pytest.mark.parametrize(
    "text",
    ["worth.second = no", "worth.second = 010", "worth.second = 1_", "worth.second = +", "mode: auto", "--- \n", "- a",
     "mode = 'auto' 'x'", "mode = auto", "mode", "= 1", "[", "[[rules]", "[worth", "mode = \"\\q\"", "mode = '''",
     "x = [1, 2", "x = { a = 1", "x = { a = 1\n}", "\x00", "mode = 'a\x01'", "!!python/object:os.system", "<policy/>"],
)  # fmt: skip
def test_F3_F5_what_is_not_toml_is_refused_with_its_line(text: str) -> None:
    (told,) = _faults((HEAD + text).encode())
    assert re.match(r"line [4-6]: not TOML: ", told)


def test_F3_a_byte_order_mark_and_another_coding_are_told() -> None:
    assert _faults(b"\xef\xbb\xbf" + HEAD.encode()) == [
        "line 1: not TOML: it begins with a byte order mark; save it as UTF-8 without one"
    ]
    assert _faults(HEAD.encode() + b"# \xe9\n") == ["line 4: not UTF-8 at byte 39"]
    assert _faults(HEAD.encode("utf-16"))[0].startswith("line 1: not UTF-8 but UTF-16")


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(lambda: b"x = " + b"[" * 20_000, id="lists"),
        pytest.param(lambda: b"x = " + b"{a=" * 20_000, id="tables"),
        pytest.param(lambda: b".".join([b"a"] * 20_000) + b" = 1", id="name"),
        pytest.param(lambda: b"[" + b".".join([b"a"] * 20_000) + b"]", id="header"),
        pytest.param(lambda: b"# " + bytes(100 << 20), id="100 MB"),
    ],
)
def test_F4_a_document_made_to_be_dear_is_refused_at_once(bomb: object) -> None:
    assert callable(bomb)
    content = bomb()
    started = time.thread_time()
    (told,) = _faults(content)
    assert time.thread_time() - started < 0.5  # 0.02 s here
    assert told in (
        "line 1: nested too deeply",
        "line 1: a name of more than 64 parts",
        f"longer than {MAX_POLICY_BYTES} bytes",
    )


def test_F9_a_policy_that_sends_all_to_a_target_that_is_gone_is_refused() -> None:
    text = '[labels]\npublic = ["frankfurt"]\n[targets.frankfurt]\nkind = "cloud"\n'
    policy_of(text)  # it may be, somewhere
    with pytest.raises(PolicyError) as raised:
        policy_of(text, targets={"device": Kind.DEVICE, "dublin": Kind.CLOUD})
    assert {fault.line for fault in raised.value.faults} == {5, 6}
    assert all('unknown target "frankfurt"' in fault.problem for fault in raised.value.faults)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([("a", "battery_pct = { less_than = 20, greater_than = 50 }", 'mode = "auto"')], "can never hold"),
        (
            [("a", "rtt_ms = { less_than = 90 }", 'mode = "only_on_device"'),
             ("b", "rtt_ms = { less_than = 50 }", 'mode = "only_in_cloud"')],
            "never counts",
        ),
        (
            [("a", "charging = true", 'mode = "only_on_device"'), ("b", "charging = false", 'mode = "only_in_cloud"'),
             ("c", "charging = { one_of = [true, false] }, cpu_load = { less_than = 0.5 }", 'mode = "auto"')],
            'one of the rules "a" and "b" applies whenever this one does',
        ),
        (
            [("a", "battery_pct = { less_than = 20 }", 'mode = "only_on_device"'),
             ("b", "cpu_load = { greater_than = 0.9 }", 'mode = "only_in_cloud"')],
            'contradicts rule "a"',
        ),
        (
            [("a", "battery_pct = { less_than = 20 }", 'forbid = ["device"]'),
             ("b", "cpu_load = { greater_than = 0.9 }", 'mode = "only_on_device"')],
            "nothing may answer where both hold",
        ),
    ],
)  # fmt: skip
def test_F13_rules_that_are_idle_or_contradict_each_other_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rules: list[tuple[str, str, str]], told: str
) -> None:
    path = tmp_path / "policy.toml"
    text = HEAD + "".join(RULE.format(name=name, when=when, effect=effect) for name, when, effect in rules)
    path.write_text(text, encoding="utf-8")
    assert main(["check", "--strict", str(path)]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert re.search(rf"warning: line {text.count(chr(10)) - 3}: |warning: line \d+: rules\[\d\]", said)


def test_F14_a_condition_costs_no_more_than_its_bounds_allow() -> None:
    deep = "not = { " * 20 + "charging = true" + " }" * 20
    wide = "any = [" + ", ".join(["{ cpu_load = 0.5 }"] * 300) + "]"
    for when, problem in (
        (deep, "conditions are nested more than 16 deep"),
        (wide, "more than 256 conditions in one rule"),
    ):
        (told,) = _faults((HEAD + RULE.format(name="r", when=when, effect='mode = "auto"')).encode())
        assert told.startswith("line 6: ")
        assert told.endswith(problem)


@pytest.mark.wide
def test_F14_lint_gives_up_on_what_would_take_long_and_says_nothing_of_it() -> None:
    part = "{ any = [" + ", ".join(f"{{ cpu_load = 0.{i}, battery_pct = {i} }}" for i in range(1, 10)) + "] }"
    rules = "".join(
        RULE.format(name=f"r{i}", when=f"all = [{', '.join([part] * 12)}]", effect='mode = "only_on_device"')
        for i in range(30)
    )
    policy = policy_of(rules)
    started = time.thread_time()
    lint(policy)
    assert time.thread_time() - started < 5  # a tenth of that here
