"""The encoder of multilingual-e5-small as a network for onnxruntime."""

from __future__ import annotations

import numpy as np

from deskward.integrations.embeddings.graph import Array, Graph
from deskward.integrations.embeddings.packed import BLOCK, PackedFile

GIVEN = "tokens"
BITS = 4
BYTES_COUNT = 4
"""onnxruntime multiplies weights of four bits with activations of eight (`accuracy_level`)."""


def encoder(file: PackedFile) -> tuple[bytes, str]:
    """The model, from tokens' sums of embeddings to their vectors, and its output's name.

    The layers are those of BERT (Devlin et al. 2019), in operators that do several steps at once.
    """
    graph = Graph()
    width, inner, epsilon = file.width, file.inner, file.epsilon

    def times(given: str, weights: list[str], size: int) -> str:
        blocks = np.concatenate([file.blocks(name, size) for name in weights])
        # From the first half of a block beside the second, to one weight beside the next.
        left, right = blocks["pairs"][..., 0::2], blocks["pairs"][..., 1::2]
        packed = np.concatenate([left & 15 | right << 4, left >> 4 | right & 240], axis=-1)
        scales = blocks["scale"].astype(np.float32).reshape(-1)
        return graph.node(
            "MatMulNBits",
            given,
            graph.weight(packed),
            graph.weight(scales),
            contributed=True,
            K=size,
            N=len(blocks),
            bits=BITS,
            block_size=BLOCK,
            accuracy_level=BYTES_COUNT,
        )[0]

    def bias(*names: str) -> str:
        return graph.weight(np.concatenate([file.numbers(name) for name in names]))

    def added(state: str, change: str, norm: str, offset: str) -> str:
        weights = [bias(f"{norm}.w"), bias(f"{norm}.b"), bias(offset)]
        return graph.node(
            "SkipLayerNormalization", state, change, *weights, contributed=True, epsilon=epsilon
        )[0]

    norm = bias("emb.ln.w"), bias("emb.ln.b")
    (state,) = graph.node("LayerNormalization", GIVEN, *norm, axis=-1, epsilon=epsilon)
    for layer in range(file.layers):
        name = f"l{layer}"
        three = times(state, [f"{name}.{part}.w" for part in "qkv"], width)
        parts = graph.node("Split", three, outputs=3, axis=-1, num_outputs=3)
        offset = bias(*(f"{name}.{part}.b" for part in "qkv"))
        (seen,) = graph.node(
            "MultiHeadAttention", *parts, offset, contributed=True, num_heads=file.heads
        )
        seen = times(seen, [f"{name}.ao.w"], width)
        state = added(state, seen, f"{name}.aln", f"{name}.ao.b")
        grown = times(state, [f"{name}.fi.w"], width)
        (grown,) = graph.node("BiasGelu", grown, bias(f"{name}.fi.b"), contributed=True)
        grown = times(grown, [f"{name}.fo.w"], inner)
        state = added(state, grown, f"{name}.oln", f"{name}.fo.b")
    return graph.model(GIVEN, width, state, width), state


def unit(vectors: Array) -> Array:
    """The vectors at length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found: Array = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return found
