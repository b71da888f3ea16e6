"""Which operators a model file may ask for. Pure.

Whole domains of the standard, where every operator computes; of onnxruntime's own, what fuses and quantizes models for
a processor, by name: among the others are some that open files, load a vendor's binaries, or run a program of their
own. What is new there is refused until somebody has looked at it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["STANDARD", "is_allowed", "may_be_defined", "why_refused"]

STANDARD: Final = ""
"""The standard's domain; "ai.onnx" is another name for it."""
_WHOLE: Final = frozenset({STANDARD, "ai.onnx.ml"})
_MICROSOFT: Final = "com.microsoft"

# The operators of com.microsoft for which onnxruntime 1.24 to 1.32 has kernels for the processor. Left out: EPContext;
# SampleOp, an example; and BeamSearch, GreedySearch, Sampling and WhisperBeamSearch, which loop by themselves over
# graphs and give text to generate, not an answer to route.
_FUSED: Final = frozenset(
    """
    Attention AttnLSTM BiasGelu BifurcationDetector BranchwiseRMSNorm CDist CausalConvWithState
    ConvTransposeWithDynamicPads CropAndResize DecoderMaskedMultiHeadAttention DequantizeLinear DynamicQuantizeLSTM
    DynamicQuantizeMatMul DynamicTimeWarping EmbedLayerNormalization EngramGate ExpandDims FastGelu FusedConv FusedGemm
    FusedMatMul GatedAdd GatedDeltaNet GatedRMSNorm GatherBlockQuantized GatherND GatherPacked Gelu GridSample
    GroupQueryAttention HyperConnectionPostMix HyperConnectionPreMix Inverse LinearAttention LinearAttentionGate
    MRotaryEmbedding MatMulBnb4 MatMulFpQ4 MatMulInteger16 MatMulIntegerToFloat MatMulNBits MaxpoolWithMask MoE
    MoEGroupRouter MultiHeadAttention MurmurHash3 NGramHashMapping NGramRepeatBlock NhwcMaxPool Pad QAttention
    QEmbedLayerNormalization QGemm QLinearAdd QLinearAveragePool QLinearConcat QLinearConv QLinearGlobalAveragePool
    QLinearLeakyRelu QLinearMul QLinearSigmoid QLinearSoftmax QLinearWhere QMoE QuantizeLinear QuickGelu Range
    RotaryEmbedding ScaledSiLU SkipLayerNormalization SkipSimplifiedLayerNormalization SparseAttention
    SparseToDenseMatMul Tokenizer TransposeMatMul Trilu UnfoldTensor Unique VarlenCausalConvWithState
    VarlenNGramHashMapping WordConvEmbedding
    """.split()  # noqa: SIM905  (as a list, a line each)
)
# What onnxruntime writes when it saves a graph that it optimized for a processor's layout.
_BLOCKED: Final = frozenset(
    "AveragePool Conv GlobalAveragePool GlobalMaxPool MaxPool ReorderInput ReorderOutput Upsample".split()  # noqa: SIM905
)
_NAMED: Final[Mapping[str, frozenset[str]]] = MappingProxyType({_MICROSOFT: _FUSED, "com.microsoft.nchwc": _BLOCKED})

# Domains in which a runtime looks for operators of its own: a function of the model's never stands in for one of them.
_RESERVED: Final = ("ai.onnx", "com.microsoft", "com.ms")

_WHY: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        (_MICROSOFT, "EPContext"): "loads a program that was compiled for one accelerator, from the file or beside it",
        (_MICROSOFT, "Snpe"): "loads a program that was compiled for one accelerator",
        (_MICROSOFT, "PythonOp"): "calls Python",
        ("ai.onnx.contrib", "PyOp"): "calls Python",
    }
)
_CALLS_OUT: Final = "com.microsoft.extensions"


def is_allowed(domain: str, operator: str) -> bool:
    """Tell whether a model may use `operator` of `domain` (STANDARD for the standard's)."""
    return domain in _WHOLE or operator in _NAMED.get(domain, ())


def may_be_defined(domain: str) -> bool:
    """Tell whether a function that the model brings along may be of `domain` and count as an operator."""
    return domain != STANDARD and not any(domain == taken or domain.startswith(taken + ".") for taken in _RESERVED)


def why_refused(domain: str, operator: str) -> str:
    """Return what is known of an operator that is not allowed."""
    if domain == _CALLS_OUT:
        return "calls remote endpoints"
    return _WHY.get((domain, operator), "is not one of those that a model may use")
