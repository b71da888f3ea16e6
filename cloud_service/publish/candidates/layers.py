"""Fewer layers: every block that is left out of a transformer takes its time with it.

Blocks are found by their weights' names, which number them, such as `encoder.layer.3.attention...`; a block is left out
by handing its input on as its output, so it has to have one of each, of the same type."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from cloud_service.publish.candidates.candidate import Unsuited

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["drop_layers"]

# A whole word before the number: MatMul_3_output is of no layer.
_NUMBERED: Final = re.compile(r"(?<![a-z])(?:layers?|blocks?|h|encoder|l)[._/](\d+)(?=[._/])", re.IGNORECASE)


def drop_layers(content: bytes, *, count: int) -> bytes:
    """Return the model without `count` of its blocks, evenly chosen, neither the first nor the last.

    Raises Unsuited: where no blocks are found, there are too few, or one cannot be taken out."""
    import onnx

    model = onnx.load_model_from_string(content)
    blocks = _blocks(model.graph)
    inner = sorted(blocks)[1:-1]
    if count > len(inner):
        raise Unsuited(f"of {len(blocks)} numbered layers at most {max(0, len(inner))} can be dropped, not {count}")
    chosen = [inner[(2 * index + 1) * len(inner) // (2 * count)] for index in range(count)]
    for number in chosen:
        _bypass(model.graph, blocks[number])
    onnx.checker.check_model(model)
    made: bytes = model.SerializeToString()
    return made


def _blocks(graph: Any) -> dict[int, list[NodeProto]]:  # Any: GraphProto
    """Return the nodes of each numbered block, by its number."""
    blocks: defaultdict[int, list[NodeProto]] = defaultdict(list)
    for node in graph.node:
        found = _NUMBERED.search(node.name) or next(
            (match for name in (*node.input, *node.output) if (match := _NUMBERED.search(name))), None
        )
        if found is not None:
            blocks[int(found.group(1))].append(node)
    return dict(blocks)


def _bypass(graph: Any, nodes: list[NodeProto]) -> None:  # Any: as above
    inside = {id(node) for node in nodes}
    made = {name for node in nodes for name in node.output}
    constant = {tensor.name for tensor in graph.initializer}
    outer = [node for node in graph.node if id(node) not in inside]
    made_outside = {name for node in outer for name in node.output} | {value.name for value in graph.input}
    read_outside = {name for node in outer for name in node.input} | {value.name for value in graph.output}
    taken = {name for node in nodes for name in node.input if name and name not in made and name not in constant}
    given = made & read_outside
    # Masks and position biases go into every block; what only this one reads and the one before gives is the state.
    state = {name for name in taken & made_outside if sum(name in node.input for node in outer) == 0}
    if len(given) != 1 or len(state) != 1:
        raise Unsuited("a layer has more than one way in or out, and cannot be left out")
    (out,), (into,) = given, state
    for node in outer:
        for index, name in enumerate(node.input):
            if name == out:
                node.input[index] = into
    if any(value.name == out for value in graph.output):
        raise Unsuited("a layer's output is the model's own")
    for node in nodes:
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)
