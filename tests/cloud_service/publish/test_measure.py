"""What a candidate is measured to cost and to be worth."""

from __future__ import annotations

import numpy as np
import pytest

from cloud_service.publish.candidates import Candidate
from cloud_service.publish.measure import DeviceClass, Subject, Yardstick, measure_latency, measure_quality
from cloud_service.publish.sandbox import Failed, Sandbox
from tests.builders.graphs import Graph, Sample, allocating, convolutional, crossing, perceptron

pytestmark = pytest.mark.wide

SAMPLE = perceptron()


def subject(sample: Sample = SAMPLE, *, content: bytes | None = None) -> Subject:
    made = sample.content if content is None else content
    return Subject(Candidate("it", "as it is", made), sample.inputs, sample.output)


def yardstick(*, reference: np.ndarray | None = None, labels: np.ndarray | None = None) -> Yardstick:
    return Yardstick("classification", None, reference, labels)


def scaled(factor: float, values: float = 0.0) -> bytes:
    """y = x * factor + values."""
    graph = Graph()
    graph.add("Add", graph.add("Mul", "x", graph.constant(factor)), graph.constant(values), output="y")
    return graph.model([("x", "FP32", ("n", 16))], [("y", "FP32", ("n", 16))])


def test_the_first_is_its_own_reference_and_the_next_is_held_against_it() -> None:
    first, answers = measure_quality(subject(content=scaled(1)), yardstick(), Sandbox())
    assert answers is not None
    assert first.agreement[0] == 1.0
    assert first.accuracy is None
    turned, _ = measure_quality(subject(content=scaled(-1)), yardstick(reference=answers), Sandbox())
    assert turned.agreement[0] == 0.0
    assert first.size_bytes == len(scaled(1))


def test_accuracy_is_the_share_of_labels_with_its_interval() -> None:
    _, answers = measure_quality(subject(), yardstick(), Sandbox())
    assert answers is not None
    labels = answers.argmax(axis=1)
    labels[:10] = (labels[:10] + 1) % 10
    figures, _ = measure_quality(subject(), yardstick(labels=labels), Sandbox())
    assert figures.accuracy is not None
    share, low, high = figures.accuracy
    assert share == 0.75
    assert low < 0.75 < high


@pytest.mark.parametrize(("values", "wanted"), [(np.nan, "not numbers"), (np.inf, "not numbers"), (-np.inf, "")])
def test_answers_that_are_no_numbers_are_none(values: float, wanted: str) -> None:
    """A class that is ruled out has a logit of minus infinity: such models used to be refused."""
    per_class = np.array([values] + [0.0] * 15)
    figures, _ = measure_quality(subject(content=scaled(1, per_class)), yardstick(), Sandbox())  # type: ignore[arg-type]
    assert wanted in figures.skipped
    assert (figures.content is None) == bool(wanted)


def test_another_question_s_answer_is_told() -> None:
    reference = np.zeros((40, 3), np.float32)
    figures, _ = measure_quality(subject(), yardstick(reference=reference), Sandbox())
    assert figures.skipped == "its answers have shape [10], not the full model's"


def test_a_candidate_that_could_not_be_made_says_so_and_one_that_fails_says_why() -> None:
    unmade = Subject(Candidate("it", "as it is", None, "no reason"), SAMPLE.inputs, "y")
    assert measure_quality(unmade, yardstick(), Sandbox())[0].skipped == "no reason"
    figures, answers = measure_quality(subject(content=crossing().content), yardstick(), Sandbox())
    assert (figures.content, answers) == (None, None)
    assert "does not run here" in figures.skipped


def test_a_device_twice_as_slow_takes_twice_as_long() -> None:
    sample = convolutional(size=64, count=2)
    ((once, _),) = measure_latency([subject(sample)], Sandbox(), slower=1.0)
    ((ten, high),) = measure_latency([subject(sample)], Sandbox(), slower=10.0)
    assert ten > 2 * once
    assert high >= ten


def test_threads_and_memory_of_a_device_class_are_those_of_its_sandbox() -> None:
    device = DeviceClass("phone", threads=3, memory_limit_bytes=100 << 20)
    assert device.sandbox(7.0) == Sandbox(threads=3, memory_bytes=100 << 20, limit_s=7.0)


def test_a_device_with_more_memory_runs_what_a_smaller_one_cannot() -> None:
    greedy = subject(content=allocating(1))
    little, enough = (DeviceClass(memory_limit_bytes=mebibytes << 20) for mebibytes in (256, 4096))
    assert "256 MiB" in measure_quality(greedy, yardstick(), little.sandbox(60))[0].skipped
    assert measure_quality(greedy, yardstick(), enough.sandbox(60))[0].skipped == ""


def test_several_candidates_are_timed_where_each_alone_fits() -> None:
    """All candidates are open at once while they take turns, and used to share the memory of one."""
    big = perceptron(width=512, inner=2048, count=2)
    tight = Sandbox(memory_bytes=2 * len(big.content) + (60 << 20))
    assert len(measure_latency([subject(big)] * 6, tight, slower=1.0)) == 6


def test_timing_that_fails_says_why() -> None:
    with pytest.raises(Failed, match="does not run here"):
        measure_latency([subject(), subject(content=b"none")], Sandbox(), slower=1.0)
