from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
from onnx import ModelProto, TensorProto, helper

from cloud_service.backend import Traits
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.errors import InvalidInput, RunFailed, UnservableModel
from cloud_service.repository.serving import Instances
from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.specs import TensorSpec
from tests.builders.onnx_models import adder, external_weights, gather, identity, largest, slow, softmax_mlp


@pytest.mark.parametrize("datatype", DATATYPES)
def test_every_datatype_goes_through_the_runtime_unchanged(datatype: str) -> None:
    backend = OnnxBackend(identity(datatype))
    x = np.array([b"", "né\0".encode()], object) if datatype == "BYTES" else np.array([0, 1], DATATYPES[datatype])
    result = backend.new_run().execute({"x": x}, ["y"])["y"]
    assert backend.inputs == (TensorSpec("x", datatype, (-1,)),)
    assert result.dtype == x.dtype
    assert result.tolist() == x.tolist()


def test_a_dimension_with_a_name_may_vary_and_one_with_a_number_may_not() -> None:
    backend = OnnxBackend(softmax_mlp(features=4, classes=3))
    assert backend.inputs == (TensorSpec("pixels", "UINT8", (-1, 4)),)
    assert [spec.shape for spec in backend.outputs] == [(-1, 3), (-1, 3)]


def test_only_the_outputs_asked_for_are_computed_and_in_that_order() -> None:
    run = OnnxBackend(softmax_mlp()).new_run()
    assert list(run.execute({"pixels": np.ones((1, 4), np.uint8)}, ["logits"])) == ["logits"]


@pytest.mark.parametrize("content", [b"", b"junk", identity()[:-4]], ids=["empty", "junk", "cut off"])
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnservableModel, match=r"the model file is refused: it .* no ONNX model.*export it again"):
        OnnxBackend(content)


def test_what_only_onnxruntime_finds_wrong_is_refused_too() -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["nowhere"], ["y"])],
        "g",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    with pytest.raises(UnservableModel, match="onnxruntime cannot load the model file"):
        OnnxBackend(model.SerializeToString())


def test_traits_are_read_from_operators_wherever_they_are_and_from_nothing_else() -> None:
    """They were looked for in the bytes, where a name among the weights was as good as an operator's."""
    assert OnnxBackend(slow()).traits.time_by_value
    speaks_of_it = ModelProto.FromString(identity())
    speaks_of_it.doc_string = '"\x04Loop DynamicQuantizeLinear'
    assert OnnxBackend(speaks_of_it.SerializeToString()).traits == Traits()


def test_weights_outside_the_file_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.bin").write_bytes(np.array([5, 6], np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    for location in ("w.bin", "../w.bin", str(tmp_path / "w.bin")):
        with pytest.raises(UnservableModel, match="tensor 'w' lies outside the file; save the model with"):
            OnnxBackend(external_weights(location))


def test_a_model_whose_output_is_no_tensor_is_refused_by_the_outputs_name() -> None:
    graph = helper.make_graph(
        [helper.make_node("SequenceConstruct", ["x"], ["many"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_sequence_value_info("many", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    with pytest.raises(UnservableModel, match=r"output 'many' is seq\(tensor\(float\)\)"):
        OnnxBackend(model.SerializeToString())


def test_a_value_that_the_model_refuses_is_the_callers_fault_and_stays_untold(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(InvalidInput) as caught:
        OnnxBackend(gather()).new_run().execute({"x": np.array([987654321])}, ["y"])
    assert "987654321" not in f"{caught.value}{caught.value.__cause__}{capfd.readouterr()}"


@pytest.mark.parametrize(("rows", "told"), [((2, 3), "unlike numbers of rows"), ((2, 0), "without rows")])
def test_rows_that_do_not_fit_each_other_are_the_callers_fault(rows: tuple[int, int], told: str) -> None:
    """onnxruntime has one error for them and for its own faults: callers were told that the service had failed."""
    left, right = (np.ones(count, np.float32) for count in rows)
    with pytest.raises(InvalidInput, match=told):
        OnnxBackend(adder()).new_run().execute({"left": left, "right": right}, ["sum"])


def test_rows_that_do_not_fit_are_no_fault_where_the_model_takes_them() -> None:
    one, three = np.ones(1, np.float32), np.ones(3, np.float32)
    assert OnnxBackend(adder()).new_run().execute({"left": one, "right": three}, ["sum"])["sum"].tolist() == [2, 2, 2]


def test_any_other_failure_of_the_runtime_is_one_error_without_its_text() -> None:
    with pytest.raises(RunFailed) as caught:
        OnnxBackend(largest(3)).new_run().execute({"x": np.ones(2, np.float32)}, ["y"])
    assert str(caught.value) == str(RunFailed())
    assert caught.value.__cause__ is not None


def test_text_that_is_not_utf8_is_refused_by_the_inputs_name() -> None:
    with pytest.raises(InvalidInput, match="'x' holds an element that is not UTF-8"):
        OnnxBackend(identity("BYTES")).new_run().execute({"x": np.array([b"\xff"], object)}, ["y"])


def test_a_run_that_is_stopped_before_it_begins_fails_at_once() -> None:
    run = OnnxBackend(slow()).new_run()
    run.stop()
    with pytest.raises(RunFailed):
        run.execute({"n": np.array([10**12])}, ["y"])


def test_a_running_run_can_be_stopped_from_another_thread() -> None:
    run = OnnxBackend(slow()).new_run()
    stopper = threading.Timer(0.05, run.stop)
    stopper.start()
    with pytest.raises(RunFailed):
        run.execute({"n": np.array([10**12])}, ["y"])
    stopper.join()


def test_a_stopped_run_leaves_the_next_one_alone() -> None:
    backend = OnnxBackend(slow())
    backend.new_run().stop()
    assert backend.new_run().execute({"n": np.array([3])}, ["y"])["y"] == 3


def test_what_a_large_run_took_is_given_back() -> None:
    backend = OnnxBackend(softmax_mlp(), Instances(sessions=2))
    small, large = (np.zeros((rows, 4), np.uint8) for rows in (1, 2_000_000))
    for tensor in (small, large, large):
        backend.new_run().execute({"pixels": tensor}, ["probabilities"])
    process = psutil.Process()
    before = process.memory_info().rss
    backend.tidy({"pixels": small})
    # In each of the two sessions the pixels as floats took 32 MB, besides what a run hands out.
    assert before - process.memory_info().rss > 50e6
    assert backend.new_run().execute({"pixels": small}, ["logits"])["logits"].shape == (1, 3)
