"""The life of a release: prepared, served, kept to its promise, audited, certified again; and files that are swapped.

Everything is as users have it: a folder that was prepared, a server process that loads it, files between them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from cloud_service.publish.options import PrepareOptions
from cloud_service.publish.prepare import prepare
from cloud_service.publish.prepared import Prepared
from cloud_service.publish.recertify import recertify
from edge_agent import Agent, AgentConfig, Result
from edge_agent.core import Core
from edge_agent.errors import ReleaseError
from nearfar_wire.digest import digest_of
from router.cascade.learn import Method
from tests.builders.processes import cloud_process
from tests.builders.questions import question
from tests.builders.waiting import eventually

pytestmark = [pytest.mark.wide, pytest.mark.timeout(600)]

ASKED = question("classification", count=1200)
NAMES = ("ape", "bee", "cat", "dog")
FETCHES = '[device.fetches]\nscores = "y"'
# What the model takes anyway: but another way to it than the certificate knows.
FEEDS = '[device.feeds.x]\nsource = "x"\ndatatype = "FP32"\n\n'
POLICY = """schema = 1
name = "life"
version = 1

[targets.cloud]
usd_per_request = 2

[promise]
max_loss = 0.05
audit = 0.5
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(
        PrepareOptions(
            name="asked",
            model=ASKED.full,
            device_model=ASKED.small,
            ship="own",
            examples=ASKED.examples(),
            out=tmp_path_factory.mktemp("life") / "release",
            label_names=NAMES,
            alphas=(0.02, 0.05),
        )
    )


@pytest.fixture
def release(prepared: Prepared, tmp_path: Path) -> Path:
    """A copy of the release, to be done with as one likes."""
    return Path(shutil.copytree(prepared.out, tmp_path / "release"))


def agent_of(folder: Path, release: Path, address: str | None = None) -> Agent:
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    config = AgentConfig.model_validate(
        {
            "models": {"asked": {"release": release}},
            "policy": folder / "policy.toml",
            "targets": {} if address is None else {"cloud": {"address": address}},
            "audits": folder / "audits.jsonl",
            "state": folder / "state",
        }
    )
    return Agent.over(Core(config, sources=[], chance=random.Random(5)))


def ask(agent: Agent, row: np.ndarray) -> Result:
    return agent.infer("asked", {"x": row[None]}, privacy="public", deadline_ms=10_000)


@pytest.mark.slow
def test_a_release_is_prepared_served_kept_to_its_promise_audited_and_certified_again(
    release: Path, tmp_path: Path
) -> None:
    life = question("classification", count=3000)
    rows, labels = life.inputs[1200:], life.labels[1200:]
    with cloud_process(release / "cloud") as cloud, agent_of(tmp_path, release, cloud.target) as agent:
        results = [ask(agent, row) for row in rows]
        assert {result.target for result in results} == {"device", "cloud"}
        assert all(result.receipt.certified for result in results)
        assert {result.top(1)[0][0] for result in results} == set(NAMES)
        drawn = sum(result.decision.situation.request.audit for result in results)
        eventually(lambda: sum(agent.core.metrics.counts().audits.values()) == drawn, within_s=30)
        told = [agent.feedback(result, NAMES[label]) for result, label in zip(results, labels, strict=True)]
        used = agent.core.metrics.counts().audits
        audited = sum(count for (_, outcome), count in used.items() if outcome not in ("skipped", "failed"))
        # The agent remembers the latest thousand: of these, every one that was compared can be told right or wrong.
        assert sum(told) == audited
    renewed = recertify(release, tmp_path / "audits.jsonl", alphas=[0.05])
    assert (renewed.used, renewed.labelled) == (audited, audited)
    assert renewed.certificate.method is Method.LABELS
    assert renewed.certificate.n_calibrate + renewed.certificate.n_evaluate == audited
    assert 0 < renewed.kept < renewed.used
    again = [result for result in results if result.target == "device"][:1]
    assert again
    with cloud_process(release / "cloud") as cloud, agent_of(tmp_path, release, cloud.target) as agent:
        result = ask(agent, rows[0])
        assert result.receipt.certified
        assert result.decision.situation.promise is not None
        threshold = renewed.certificate.promises[0].value
        assert result.decision.situation.promise.threshold == pytest.approx(threshold)


def other_bytes(content: bytes) -> bytes:
    """Return a file of the same function."""
    model = onnx.load_model_from_string(content)
    model.doc_string = "exported once more"
    return model.SerializeToString()


def rewritten(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text("utf-8")
    changed = change(text)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


def test_D20_a_device_model_that_is_another_file_is_not_run_and_the_cloud_answers(
    release: Path, tmp_path: Path
) -> None:
    (release / "asked.onnx").write_bytes(other_bytes((release / "asked.onnx").read_bytes()))
    with cloud_process(release / "cloud") as cloud, agent_of(tmp_path, release, cloud.target) as agent:
        result = ask(agent, ASKED.inputs[0])
    assert result.target == "cloud"
    assert "asked.onnx" in agent.core.releases["asked"].why_no_runtime


def test_D8_a_device_model_that_the_manifest_admits_is_run_and_never_certified(release: Path, tmp_path: Path) -> None:
    other = other_bytes((release / "asked.onnx").read_bytes())
    before = digest_of((release / "asked.onnx").read_bytes())
    (release / "asked.onnx").write_bytes(other)
    rewritten(release / "manifest.toml", lambda text: text.replace(before, digest_of(other)))
    result = uncertified(release, tmp_path)
    assert result.receipt.why_uncertified.startswith("the device's model is another than the certificate's")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('values = "logits"', 'values = "logits"\nkind = "max_probability"'),
        lambda text: text.replace(FETCHES, FEEDS + FETCHES),
    ],
    ids=["score", "feeds"],
)
def test_D8_a_preparation_that_was_edited_is_not_covered(
    release: Path, tmp_path: Path, change: Callable[[str], str]
) -> None:
    rewritten(release / "manifest.toml", change)
    assert uncertified(release, tmp_path).receipt.why_uncertified.startswith("inputs are prepared otherwise")


def test_D8_labels_that_were_edited_are_refused_and_with_their_digest_not_covered(
    release: Path, tmp_path: Path
) -> None:
    before = (release / "labels.txt").read_bytes()
    swapped = b"bee\nape\ncat\ndog\n"
    (release / "labels.txt").write_bytes(swapped)
    with pytest.raises(ReleaseError, match="its labels cannot be used"):
        agent_of(tmp_path, release)
    rewritten(release / "manifest.toml", lambda text: text.replace(digest_of(before), digest_of(swapped)))
    assert "prepared otherwise" in uncertified(release, tmp_path).receipt.why_uncertified


def test_a_full_model_that_is_another_file_is_not_served_and_the_server_says_why(release: Path, tmp_path: Path) -> None:
    path = release / "cloud/asked/1/model.onnx"
    path.write_bytes(other_bytes(path.read_bytes()))
    with cloud_process(release / "cloud") as cloud, agent_of(tmp_path, release, cloud.target) as agent:
        results = [ask(agent, row) for row in ASKED.inputs[:40]]
        eventually(lambda: any("remote.digest is" in line for line in cloud.log))
    assert {result.target for result in results} == {"device"}
    assert any(result.receipt.certified is False for result in results)


def test_a_full_model_that_its_server_admits_is_not_the_certificates_and_nothing_of_it_is_certified(
    release: Path, tmp_path: Path
) -> None:
    path = release / "cloud/asked/1/model.onnx"
    before, other = digest_of(path.read_bytes()), other_bytes(path.read_bytes())
    path.write_bytes(other)
    rewritten(path.with_name("manifest.toml"), lambda text: text.replace(before, digest_of(other)))
    with cloud_process(release / "cloud") as cloud, agent_of(tmp_path, release, cloud.target) as agent:
        results = [ask(agent, row) for row in ASKED.inputs[:40]]
    assert {result.target for result in results} == {"device"}
    refused = [result for result in results if result.receipt.certified is False]
    assert refused
    assert all(result.receipt.why_uncertified for result in refused)


def uncertified(release: Path, folder: Path) -> Result:
    with agent_of(folder, release) as agent:
        result = ask(agent, ASKED.inputs[0])
    assert result.target == "device"
    assert result.receipt.certified is False
    return result
