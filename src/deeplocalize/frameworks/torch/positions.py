"""Whether a self-attention is told where in the sequence its vectors stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from deeplocalize.frameworks.torch import graph
from deeplocalize.frameworks.torch.graph import TRANSPARENT, Node
from deeplocalize.frameworks.torch.layers import LayerState

_STRETCHING = ("MulBackward", "DivBackward")


def embedding_before(
    layers: Sequence[LayerState], module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> LayerState | None:
    """The embedding whose vectors a self-attention without a mask is given as they are; None if it is something else.

    They may be dropped out, stretched, normalized, or have their axes turned: nothing of it tells one place from another.
    """
    if not isinstance(module, nn.MultiheadAttention):
        return None
    given = dict(zip(_PARAMETERS, args, strict=False)) | kwargs
    query = given.get("query")
    if not isinstance(query, Tensor) or query is not given.get("key") or given.get("is_causal"):
        return None
    node = _maker(query.grad_fn) if given.get("attn_mask") is None else None
    if node is None or graph.name(node) != "EmbeddingBackward":
        return None
    table = {id(each.variable) for each in graph.parents(node) if hasattr(each, "variable")}
    return next((layer for layer in layers if table & {id(each) for each in layer.parameters}), None)


_PARAMETERS = "query key value key_padding_mask need_weights attn_mask average_attn_weights is_causal".split()


def _maker(node: Node | None) -> Node | None:
    """The operation that made values, apart from what does the same to the vectors of all places."""
    while node is not None:
        if graph.name(node) == "NativeLayerNormBackward":
            node = next(graph.parents(node), None)
        elif graph.name(node) in (*TRANSPARENT, *_STRETCHING):
            node = graph.only_parent(node)
        else:
            break
    return node
