"""Tasks from scratch: a stranger's model and data become a release, and a picture or sentence gets a label."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_service.publish.data import Examples
from cloud_service.publish.ends import Pictures, Sentences, Tried
from cloud_service.publish.prepare import Prepared, PrepareOptions, prepare
from cloud_service.publish.recipes.pictures import SOURCE, PictureRecipe
from cloud_service.publish.recipes.sentences import SOURCE as TEXT
from cloud_service.publish.recipes.sentences import Tokenizer
from cloud_service.publish.sandbox import Sandbox
from edge_agent import Agent, AgentConfig
from edge_agent.core import Core
from tests.builders.clouds import running_cloud
from tests.builders.pictures import SHAPES, draw, encoded, shapes_model, shown
from tests.builders.sentences import WISHES, said, sentences_model
from tests.builders.tokenizers import learnt_tokenizer, word_tokenizer

pytest.importorskip("PIL.Image", reason="the extra `image` is not installed")
pytest.importorskip("tokenizers", reason="the extra `text` is not installed")
pytest.importorskip("sklearn", reason="the extra `demo` is not installed")
pytestmark = pytest.mark.wide

Array = np.ndarray[Any, Any]


@contextmanager
def agent_of(made: Prepared, folder: Path, address: str | None = None, mode: str = "only_on_device") -> Iterator[Agent]:
    name = made.manifest.name
    policy = folder / "policy.toml"
    policy.write_text(f'schema = 1\nname = "it"\nversion = 1\nmode = "{mode}"\n', encoding="utf-8")
    config = AgentConfig.model_validate(
        {
            "models": {name: {"release": made.out}},
            "policy": policy,
            "targets": {} if address is None else {"cloud": {"address": address}},
            "state": folder / "state",
        }
    )
    with Agent.over(Core(config, sources=[], chance=random.Random(5))) as agent:
        yield agent


def shapes_release(out: Path, full: bytes, **options: Any) -> Prepared:
    files, labels = shown(900, seed=5)
    given = {
        "name": "shapes",
        "model": full,
        "examples": Examples({SOURCE: files}, labels),
        "out": out / "release",
        "ends": lambda ports: Pictures(PictureRecipe("encoded"), Tried(Sandbox()), {}, {}),
        "label_names": SHAPES,
        "alphas": (0.05,),
        "report": False,
    }
    return prepare(PrepareOptions(**(given | options)))


FULL = shapes_model("imagenet", size=32)
OWN = shapes_model("raw", channels=1, layout="nhwc", trained_on=40, side=8, size=8, probabilities=True)


def picture(shape: str, seed: int = 1) -> Array:
    file = np.empty(1, dtype=object)
    file[0] = encoded(draw(shape, np.random.default_rng(seed), height=50, width=70))
    return file


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A grey device model of bytes that knows little, and a full one that gives probabilities."""
    return shapes_release(tmp_path_factory.mktemp("shapes"), FULL, device_model=OWN, ship="own")


def test_a_picture_goes_in_and_a_label_comes_out_on_the_device(shapes: Prepared, tmp_path: Path) -> None:
    with agent_of(shapes, tmp_path) as agent:
        for shape in SHAPES:
            (name, probability), *_ = agent.infer("shapes", {SOURCE: picture(shape)}, deadline_ms=10_000).top(2)
            assert name == shape
            assert 0.25 < probability <= 1


def test_the_cloud_gives_the_same_labels_for_the_picture_itself(shapes: Prepared, tmp_path: Path) -> None:
    """One end gave probabilities and the other logits under the same name: what came from the cloud was squashed."""
    with (
        running_cloud(shapes.out / "cloud") as cloud,
        agent_of(shapes, tmp_path, cloud.target, "only_in_cloud") as agent,
    ):
        for shape in SHAPES:
            result = agent.infer("shapes", {SOURCE: picture(shape)}, deadline_ms=10_000, privacy="public")
            (name, probability), *_ = result.top(1)
            assert (result.target, name) == ("cloud", shape)
            assert probability == pytest.approx(float(result.outputs["scores"].max()))
            assert float(result.outputs["scores"].sum()) == pytest.approx(1, abs=1e-5)


def test_what_was_found_out_is_told(shapes: Prepared) -> None:
    notes = "\n".join(shapes.notes)
    assert "the full model: normalised as" in notes
    assert "the device model: normalised as raw" in notes
    assert "what crosses the network: 32 x 32 pixels, 3,072 bytes" in notes, "fewer than a file has on average"
    assert shapes.outcomes.remote_right is not None
    assert shapes.outcomes.remote_right.mean() > 0.95
    assert shapes.outcomes.device_right is not None
    assert 0.5 < shapes.outcomes.device_right.mean() < 1


def sentence(text: str) -> dict[str, Array]:
    column = np.empty(1, dtype=object)
    column[0] = text.encode()
    return {TEXT: column}


@pytest.fixture(scope="module")
def wishes(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Two models of sentences: the full one reads words of any number, the device's 24 parts of words."""
    texts, labels = said(900, seed=5)
    words = Tokenizer("tokenizer.json", word_tokenizer(sorted({word for text in texts for word in text.split()})), 64)
    parts = Tokenizer("device-tokenizer.json", learnt_tokenizer("wordpiece", texts[:60], size=60), 64)
    column = np.empty(len(texts), dtype=object)
    column[:] = [text.encode() for text in texts]
    return prepare(
        PrepareOptions(
            name="wishes",
            model=sentences_model(words.content),
            device_model=sentences_model(
                parts.content, tokens=24, kind="INT32", inputs=("ids", "mask", "types"), trained_on=150
            ),
            examples=Examples({TEXT: column}, labels),
            out=tmp_path_factory.mktemp("wishes") / "release",
            ends=lambda ports: Sentences({"full": words, "own": parts}),
            label_names=WISHES,
            ship="own",
            alphas=(0.05,),
            report=False,
        )
    )


SAID = [("please tell me the forecast", "weather"), ("play the album louder", "music"), ("remind me and wake", "alarm")]


@pytest.mark.parametrize("mode", ["only_on_device", "only_in_cloud"])
def test_a_sentence_goes_in_and_a_label_comes_out(wishes: Prepared, tmp_path: Path, mode: str) -> None:
    with running_cloud(wishes.out / "cloud") as cloud, agent_of(wishes, tmp_path, cloud.target, mode) as agent:
        for text, wanted in SAID:
            result = agent.infer("wishes", sentence(text), deadline_ms=10_000, privacy="public")
            assert result.top(1)[0][0] == wanted
            assert result.target == ("device" if mode == "only_on_device" else "cloud")
