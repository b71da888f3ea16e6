"""What a model file is told to be before anything runs it, and what is refused, in words that help."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from cloud_service.publish.errors import PublishError
from cloud_service.publish.inspect import Port, inspect
from tests.builders.onnx_models import external_weights, slow, softmax_mlp

value = helper.make_tensor_value_info
X, Y = value("x", TensorProto.FLOAT, ["n", 2]), value("y", TensorProto.FLOAT, None)


def model_of(
    *nodes: Any, inputs: Any = (X,), outputs: Any = (Y,), weights: Any = (), domains: Any = ("",), **more: Any
) -> ModelProto:
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), list(weights))
    imports = [helper.make_opsetid(domain, 21 if domain == "" else 1) for domain in domains]
    return helper.make_model(graph, ir_version=10, opset_imports=imports, **more)


def relu() -> Any:
    return helper.make_node("Relu", ["x"], ["y"])


def weight(name: str = "w", shape: tuple[int, ...] = (2, 2)) -> TensorProto:
    return numpy_helper.from_array(np.ones(shape, np.float32), name)


def test_a_plain_model_is_described() -> None:
    found = inspect(softmax_mlp(features=4, classes=3))
    assert found.opset == 21
    assert found.inputs == (Port("pixels", "UINT8", ("batch", 4)),)
    assert found.outputs == (Port("probabilities", "FLOAT", ("batch", 3)), Port("logits", "FLOAT", ("batch", 3)))
    assert found.dynamic == ("pixels[0]",)
    assert found.parameters == 12
    assert found.operators == {"Cast": 1, "MatMul": 1, "Softmax": 1}
    assert found.size_bytes == len(softmax_mlp(features=4, classes=3))
    assert (found.kind, found.quantized) == ("matrix", False)


def test_a_weight_that_old_exporters_list_as_an_input_is_none() -> None:
    matmul = helper.make_node("MatMul", ["x", "w"], ["y"])
    listed = model_of(matmul, inputs=(X, value("w", TensorProto.FLOAT, [2, 2])), weights=[weight()])
    assert [port.name for port in inspect(listed.SerializeToString()).inputs] == ["x"]


def test_an_axis_without_a_name_varies_as_well_and_a_shape_may_be_missing() -> None:
    """A model whose input or output had no shape, which runtimes take, was called no ONNX model."""
    free = value("x", TensorProto.FLOAT, [None, 3, "width"])
    found = inspect(model_of(relu(), inputs=(free,)).SerializeToString())
    assert found.inputs[0].shape == (None, 3, "width")
    assert found.dynamic == ("x[0]", "x[2]")
    assert found.outputs[0].shape is None
    shapeless = value("x", TensorProto.FLOAT, None)
    assert inspect(model_of(relu(), inputs=(shapeless,)).SerializeToString()).dynamic == ()


@pytest.mark.parametrize(
    ("output", "operator", "domain", "kind"),
    [
        (helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None), "SequenceConstruct", "", "sequence"),
        (
            helper.make_value_info(
                "y", helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(1, None))
            ),
            "ZipMap",
            "ai.onnx.ml",
            "map",
        ),
    ],
)
def test_an_output_that_is_no_tensor_is_told_as_what_it_is(output: Any, operator: str, domain: str, kind: str) -> None:
    """It was told as a scalar without a type."""
    keys = {"classlabels_int64s": [0, 1]} if operator == "ZipMap" else {}
    node = helper.make_node(operator, ["x"], ["y"], domain=domain, **keys)
    found = inspect(model_of(node, outputs=(output,), domains=("", domain)).SerializeToString())
    assert found.outputs == (Port("y", kind, None),)


def branches() -> ModelProto:
    def branch(name: str) -> Any:
        matmul = helper.make_node("MatMul", ["x", "inner"], [name])
        return helper.make_graph([matmul], name, [], [value(name, TensorProto.FLOAT, None)], [weight("inner", (2, 5))])

    chosen = helper.make_node("If", ["c"], ["y"], then_branch=branch("a"), else_branch=branch("b"))
    return model_of(chosen, inputs=(X, value("c", TensorProto.BOOL, [])))


def functions() -> ModelProto:
    constant = helper.make_node("Constant", [], ["w"], value=weight())
    body = [constant, helper.make_node("MatMul", ["x", "w"], ["y"])]
    function = helper.make_function("own", "Dense", ["x"], ["y"], body, [helper.make_opsetid("", 21)])
    call = helper.make_node("Dense", ["x"], ["y"], domain="own")
    return model_of(call, domains=("", "own"), functions=[function])


@pytest.mark.parametrize(
    ("model", "operators", "parameters"),
    [
        pytest.param(branches(), {"If": 1, "MatMul": 2}, 20, id="branches"),
        pytest.param(functions(), {"Constant": 1, "Dense": 1, "MatMul": 1}, 4, id="functions"),
    ],
)
def test_what_is_inside_branches_and_functions_counts(
    model: ModelProto, operators: dict[str, int], parameters: int
) -> None:
    """A network that its exporter wrote as functions had no matrices, and was not compressed as one that has."""
    found = inspect(model.SerializeToString())
    assert found.operators == operators
    assert found.parameters == parameters
    assert found.kind == "matrix"


def test_weights_that_are_mostly_nothing_count_by_what_they_hold() -> None:
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("w", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0]),
        helper.make_tensor("places", TensorProto.INT64, [3], [0, 1, 2]),
        [2, 2],
    )
    model = model_of(helper.make_node("MatMul", ["x", "w"], ["y"]))
    model.graph.sparse_initializer.append(sparse)
    assert inspect(model.SerializeToString()).parameters == 3


def test_a_graph_without_nodes_is_of_no_kind() -> None:
    found = inspect(model_of(outputs=(X,)).SerializeToString())
    assert (found.operators, found.kind, found.parameters) == ({}, "other", 0)


@pytest.mark.parametrize(
    ("operators", "kind"),
    [
        (["Conv"] * 8 + ["Gemm"], "convolution"),
        (["Conv"] * 2 + ["MatMul"] * 3, "mixed"),
        (["MatMul"] * 6 + ["Softmax"] + ["LayerNormalization"] * 2, "transformer"),
        (["MatMul"] * 6 + ["Softmax"] + ["LayerNormalization"] * 2 + ["Conv"] * 2, "mixed"),
        (["Gemm"] * 2, "matrix"),
        (["Relu"], "other"),
    ],
)
def test_the_kind_is_told_by_what_does_the_work(operators: list[str], kind: str) -> None:
    inputs = {"Conv": ["image", "k"], "MatMul": ["x", "w"], "Gemm": ["x", "w"], "LayerNormalization": ["x", "s"]}
    nodes = [
        helper.make_node(operator, inputs.get(operator, ["x"]), [f"y{index}"])
        for index, operator in enumerate(operators)
    ]
    weights = [weight(), weight("k", (1, 1, 1, 1)), weight("s", (2,))]
    given = (X, value("image", TensorProto.FLOAT, [1, 1, 4, 4]))
    model = model_of(*nodes, inputs=given, outputs=(value("y0", TensorProto.FLOAT, None),), weights=weights)
    assert inspect(model.SerializeToString()).kind == kind


@pytest.mark.parametrize(
    ("operator", "domain", "quantized"),
    [("MatMulInteger", "", True), ("QLinearAdd", "com.microsoft", True), ("FusedMatMul", "com.microsoft", False)],
)
def test_numbers_in_8_bits_are_seen(operator: str, domain: str, quantized: bool) -> None:
    given = ["x"] * (8 if operator == "QLinearAdd" else 2)
    node = helper.make_node(operator, given, ["y"], domain=domain)
    assert inspect(model_of(node, domains=("", domain)).SerializeToString()).quantized is quantized


def changed(**fields: Any) -> bytes:
    model = model_of(relu())
    for name, given in fields.items():
        setattr(model, name, given)
    return bytes(model.SerializeToString())


def without(field: str) -> bytes:
    model = model_of(relu())
    model.ClearField(field)
    return bytes(model.SerializeToString())


def of_type(element: int) -> bytes:
    model = model_of(relu())
    model.graph.input[0].type.tensor_type.elem_type = element
    return bytes(model.SerializeToString())


def endless() -> bytes:
    function = helper.make_function(
        "own", "F", ["x"], ["y"], [helper.make_node("F", ["x"], ["y"], domain="own")], [helper.make_opsetid("own", 1)]
    )
    return bytes(model_of(relu(), functions=[function]).SerializeToString())


def foreign(operator: str, domain: str) -> bytes:
    return bytes(
        model_of(helper.make_node(operator, ["x"], ["y"], domain=domain), domains=("", domain)).SerializeToString()
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "it has no graph", id="empty"),
        pytest.param(b"junk", "no ONNX model, or cut off or damaged; export it again", id="junk"),
        pytest.param(slow()[:-3], "cut off or damaged", id="cut off"),
        pytest.param(without("graph"), "it has no graph", id="no graph"),
        pytest.param(without("opset_import"), "not a valid ONNX model .*must specify opset_import", id="no opset"),
        pytest.param(changed(ir_version=0), "not a valid ONNX model .*ir_version", id="no version"),
        pytest.param(
            bytes(model_of(relu(), outputs=()).SerializeToString()), "the model has no output", id="no output"
        ),
        pytest.param(of_type(99), "'x' has elements of type 99, which ONNX does not have", id="no such type"),
        pytest.param(foreign("Nope", ""), "not a valid ONNX model .*Nope", id="no such operator"),
        pytest.param(external_weights("../w"), "tensor 'w' lies outside the file; save", id="D13 outside"),
        pytest.param(foreign("EPContext", "com.microsoft"), "'EPContext' of domain 'com.microsoft' loads", id="D14 EP"),
        pytest.param(foreign("Odd", "elses"), "operator 'Odd' of domain 'elses' is not one of those", id="D14 custom"),
        pytest.param(endless(), "function 'F' calls itself; export the model without recursion", id="D14 recursion"),
    ],
)
def test_D13_D14_what_is_no_model_or_unsafe_is_refused_by_name_with_what_to_do(content: bytes, says: str) -> None:
    with pytest.raises(PublishError, match=says) as refused:
        inspect(content)
    assert refused.value.advice
    assert len(str(refused.value)) < 500


def test_the_checker_of_the_standard_still_finds_what_it_finds() -> None:
    model = model_of(relu(), relu())  # y is made twice
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(model_of(relu(), relu(), outputs=(X,)))
    with pytest.raises(PublishError, match="not a valid ONNX model"):
        inspect(model.SerializeToString())
