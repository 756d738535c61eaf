"""Whether everything up to an output is linear in the inputs, read from the autograd graph.

Said only of what is known for certain: an operation that is not listed, or a product of two things that both may depend on
the inputs, makes the answer False. Batch normalization counts as linear, as it is once the training is over.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from deeplocalize.frameworks.torch.graph import TRANSPARENT, Node, name, saved

LINEAR = {
    *TRANSPARENT,
    *("AddBackward", "SubBackward", "RsubBackward", "NegBackward"),
    *("MeanBackward", "SumBackward", "CatBackward", "StackBackward", "ConstantPadNdBackward"),
    *("AvgPool2DBackward", "AvgPool3DBackward", "AdaptiveAvgPool2DBackward", "MkldnnAdaptiveAvgPool2DBackward"),
    *("NativeBatchNormBackward", "CudnnBatchNormBackward"),
}

PRODUCTS = {
    # Where the two factors are among what a node was made from; what is left over is added.
    "AddmmBackward": (1, 2),
    "MmBackward": (0, 1),
    "BmmBackward": (0, 1),
    "MvBackward": (0, 1),
    "ConvolutionBackward": (0, 1),
    "MulBackward": (0, 1),
    "DivBackward": (0, 1),
}

MAX_NODES = 2000


def is_linear(output: Node, states: dict[Node, Any]) -> bool:
    """True if the node's value is known to be linear in the inputs; `states` are the layers, by the nodes of their outputs."""
    stack, seen = [output], {output}
    while stack:
        node = stack.pop()
        if name(node) == "AccumulateGrad":
            continue
        if not _is_linear_step(node, states.get(node)) or len(seen) > MAX_NODES:
            return False
        before = [each for each, _ in node.next_functions if each is not None and each not in seen]
        seen.update(before)
        stack += before
    return True


def _is_linear_step(node: Node, state: Any) -> bool:
    kind = name(node)
    if kind not in PRODUCTS:
        return kind in LINEAR
    if state is not None and state.facts.kind in ("dense", "conv", "dropout"):
        return True
    parents = node.next_functions
    factors = [parents[at][0] if at < len(parents) else None for at in PRODUCTS[kind]]
    if any(factor is not None and _is_parameter(factor) for factor in factors):
        return True
    # What needs no gradient may be a constant, but the input too; only a single number is a constant for sure.
    return kind in ("MulBackward", "DivBackward") and any(
        factor is None and _is_number(saved(node, side))
        for factor, side in zip(factors, ("self", "other"), strict=True)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (isinstance(value, Tensor) and value.ndim == 0)


def _is_parameter(node: Node) -> bool:
    """True if nothing but a parameter, reshaped or not, is behind a node."""
    while node is not None and name(node) in TRANSPARENT and len(node.next_functions) == 1:
        node = node.next_functions[0][0]
    return node is not None and name(node) == "AccumulateGrad"
