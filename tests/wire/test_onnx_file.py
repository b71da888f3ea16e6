"""What an ONNX file asks for: found in the bytes as protobuf reads them, and refused by name before a runtime looks."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from nearfar_wire.errors import ModelFileError
from nearfar_wire.onnx_file import MAX_CALL_DEPTH, MAX_GRAPH_DEPTH, MAX_NODES, PARTS, scan
from nearfar_wire.onnx_operators import is_allowed, may_be_defined
from tests.builders.onnx_bytes import delimited, varint, written
from tests.builders.onnx_models import external_weights, slow, softmax_mlp
from tests.wire.mutation import mutated

OPSETS = [helper.make_opsetid("", 21)]


def graph_of(*nodes: Any, weights: Any = ()) -> Any:
    value = helper.make_tensor_value_info
    return helper.make_graph(
        list(nodes),
        "g",
        [value("x", TensorProto.FLOAT, ["n"])],
        [value("y", TensorProto.FLOAT, ["n"])],
        initializer=list(weights),
    )


def model_of(*nodes: Any, functions: Any = (), weights: Any = ()) -> Any:
    return helper.make_model(
        graph_of(*nodes, weights=weights), ir_version=10, opset_imports=OPSETS, functions=list(functions)
    )


def node(operator: str = "Relu", domain: str = "", **attributes: Any) -> Any:
    return helper.make_node(operator, ["x"], ["y"], domain=domain, **attributes)


def function(name: str, *called: str, domain: str = "own", times: int = 1) -> Any:
    body = [helper.make_node(other, ["x"], ["y"], domain=domain) for other in called for _ in range(times)]
    return helper.make_function(domain, name, ["x"], ["y"], body or [node()], OPSETS)


def outside(**fields: Any) -> Any:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../w")
    for name, value in fields.items():
        setattr(tensor, name, value)
    return tensor


def inside() -> Any:
    return numpy_helper.from_array(np.ones(2, np.float32), "w")


def nested(depth: int, innermost: Any) -> Any:
    graph = graph_of(innermost)
    for _ in range(depth):
        graph = graph_of(node("If", then_branch=graph, else_branch=graph_of(node())))
    return graph.node[0]


def why_refused(model: Any) -> str:
    with pytest.raises(ModelFileError) as caught:
        scan(model if isinstance(model, bytes) else model.SerializeToString())
    assert caught.value.advice
    return str(caught.value)


# -- what it looks at --------------------------------------------------------------------------------------------------


def test_every_way_from_a_model_to_a_tensor_or_a_node_is_walked() -> None:
    """By the standard's own description of its messages, of the version that is installed."""

    def holds(message: Any, seen: frozenset[str]) -> bool:
        if message.name in ("TensorProto", "NodeProto"):
            return True
        inner = [field.message_type for field in message.fields if field.message_type is not None]
        return any(holds(part, seen | {message.name}) for part in inner if part.name not in seen)

    todo, walked = [onnx.ModelProto.DESCRIPTOR], set()
    while todo:
        message = todo.pop()
        if message.name in walked:
            continue
        walked.add(message.name)
        part = next(part for part in PARTS if part.value == message.name)
        found = {}
        for field in message.fields:
            if field.message_type is not None and holds(field.message_type, frozenset()):
                found[field.number << 3 | 2] = field.message_type.name
                todo.append(field.message_type)
        assert {tag: inner.value for tag, inner in PARTS[part].items()} == found
    assert walked == {part.value for part in PARTS}


def test_operators_are_counted_wherever_they_are() -> None:
    loop = scan(slow())
    assert loop.operators == {"Add": 1, "Identity": 1, "Loop": 1, "Squeeze": 1}
    assert loop.nodes == 4
    called = scan(model_of(node("F", "own"), functions=[function("F")]).SerializeToString())
    assert called.operators == {"F": 1, "Relu": 1}


@pytest.mark.wide
def test_weights_and_rows_of_numbers_are_stepped_over() -> None:
    """A forest has a million numbers in attributes, each a field of its own: more than fields may be."""
    numbers = node("TreeEnsembleRegressor", "ai.onnx.ml")
    forest = model_of(numbers, weights=[numpy_helper.from_array(np.zeros(5_000_000, np.float32), "w")])
    attribute = (
        delimited(1, b"nodes_values")
        + b"".join(varint(7 << 3 | 5) + bytes(4) for _ in range(500_000))
        + b"".join(varint(8 << 3) + varint(value) for value in (1, 1 << 20, -1)) * 100_000
    )
    row = delimited(
        7, delimited(1, delimited(4, b"TreeEnsemble") + delimited(7, b"ai.onnx.ml") + delimited(5, attribute))
    )
    content = forest.SerializeToString() + row * 12
    assert (
        sum(len(a.ints) + len(a.floats) for n in onnx.ModelProto.FromString(content).graph.node for a in n.attribute)
        > 9e6
    )
    tracemalloc.start()
    try:
        assert scan(content).operators == {"TreeEnsemble": 12, "TreeEnsembleRegressor": 1}
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 100_000


def test_what_stands_behind_a_row_of_numbers_is_seen() -> None:
    attribute = delimited(1, b"a") + (varint(7 << 3 | 5) + bytes(4)) * 3
    hidden = attribute + delimited(5, outside().SerializeToString()) + varint(8 << 3) + varint(1)
    assert "outside" in why_refused(delimited(7, delimited(1, delimited(4, b"Relu") + delimited(5, hidden))))


# -- what passes -------------------------------------------------------------------------------------------------------


def _to_compress() -> Any:
    """A graph with what quantizers and optimizers look for."""
    value, chance = helper.make_tensor_value_info, np.random.default_rng(0)
    shapes = {"k": (4, 3, 3, 3), "w": (64, 64), "v": (64, 10)}
    weights = {name: chance.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "k"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("Add", ["r", "c"], ["a"]),
            helper.make_node("GlobalAveragePool", ["a"], ["p"]),
            helper.make_node("Sigmoid", ["a"], ["s"]),
            helper.make_node("Reshape", ["s", "shape"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["m"]),
            helper.make_node("Transpose", ["v"], ["t"], perm=[1, 0]),
            helper.make_node("Transpose", ["t"], ["u"], perm=[1, 0]),
            helper.make_node("MatMul", ["m", "u"], ["y"]),
        ],
        "g",
        [value("x", TensorProto.FLOAT, ["n", 3, 4, 4])],
        [value("y", TensorProto.FLOAT, ["n", 10]), value("p", TensorProto.FLOAT, ["n", 4, 1, 1])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()]
        + [numpy_helper.from_array(np.array([-1, 64]), "shape")],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=OPSETS)


def _static(form: str) -> Callable[[Path], bytes]:
    def made(folder: Path) -> bytes:
        from onnxruntime import quantization

        class Rows(quantization.CalibrationDataReader):  # type: ignore[misc]
            def __init__(self) -> None:
                self.rows = iter([{"x": np.full((1, 3, 4, 4), value, np.float32)} for value in (-1, 0.5, 2)])

            def get_next(self) -> Any:
                return next(self.rows, None)

        file = folder / "static.onnx"
        quantization.quantize_static(_to_compress(), file, Rows(), quant_format=quantization.QuantFormat[form])
        return file.read_bytes()

    return made


def _dynamic(folder: Path) -> bytes:
    from onnxruntime import quantization

    file = folder / "dynamic.onnx"
    quantization.quantize_dynamic(_to_compress(), file, per_channel=True)
    return file.read_bytes()


def _four_bits(folder: Path) -> bytes:
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    made = MatMulNBitsQuantizer(_to_compress(), bits=4, block_size=16)
    made.process()
    return bytes(made.model.model.SerializeToString())


def _optimized(level: str, make: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
    def made(folder: Path) -> bytes:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(folder / "optimized.onnx")
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.log_severity_level = 4
        onnxruntime.InferenceSession(make(folder), options, providers=["CPUExecutionProvider"])
        return (folder / "optimized.onnx").read_bytes()

    return made


@pytest.mark.wide
@pytest.mark.parametrize(
    ("make", "among"),
    [
        pytest.param(lambda folder: softmax_mlp(), "Softmax", id="plain"),
        pytest.param(_static("QDQ"), "QuantizeLinear", id="static, as pairs"),
        pytest.param(_static("QOperator"), "QLinearAdd", id="static, as operators"),
        pytest.param(_dynamic, "MatMulInteger", id="dynamic"),
        pytest.param(_four_bits, "MatMulNBits", id="weights of 4 bits"),
        pytest.param(_optimized("ORT_ENABLE_EXTENDED", _dynamic), "DynamicQuantizeMatMul", id="dynamic, optimized"),
        pytest.param(
            _optimized("ORT_ENABLE_ALL", lambda folder: _to_compress().SerializeToString()), "Conv", id="optimized"
        ),
    ],
)
def test_what_quantizers_and_optimizers_write_passes(tmp_path: Path, make: Callable[[Path], bytes], among: str) -> None:
    assert among in scan(make(tmp_path)).operators


@pytest.mark.parametrize("domain", ["pkg.torch.nn.modules", "pkg.onnxscript.torch_lib", "own", "ai.onnxes"])
def test_an_operator_that_the_model_defines_itself_passes(domain: str) -> None:
    defined = [function("F", domain=domain), function("G", "F", domain=domain)]
    scan(model_of(node("G", domain), functions=defined).SerializeToString())


def test_every_operator_of_onnxruntimes_own_on_the_list_has_a_kernel_for_the_processor() -> None:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    offered = {(kernel.domain, kernel.op_name) for kernel in state.get_all_opkernel_def()}
    own = {name for name in offered if name[0].startswith("com.microsoft")}
    left_out = {"BeamSearch", "GreedySearch", "SampleOp", "Sampling", "WhisperBeamSearch"}
    assert {name for _, name in own if not any(is_allowed(domain, name) for domain, _ in own)} == left_out


# -- what is refused ---------------------------------------------------------------------------------------------------


def in_the_graph(tensor: Any) -> Any:
    return model_of(node(), weights=[tensor])


def in_a_sparse_weight(tensor: Any) -> Any:
    model = model_of(node())
    model.graph.sparse_initializer.add().indices.CopyFrom(tensor)
    return model


def in_an_attribute(tensor: Any) -> Any:
    return model_of(node("Constant", value=tensor))


def in_one_of_an_attributes_tensors(tensor: Any) -> Any:
    return model_of(node("Constant", values=[inside(), tensor]))


def in_a_sparse_attribute(tensor: Any) -> Any:
    model = model_of(node())
    model.graph.node[0].attribute.add(name="a").sparse_tensors.add().values.CopyFrom(tensor)
    return model


def in_a_branch(tensor: Any) -> Any:
    return model_of(nested(3, node("Constant", value=tensor)))


def in_a_function(tensor: Any) -> Any:
    body = helper.make_function("own", "F", [], ["y"], [node("Constant", value=tensor)], OPSETS)
    return model_of(node("F", "own"), functions=[body])


def in_a_functions_default(tensor: Any) -> Any:
    defined = function("F")
    defined.attribute_proto.add(name="a").t.CopyFrom(tensor)
    return model_of(node(), functions=[defined])


def in_what_trains_it(tensor: Any) -> Any:
    model = model_of(node())
    model.training_info.add().initialization.initializer.add().CopyFrom(tensor)
    return model


PLACES = [
    in_the_graph, in_a_sparse_weight, in_an_attribute, in_one_of_an_attributes_tensors, in_a_sparse_attribute,
    in_a_branch, in_a_function, in_a_functions_default, in_what_trains_it,
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_D13_a_tensor_outside_the_file_is_refused_wherever_it_is(place: Callable[[Any], Any]) -> None:
    assert why_refused(place(outside())) == "tensor 'w' lies outside the file; save the model with its weights inside"
    scan(place(inside()).SerializeToString())


@pytest.mark.parametrize("location", ["w", "../w", "/etc/passwd", "a/../../w", "*/_ORT_MEM_ADDR_/*", ""])
def test_D13_where_outside_does_not_matter(location: str) -> None:
    assert "outside" in why_refused(external_weights(location))


@pytest.mark.parametrize(
    "tensor",
    [
        pytest.param(outside(data_location=TensorProto.DEFAULT), id="a place, though it is said to be inside"),
        pytest.param(TensorProto(name="w", data_location=TensorProto.EXTERNAL), id="outside, though without a place"),
        pytest.param(outside(raw_data=bytes(8)), id="both"),
    ],
)
def test_D13_half_of_the_words_for_outside_are_enough(tensor: Any) -> None:
    assert "outside" in why_refused(in_the_graph(tensor))


@pytest.mark.parametrize(
    ("operator", "domain", "told"),
    [
        ("AzureTextToText", "com.microsoft.extensions", "calls remote endpoints"),
        ("EPContext", "com.microsoft", "loads a program that was compiled for one accelerator"),
        ("PythonOp", "com.microsoft", "calls Python"),
        ("PyOp", "ai.onnx.contrib", "calls Python"),
        ("BeamSearch", "com.microsoft", "is not one of those"),
        ("NotYetThere", "com.microsoft", "is not one of those"),
        ("Custom", "somebody.elses", "is not one of those"),
        ("Adam", "ai.onnx.preview.training", "is not one of those"),
        ("Relu", " ", "is not one of those"),
    ],
)
@pytest.mark.parametrize("depth", [0, 2])
def test_D14_an_operator_that_is_not_on_the_list_is_refused_by_its_name(
    operator: str, domain: str, told: str, depth: int
) -> None:
    words = why_refused(model_of(nested(depth, node(operator, domain))))
    assert words.startswith(f"operator {operator!r} of domain {domain!r} {told}")
    body = helper.make_function("own", "F", ["x"], ["y"], [node(operator, domain)], OPSETS)
    assert words == why_refused(model_of(node(), functions=[body]))


@pytest.mark.parametrize(
    "domain", ["com.microsoft", "com.microsoft.extensions", "com.ms.internal.nhwc", "ai.onnx.contrib"]
)
def test_D14_a_function_does_not_stand_in_for_an_operator_of_a_runtimes_own(domain: str) -> None:
    assert not may_be_defined(domain)
    assert (
        "is not one of those" in why_refused(model_of(node("Odd", domain), functions=[function("Odd", domain=domain)]))
        or domain == "com.microsoft.extensions"
    )


@pytest.mark.parametrize(
    "functions",
    [
        pytest.param([function("F", "F")], id="directly"),
        pytest.param([function("F", "G"), function("G", "F")], id="each other"),
        pytest.param([function(f"F{i}", f"F{(i + 1) % 20}") for i in range(20)], id="in a wide circle"),
        pytest.param([function("F"), function("F", "G"), function("G", "F")], id="in one of two of a name"),
        pytest.param([function("Relu", domain="")], id="by an operator's name"),
        pytest.param([function("Relu", domain="ai.onnx")], id="by the other name of its domain"),
    ],
)
def test_D14_functions_that_call_themselves_are_refused_called_or_not(functions: list[Any]) -> None:
    assert "calls itself" in why_refused(model_of(node(), functions=functions))


def test_D14_a_function_that_calls_itself_inside_a_branch_is_refused() -> None:
    body = helper.make_function("own", "F", ["x"], ["y"], [nested(3, node("F", "own"))], OPSETS)
    assert "function 'F' calls itself" in why_refused(model_of(node(), functions=[body]))


def test_D14_a_bomb_of_functions_is_refused_by_what_it_would_become() -> None:
    tens = [function(f"F{i}", f"F{i + 1}", times=10) for i in range(20)] + [function("F20")]
    assert f"more than {MAX_NODES} nodes where its functions are called" in why_refused(
        model_of(node("F0", "own"), functions=tens)
    )
    scan(model_of(node("F17", "own"), functions=tens[17:]).SerializeToString())


def test_functions_may_call_functions_so_deep_and_no_deeper() -> None:
    def chain(length: int) -> list[Any]:
        return [function(f"F{i}", f"F{i + 1}") for i in range(length - 1)] + [function(f"F{length - 1}")]

    scan(model_of(node("F0", "own"), functions=chain(MAX_CALL_DEPTH)).SerializeToString())
    assert "deep" in why_refused(model_of(node("F0", "own"), functions=chain(MAX_CALL_DEPTH + 1)))


@pytest.mark.wide
def test_graphs_may_be_nested_so_deep_and_no_deeper() -> None:
    scan(model_of(nested(MAX_GRAPH_DEPTH - 1, node())).SerializeToString())
    assert "nested" in why_refused(model_of(nested(MAX_GRAPH_DEPTH, node())))
    graph = b""
    for _ in range(20_000):  # deeper than any parser goes
        graph = delimited(1, delimited(5, delimited(6, graph)))
    assert "nested" in why_refused(delimited(7, graph))


@pytest.mark.wide
def test_there_may_be_so_many_nodes_and_no_more() -> None:
    one = delimited(1, delimited(4, b"Relu"))
    assert scan(delimited(7, one * MAX_NODES)).nodes == MAX_NODES
    assert "nodes" in why_refused(delimited(7, one * (MAX_NODES + 1)))


@pytest.mark.wide
@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "it has no graph", id="empty"),
        pytest.param(b"not a model", "it is no ONNX model, or cut off or damaged", id="text"),
        pytest.param(softmax_mlp()[:-1], "cut off or damaged", id="cut off"),
        pytest.param(b"\x3a\xff\xff\xff\xff\x7f", "cut off or damaged", id="a graph longer than the file"),
        pytest.param(b"\xff" * 1000, "cut off or damaged", id="an endless number"),
        pytest.param(b"\x3b\x3c", "cut off or damaged", id="a group"),
        pytest.param(delimited(7, delimited(1, b"\x22\x05ab")), "cut off or damaged", id="a name longer than its node"),
        pytest.param(b"\x08\x08\x00\x00ORTM" + bytes(99), "onnxruntime's own format", id="another format"),
        pytest.param(
            b"\x1a\x0e\x00\x00ORTM" + bytes(10) + softmax_mlp(), "onnxruntime's own format", id="both formats at once"
        ),
        pytest.param(delimited(7, delimited(1, delimited(4, b"R" * 2000))), "longer than", id="an endless name"),
        pytest.param(b"\x78\x01" * (1 << 22) + b"\x78\x01", "cut off or damaged", id="endless fields"),
    ],
)
def test_bytes_that_are_no_model_are_refused(content: bytes, told: str) -> None:
    assert told in why_refused(content)


# -- beside the standard's own parser ----------------------------------------------------------------------------------


def hostile(message: Any, own: frozenset[tuple[str, str, str]] = frozenset()) -> bool:
    """Tell whether the parsed `message` has a tensor outside, or a node that is neither the standard's nor its own."""
    if isinstance(message, onnx.ModelProto):
        own = frozenset((f.domain, f.name, f.overload) for f in message.functions)
    if isinstance(message, TensorProto) and (message.data_location != TensorProto.DEFAULT or message.external_data):
        return True
    if isinstance(message, onnx.NodeProto):
        name = (message.domain, message.op_type, message.overload)
        if message.domain not in ("", "ai.onnx") and name not in own:
            return True
    for field, value in message.ListFields():
        if field.message_type is not None and any(
            hostile(part, own) for part in (value if field.is_repeated else [value])
        ):
            return True
    return False


SEEDS = {
    "plain": model_of(
        node(), nested(1, node("Abs")), weights=[inside()], functions=[function("F"), function("G", "F")]
    ),
    **{place.__name__: place(outside()) for place in PLACES},
    "foreign": model_of(nested(2, node("Custom", "elses"))),
    "context": model_of(node("EPContext", "com.microsoft"), functions=[function("F")]),
}


# A number and not chances of hypothesis' own: those are drawn one by one, and a model takes thousands.
SEED = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize("name", SEEDS)
@given(SEED)
@settings(max_examples=60, deadline=None)
@pytest.mark.wide
def test_however_a_model_is_written_it_is_found_to_be_what_the_parser_makes_of_it(name: str, seed: int) -> None:
    model = SEEDS[name]
    content = written(model, random.Random(seed))
    parsed = onnx.ModelProto.FromString(content)
    parsed.DiscardUnknownFields()
    assert parsed == model
    if name == "plain":
        assert scan(content).operators == {"Abs": 1, "If": 1, "Relu": 3, "F": 1}
    else:
        why_refused(content)


def _never_fooled(chance: random.Random) -> None:
    content = written(SEEDS[chance.choice(list(SEEDS))], chance)
    content = mutated(chance, content)
    try:
        model = onnx.ModelProto.FromString(content)
    except Exception:
        model = None
    try:
        scan(content)
    except ModelFileError:
        return
    assert model is None or not hostile(model)


@given(SEED)
@settings(max_examples=500, deadline=None)
@pytest.mark.wide
def test_D13_D14_what_the_parser_finds_in_damaged_bytes_is_refused(seed: int) -> None:
    _never_fooled(random.Random(seed))


@pytest.mark.slow
def test_D13_D14_what_the_parser_finds_in_many_damaged_bytes_is_refused() -> None:
    chance = random.Random(20261129)
    for _ in range(30_000):
        _never_fooled(chance)
