"""The axis over which a prediction was made to add up to 1."""

from __future__ import annotations

from torch import Tensor

from deeplocalize.frameworks.torch import graph
from deeplocalize.frameworks.torch.graph import Node

_AS_IT_IS = ("CloneBackward", "AliasBackward", "ContiguousBackward", "ToCopyBackward", "DetachBackward")
_RESHAPED = ("ViewBackward", "UnsafeViewBackward", "ReshapeAliasBackward", "FlattenBackward")


def normalized_axis(start: Node | None, prediction: Tensor | None) -> int | None:
    """The axis of `prediction` over which the softmax (or log-softmax) behind it adds up to 1, the batch axis being 0.

    None if there is none, or if its axes were put in another order on the way. Where positions were flattened into the batch
    axis, or chosen from it, they count as that.
    """
    node = start
    while node is not None and (graph.name(node) in (*_AS_IT_IS, *_RESHAPED) or graph.selects_rows(node)):
        node = graph.only_parent(node)
    if node is None or prediction is None or graph.name(node) not in ("SoftmaxBackward", "LogSoftmaxBackward"):
        return None
    result, dim = graph.saved(node, "result"), graph.signed(graph.saved(node, "dim"))
    if not isinstance(result, Tensor) or dim is None or not result.ndim:
        return None
    axis = dim % result.ndim
    given = graph.shape(start) or tuple(
        prediction.shape
    )  # what is known of the prediction may be from before it was flattened
    flattened = result.ndim - len(given)
    if tuple(result.shape) == given:
        return axis
    if len(given) < 2 or flattened < 0 or tuple(result.shape[flattened + 1 :]) != given[1:]:
        return None
    return max(0, axis - flattened)
