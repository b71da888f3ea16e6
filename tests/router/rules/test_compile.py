"""Policy documents: put in force as written, or refused with the place of the first fault, in words and quickly."""

from __future__ import annotations

import time

import pytest

from router.errors import DocumentError, PolicyError, RouterError
from router.rules.compile import MAX_POLICY_BYTES, built_in_policy, compile_policy
from router.types import Kind, Mode
from tests.router.situations import HEAD, policy_of

RULE = '[[rules]]\nname = "r"\nmode = "auto"\nwhen = {}\n'
TARGETS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD, "attic": Kind.FOG}


def _refused(document: str | bytes, targets: dict[str, Kind] | None = None) -> str:
    content = document if isinstance(document, bytes) else document.encode()
    with pytest.raises(PolicyError) as raised:
        compile_policy(content, source="p", targets=targets)
    assert len(str(raised.value)) < 600
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # -- F1: numbers that are none, or out of range
        pytest.param("worth.second = nan", "p: line 4: worth.second: a finite number is wanted, not nan", id="F1 nan"),
        pytest.param("worth.second = inf", "p: line 4: worth.second: a finite number is wanted, not inf", id="F1 inf"),
        pytest.param(
            "worth.second = -inf", "p: line 4: worth.second: a finite number is wanted, not -inf", id="F1 -inf"
        ),
        pytest.param(
            "worth.second = -1", "p: line 4: worth.second: a number of at least 0 is wanted, not -1", id="F1 negative"
        ),
        pytest.param("worth.second = true", "p: line 4: worth.second: a number is wanted, not true", id="F1 bool"),
        pytest.param(
            'worth.second = "1"',
            "p: line 4: worth.second: a number is wanted, not text: write it without quotes",
            id="F1 text",
        ),
        pytest.param(
            "escalation.below = 1.5",
            "p: line 4: escalation.below: a number of at most 1 or one of best, never is wanted, not 1.5",
            id="F1 share",
        ),
        pytest.param(
            "breaker.consecutive = 1.0",
            "p: line 4: breaker.consecutive: a whole number is wanted, not 1.0",
            id="F1 float count",
        ),
        pytest.param(
            "breaker.consecutive = 0",
            "p: line 4: breaker.consecutive: a number of at least 1 is wanted, not 0",
            id="F1 no failures",
        ),
        pytest.param(
            'escalation = { below = "never", share = 0.2 }',
            'p: line 4: escalation.share: does nothing: below is "never", and no rule escalates below a number',
            id="a belief that serves nothing",
        ),
        pytest.param(
            "escalation.below = nan",
            "p: line 4: escalation.below: a finite number or one of best, never is wanted, not nan",
            id="F1 below",
        ),
        pytest.param(
            RULE.replace('mode = "auto"', "escalate_below = nan"),
            'p: line 6: rules[0].escalate_below: a finite number or "never" is wanted, not nan',
            id="F1 rule",
        ),
        # -- F2: keys that are none
        pytest.param("mdoe = 1", 'p: line 4: unknown key "mdoe"; did you mean "mode"?', id="F2 top"),
        pytest.param(
            "breaker.open_ms = 1",
            'p: line 4: breaker: unknown key "open_ms"; did you mean "open_s"?',
            id="F2 in a table",
        ),
        pytest.param(
            RULE.replace("mode", "mdoe"),
            'p: line 6: rules[0]: unknown key "mdoe"; did you mean "mode"?',
            id="F2 in a rule",
        ),
        pytest.param(
            "[targets.cloud]\nprior = 1",
            'p: line 5: targets.cloud: unknown key "prior"; did you mean "prior_ms"?',
            id="F2 in a target",
        ),
        pytest.param(
            'name = "b"',
            'p: line 4: duplicate key "name"; it stands on line 2 already: keep one of them',
            id="F2 twice",
        ),
        pytest.param(
            "[worth]\nsecond = 1\n[worth]\n",
            'p: line 6: duplicate key "worth"; it stands on line 4 already: keep one of them',
            id="F2 table twice",
        ),
        pytest.param(
            "worth = { second = 1, second = 2 }",
            'p: line 4: worth: duplicate key "second"; it stands on line 4 already: keep one of them',
            id="F2 twice in a line",
        ),
        # -- F3: what other formats would take
        pytest.param("worth.second = 010", "p: line 4: not TOML: Expected newline or end of document", id="F3 010"),
        pytest.param(
            "worth.second = 1979-05-27", "p: line 4: worth.second: a number is wanted, not a date", id="F3 date"
        ),
        pytest.param(
            "worth.second = 12:30:45", "p: line 4: worth.second: a number is wanted, not a time", id="F3 time"
        ),
        pytest.param("worth.second = no", "p: line 4: not TOML: Invalid value", id="F3 no"),
        pytest.param("mode: auto", "p: line 4: not TOML: Expected '='", id="F3 YAML"),
        pytest.param("--- \nmode = 1", "p: line 4: not TOML: Expected '='", id="F3 two documents"),
        pytest.param("version_ = 0x" + "f" * 9000, 'p: line 4: unknown key "version_"', id="F3 huge integer"),
        pytest.param("worth.second = 0x" + "f" * 9000, "p: line 4: worth.second: ", id="F3 huge number"),
        pytest.param(
            "worth.second = 1" + "0" * 5000,
            "p: line 4: not TOML: an integer of more than 4300 digits",
            id="F3 many digits",
        ),
        # -- F9: names that refer to nothing
        pytest.param(
            'labels.x = ["clod"]', 'p: line 4: labels.x[0]: unknown target "clod"; did you mean "cloud"?', id="F9 label"
        ),
        pytest.param(
            RULE + 'forbid = ["cloud", "clod"]\n',
            'p: line 8: rules[0].forbid[1]: unknown target "clod"; did you mean "cloud"?',
            id="F9 rule",
        ),
        pytest.param(
            "stale_after_s.cpu_laod = 5",
            'p: line 4: stale_after_s: unknown key "cpu_laod"; did you mean "cpu_load"?',
            id="F9 signal",
        ),
        pytest.param(
            'stale_after_s."rtt_ms.clod" = 5',
            'p: line 4: stale_after_s: unknown target "clod" in "rtt_ms.clod"; did you mean "cloud"?',
            id="F9 signal of a target",
        ),
        pytest.param(
            RULE.replace("{}", '{ "rtt_ms.device" = 5 }'),
            'p: line 7: rules[0].when: unknown target "device" in "rtt_ms.device"',
            id="F9 round trip to the device",
        ),
        # -- what contradicts itself
        pytest.param(RULE.replace('mode = "auto"', ""), "p: line 4: rules[0]: the rule does nothing", id="idle rule"),
        pytest.param(RULE + RULE, 'p: line 9: rules[1].name: there is a rule called "r" already', id="rule twice"),
        pytest.param("breaker.open_s = 400", "p: line 4: breaker.max_open_s: less than open_s", id="pauses"),
        pytest.param(
            "[targets.cloud]\nprior_ms = [9, 3]",
            "p: line 5: targets.cloud.prior_ms: the first number is the 5 % quantile",
            id="prior upside down",
        ),
        pytest.param("[targets.attic]\np_wrong = 0.1", "p: line 4: targets.attic: its kind is wanted", id="kind"),
        pytest.param(
            '[targets.cloud]\nkind = "fog"',
            'p: line 5: targets.cloud.kind: a target named "cloud" is of that kind',
            id="kind of cloud",
        ),
        pytest.param(
            '[targets.attic]\nkind = "device"', "p: line 5: targets.attic.kind: there is one device", id="second device"
        ),
        # -- form
        pytest.param(
            'mode = "fast"',
            "p: line 4: mode: one of only_on_device, prefer_on_device, prefer_in_cloud, only_in_cloud, auto is wanted, "
            'not "fast"',
            id="mode",
        ),
        pytest.param(
            'labels."a b" = []', 'p: line 4: labels: "a b" is not a name that can stand here', id="label name"
        ),
        pytest.param("labels = {}", "p: line 4: labels: 1 entry at least is wanted, not 0", id="no labels"),
        pytest.param(
            RULE.replace('mode = "auto"', 'escalate_below = "always"'),
            'p: line 6: rules[0].escalate_below: a number or "never" is wanted, not "always"',
            id="union",
        ),
        pytest.param('[[rules]]\nname = "r"\nmode = "auto"\n', 'p: line 4: rules[0]: "when" is missing', id="missing"),
        pytest.param(
            RULE.replace("{}", "{ rtt_ms = { grater_than = 5 } }"),
            'p: line 7: rules[0].when.rtt_ms: unknown key "grater_than"; did you mean "greater_than"?',
            id="condition",
        ),
    ],
)
def test_a_bad_document_is_refused_with_place_and_reason(text: str, message: str) -> None:
    assert _refused(HEAD + text).startswith(message)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param("", 'p: "schema" is missing', id="empty"),
        pytest.param(
            HEAD.replace("schema = 1", "schema = 2"), "p: line 1: schema: 1 is wanted, not 2", id="later schema"
        ),
        pytest.param(
            HEAD.replace("schema = 1", "schema = true"), "p: line 1: schema: 1 is wanted, not true", id="flag"
        ),
        pytest.param(HEAD.replace("version = 1", "version = 0"), "p: line 3: version: ", id="version"),
        pytest.param(HEAD.replace('"test"', '""'), "p: line 2: name: ", id="name"),
        pytest.param(b"\xef\xbb\xbf" + HEAD.encode(), "p: line 1: not TOML", id="F3 BOM"),
        pytest.param(HEAD.encode("utf-16"), "p: line 1: not UTF-8 but UTF-16", id="UTF-16"),
        pytest.param(b"\x00", "p: line 1: not TOML", id="NUL"),
    ],
)
def test_a_document_that_does_not_begin_right_is_refused(document: str | bytes, message: str) -> None:
    assert _refused(document).startswith(message)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param(b"#" * 100_000_000, f"p: longer than {MAX_POLICY_BYTES} bytes", id="100 MB"),
        pytest.param((HEAD + "x = " + "[" * 20_000).encode(), "p: line 4: nested too deeply", id="lists"),
        pytest.param((HEAD + "x = " + "{a = " * 20_000).encode(), "p: line 4: nested too deeply", id="tables"),
        pytest.param((HEAD + ".".join("a" * 400_000) + " = 1").encode(), "p: line 4: a name of more", id="dots"),
        pytest.param((HEAD + "[" + ".".join("a" * 400_000) + "]").encode(), "p: line 4: a name of more", id="head"),
        pytest.param(
            (HEAD + "x = {" + ".".join("a" * 400_000) + " = 1}").encode(), "p: line 4: a name of", id="inline"
        ),
    ],
)
def test_F4_what_would_take_long_to_read_is_refused_quickly(document: bytes, message: str) -> None:
    """A name of half a million parts once kept the parser busy for hours."""
    started = time.thread_time()
    assert _refused(document).startswith(message)
    assert time.thread_time() - started < 0.5  # 0.02 s here; a busy machine is forgiven


def test_rows_of_dots_in_a_comment_are_no_name() -> None:
    policy_of("# " + "." * 200 + "\n# ... " * 5 + "\n")


@pytest.mark.parametrize("value", ["1_000", "1e3", "0x3e8", "1000", "1000.0"])
def test_F3_a_number_means_what_TOML_says(value: str) -> None:
    assert policy_of(f"worth.second = {value}").worth.second == 1000.0


def test_with_the_targets_that_exist_every_other_name_is_refused() -> None:
    policy = policy_of('labels.x = ["attic", "fog"]\n[targets.attic]\np_wrong = 0.2', targets=TARGETS)
    assert policy.kinds == TARGETS
    assert policy.terms_for("attic", Kind.FOG).p_wrong == 0.2
    refused = _refused(HEAD + '[targets.cellar]\nkind = "fog"', TARGETS)
    assert refused.startswith('p: line 4: targets: unknown target "cellar"')
    refused = _refused(HEAD + '[targets.attic]\nkind = "cloud"', TARGETS)
    assert refused == 'p: line 5: targets.attic.kind: the configured target is of kind "fog", not "cloud"'


def test_a_round_trip_to_a_target_that_only_its_kind_names_can_be_spoken_of() -> None:
    """A check without the agent's configuration once refused what the agent took."""
    text = RULE.replace("{}", '{ "rtt_ms.cloud" = { less_than = 5 } }') + '[stale_after_s]\n"rtt_ms.cloud" = 5'
    assert policy_of(text).named_signals == ("rtt_ms.cloud",)
    assert policy_of(text, targets=TARGETS).named_signals == ("rtt_ms.cloud",)


def test_the_built_in_policy_weighs_and_keeps_secrets() -> None:
    policy = built_in_policy()
    assert policy.mode is Mode.AUTO
    assert policy.strictest == {"device"}
    assert not policy.permits("secret", "cloud", Kind.CLOUD)
    assert policy.permits("personal", "cloud", Kind.CLOUD)


def test_the_digest_is_of_the_document_s_bytes() -> None:
    assert policy_of().digest == policy_of().digest
    assert policy_of().digest != policy_of("# another\n").digest


def test_errors_have_one_root() -> None:
    assert issubclass(PolicyError, DocumentError) and issubclass(DocumentError, RouterError)


def test_what_is_said_of_round_trips_holds_for_each_target_s_own_unless_it_is_named() -> None:
    policy = policy_of('[stale_after_s]\nrtt_ms = 3\n"rtt_ms.cloud" = 7\n', targets=TARGETS)
    assert [policy.stale_after(name) for name in ("rtt_ms", "rtt_ms.attic", "rtt_ms.cloud")] == [3, 3, 7]


def test_what_is_believed_of_a_kind_may_be_said_where_there_is_no_target_of_it() -> None:
    """One policy for a fleet: a device that has no cloud takes it all the same."""
    policy = policy_of("[targets.cloud]\np_wrong = 0.01", targets={"device": Kind.DEVICE})
    assert set(policy.kinds) == {"device"}
    assert policy.terms_for("elsewhere", Kind.CLOUD).p_wrong == 0.01


def test_a_mistyped_key_is_told_before_what_is_missing_for_it() -> None:
    refused = _refused('schema = 1\nname = "p"\nversoin = 1\n')
    assert refused == 'p: line 3: unknown key "versoin"; did you mean "version"?'
