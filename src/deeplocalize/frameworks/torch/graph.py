"""Reading the autograd graph from the loss backwards: what the loss is, what it was given, what came before.

The graph is what really ran, however the program wrote it: as modules, as functions or as operators. Nothing is
computed here and nothing is kept after `backward`, when the saved tensors are gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

Node = Any
"""A node of the autograd graph (torch.autograd.graph.Node)."""

ACTIVATION_NODES = {
    "ReluBackward": "relu",
    "ClampMinBackward": "relu",
    "ThresholdBackward": "threshold",
    "SigmoidBackward": "sigmoid",
    "TanhBackward": "tanh",
    "SoftmaxBackward": "softmax",
    "LogSoftmaxBackward": "log_softmax",
    "LeakyReluBackward": "leaky_relu",
    "PreluKernelBackward": "prelu",
    "EluBackward": "elu",
    "GeluBackward": "gelu",
    "SiluBackward": "silu",
    "MishBackward": "mish",
    "SoftplusBackward": "softplus",
    "LogSigmoidBackward": "log_sigmoid",
    "HardtanhBackward": "hard_tanh",
    "HardsigmoidBackward": "hard_sigmoid",
    "HardswishBackward": "hard_swish",
    "ExpBackward": "exp",
}

TRANSPARENT = [
    "ViewBackward",
    "UnsafeViewBackward",
    "ReshapeAliasBackward",
    "TBackward",
    "TransposeBackward",
    "PermuteBackward",
    "SqueezeBackward",
    "UnsqueezeBackward",
    "ToCopyBackward",
    "CloneBackward",
    "ContiguousBackward",
    "AliasBackward",
    "NativeDropoutBackward",
    "ExpandBackward",
    "FlattenBackward",
    "SliceBackward",
    "SelectBackward",
    "DetachBackward",
]
"""Operations that hand values on as they are (or drop some): they do not come between a layer and its nonlinearity."""

LOSS_NODES = {
    "NllLossBackward": ("negative-log-likelihood", "log-probabilities", "class-index"),
    "NllLoss2DBackward": ("negative-log-likelihood", "log-probabilities", "class-index"),
    "BinaryCrossEntropyBackward": ("binary-cross-entropy", "probabilities", "elementwise"),
    "BinaryCrossEntropyWithLogitsBackward": ("binary-cross-entropy", "logits", "elementwise"),
    "MseLossBackward": ("mean-squared-error", "values", "elementwise"),
    "SmoothL1LossBackward": ("huber", "values", "elementwise"),
    "HuberLossBackward": ("huber", "values", "elementwise"),
    "MultiMarginLossBackward": ("hinge", "values", "class-index"),
    "SoftMarginLossBackward": ("hinge", "values", "elementwise"),
}

_SCALING = ("MulBackward", "DivBackward", "MmBackward", "BmmBackward", "SparseAddmmBackward", "SparseMmBackward")
"""Operations that mix or stretch a prediction without bending it, where the other factor is data."""

_REDUCTIONS = ("none", "mean", "sum")
_MAX_NODES = 20_000


@dataclass
class Term:
    """One loss term found in the graph.

    `input` is the node that made the prediction the loss was given (after any nonlinearity the program applied, before
    what the loss itself applies); `node` the loss's own. `factor` is what the term was multiplied with on its way into
    the loss. `saved` holds the prediction as far as the loss saved it.
    """

    node: Node
    kind: str = "other"
    takes: str | None = None
    targets: str | None = None
    reduction: str | None = None
    label_smoothing: float = 0.0
    weighted: bool = False
    weight: Tensor | None = None
    ignore_index: int | None = None
    input: Node | None = None
    target: Tensor | None = None
    saved: Tensor | None = None
    difference: Tensor | None = None
    factor: float = 1.0


def name(node: Node) -> str:
    """The node's operation without its overload number."""
    return type(node).__name__.rstrip("0123456789")


def log_softmax_behind(node: Node | None) -> Node | None:
    """The log-softmax whose values, reshaped or not, a node hands on; None if it is something else."""
    while node is not None and name(node) in TRANSPARENT:
        node = only_parent(node)
    return node if node is not None and name(node) == "LogSoftmaxBackward" else None


def shape(node: Node, at: int = 0) -> tuple[int, ...]:
    """The shape of what an operation made; () if this version of PyTorch does not say."""
    known = getattr(node, "_input_metadata", ())
    return tuple(int(size) for size in known[at].shape) if at < len(known) else ()


def parents(node: Node) -> Iterator[Node]:
    """The nodes that made this node's inputs."""
    return (parent for parent, _ in node.next_functions if parent is not None)


def only_parent(node: Node) -> Node | None:
    """The single node this one was made from, None if there are several or none."""
    found = list(parents(node))
    return found[0] if len(found) == 1 else None


def saved(node: Node, attribute: str) -> Any:
    """A value saved for the backward pass; None if there is none or it was changed in place since."""
    try:
        return getattr(node, f"_saved_{attribute}", None)
    except RuntimeError:
        return None


def terms(root: Node, modules: dict[Node, Any]) -> list[Term]:
    """The loss terms that a scalar is the sum of.

    Args:
        root: the node of the tensor on which backward was called.
        modules: nodes that are the output of a loss module; such a node is a term, whatever is inside.
    """
    found: list[Term] = []
    _collect(root, 1.0, None, modules, found, depth=0)
    return found


def _collect(
    node: Node, factor: float, reduction: str | None, modules: dict[Node, Any], found: list[Term], depth: int
) -> None:
    kind = name(node)
    if node in modules or depth > 200:
        found.append(Term(node, factor=factor, reduction=reduction))
        return
    if (term := _known_loss(node)) is not None:
        term.factor *= factor
        if term.reduction == "none":
            term.reduction = reduction or "none"
        found.append(term)
        return
    children = list(parents(node))
    if kind in ("AddBackward", "SubBackward") and len(children) == 2:
        for child, sign in zip(children, _signs(node, kind), strict=True):
            _collect(child, factor * sign, reduction, modules, found, depth + 1)
    elif kind in ("MulBackward", "DivBackward", "NegBackward") and len(children) == 1:
        _collect(children[0], factor * _constant(node, kind), reduction, modules, found, depth + 1)
    elif kind in ("MeanBackward", "SumBackward") and len(children) == 1 and _known_loss(children[0]) is not None:
        _collect(children[0], factor, "mean" if kind == "MeanBackward" else "sum", modules, found, depth + 1)
    elif kind in TRANSPARENT and len(children) == 1:
        _collect(children[0], factor, reduction, modules, found, depth + 1)
    else:
        found.append(Term(node, factor=factor, reduction=reduction))


def _signs(node: Node, kind: str) -> tuple[float, float]:
    """What a sum or difference a + b, a - b multiplies its two operands with."""
    alpha = saved(node, "alpha")
    second = float(alpha) if isinstance(alpha, int | float) else 1.0
    return 1.0, -second if kind == "SubBackward" else second


def _constant(node: Node, kind: str) -> float:
    if kind == "NegBackward":
        return -1.0
    other = saved(node, "other")
    if isinstance(other, Tensor):
        if other.numel() != 1 or other.device.type != "cpu":
            return 1.0
        other = other.item()
    if not isinstance(other, int | float) or other == 0:
        return 1.0
    return float(other) if kind == "MulBackward" else 1.0 / float(other)


def _known_loss(node: Node) -> Term | None:
    kind = name(node)
    if kind in LOSS_NODES:
        return _loss_node(node, kind)
    return _smoothed(node) or _soft_targets(node) or _manual_error(node)


def _loss_node(node: Node, kind: str) -> Term:
    loss, takes, targets = LOSS_NODES[kind]
    code = saved(node, "reduction")
    return Term(
        node,
        loss,
        takes,
        targets,
        reduction=_REDUCTIONS[code] if isinstance(code, int) and code < 3 else None,
        weighted=saved(node, "weight") is not None or saved(node, "pos_weight") is not None,
        weight=saved(node, "weight"),
        ignore_index=signed(saved(node, "ignore_index")),
        input=next(parents(node), None),
        target=saved(node, "target"),
        saved=saved(node, "self"),
    )


def signed(number: Any) -> int | None:
    """The graph hands out a negative number as if it had no sign."""
    if not isinstance(number, int):
        return None
    return number - (1 << 64) if number >= 1 << 63 else number


def as_cross_entropy(term: Term, log_softmax: Node) -> Term:
    """The same term seen as a loss on logits, which applies the logarithm of the softmax itself."""
    term.kind, term.takes = "cross-entropy", "logits"
    term.input, term.saved = only_parent(log_softmax), None
    return term


def _smoothed(node: Node) -> Term | None:
    """cross_entropy(label_smoothing=e): (1 - e) * nll + e / classes * sum of -log p."""
    children = list(parents(node))
    if name(node) != "AddBackward" or len(children) != 2 or {name(child) for child in children} != {"MulBackward"}:
        return None
    likelihoods = [(child, only_parent(child)) for child in children]
    nll = next(
        ((child, loss) for child, loss in likelihoods if loss is not None and name(loss).startswith("NllLoss")), None
    )
    if nll is None:
        return None
    log_softmax = next(parents(nll[1]), None)
    other = next(child for child in children if child is not nll[0])
    smoothing = round(1 - abs(_constant(nll[0], "MulBackward")), 6)
    if log_softmax is None or name(log_softmax) != "LogSoftmaxBackward" or not _is_even(other, log_softmax, smoothing):
        return None
    term = as_cross_entropy(_loss_node(nll[1], name(nll[1])), log_softmax)
    term.label_smoothing = smoothing
    return term


def _is_even(rest: Node, log_softmax: Node, smoothing: float) -> bool:
    """True if the rest of a smoothed loss treats all classes alike; a distilled teacher's part does not."""
    result = saved(log_softmax, "result")
    classes = result.shape[1] if isinstance(result, Tensor) and result.ndim > 1 else 1
    if abs(abs(_constant(rest, "MulBackward")) * classes - smoothing) < 1e-4:
        return _reaches(rest, log_softmax, 10)
    node = only_parent(rest)
    while node is not None and name(node) in ("MeanBackward", "SumBackward", "NegBackward"):
        node = only_parent(node)
    return node is log_softmax


def _soft_targets(node: Node) -> Term | None:
    """cross_entropy with class probabilities: -(log_softmax(x) * y).sum() / n."""
    if name(node) not in ("DivBackward", "NegBackward", "MeanBackward"):
        return None
    product: Node | None = node
    sign = -1.0 if name(node) == "NegBackward" else 1.0
    for _ in range(4):
        product = only_parent(product) if product is not None else None
        if product is None or name(product) == "MulBackward":
            break
        if name(product) not in ("NegBackward", "SumBackward", "MeanBackward"):
            return None
        sign = -sign if name(product) == "NegBackward" else sign
    log_softmax = only_parent(product) if product is not None else None
    if log_softmax is None or name(log_softmax) != "LogSoftmaxBackward":
        return None
    target = factor_of(product)
    term = Term(node, "cross-entropy", "logits", "one-hot", "mean", target=target)
    if sign > 0 and target is not None and bool((target >= 0).all()):
        term.factor = -1.0  # the minus of the cross-entropy is missing
    term.input = only_parent(log_softmax)
    return term


def factor_of(product: Node) -> Tensor | None:
    """What a product multiplies that needs no gradient; None if it was not kept."""
    for attribute in ("other", "self"):
        value = saved(product, attribute)
        if isinstance(value, Tensor) and not value.requires_grad:
            return value
    return None


def _manual_error(node: Node) -> Term | None:
    """((prediction - target) ** 2).mean() and (prediction - target).abs().mean(), also as sum."""
    inner = only_parent(node) if name(node) in ("MeanBackward", "SumBackward") else None
    if inner is None:
        return None
    subtraction = next(iter(set(parents(inner))), None)
    if subtraction is None or name(subtraction) != "SubBackward":
        return None
    squares = (name(inner) == "PowBackward" and saved(inner, "exponent") == 2) or name(inner) == "MulBackward"
    if not squares and name(inner) != "AbsBackward":
        return None
    prediction = only_parent(subtraction)
    if prediction is None:
        return None
    kind = "mean-squared-error" if squares else "mean-absolute-error"
    reduction = "mean" if name(node) == "MeanBackward" else "sum"
    first = subtraction.next_functions[0][0] is not None
    difference = saved(inner, "self")
    if isinstance(difference, Tensor) and not first:
        difference = -difference
    return Term(node, kind, "values", "elementwise", reduction, input=prediction, difference=difference)


def _reaches(start: Node, goal: Node, depth: int) -> bool:
    return start is goal or (depth > 0 and any(_reaches(parent, goal, depth - 1) for parent in parents(start)))


@dataclass
class Chain:
    """The way from a loss's prediction back to the layer that made it.

    `activations` are (name, node) in the order in which they were applied; `end` is the layer's node, None if the way
    branches (a sum, a concatenation) or leads to something unknown before it reaches a layer with parameters.
    """

    activations: list[tuple[str, Node]] = field(default_factory=list)
    end: Node | None = None
    known: bool = True


def chain(start: Node | None, layers: dict[Node, Any]) -> Chain:
    """Follow a prediction back through nonlinearities and reshaping to a node in `layers`."""
    way = Chain()
    node, scaled = start, False
    for _ in range(50):
        if node is None:
            break
        if node in layers:
            way.end = node
            break
        kind = name(node)
        scaled = scaled or kind in _SCALING
        if kind in ACTIVATION_NODES and not scaled:
            way.activations.insert(0, (ACTIVATION_NODES[kind], node))
        elif not (kind in TRANSPARENT or kind in _SCALING or selects_rows(node)):
            way.known = False  # also a nonlinearity whose output is stretched: it has no name of its own
            break
        node = only_parent(node)
    return way


def selects_rows(node: Node) -> bool:
    """True if an operation hands on some of the examples, or positions, that it was given, as they are: `out[mask]`."""
    parent = only_parent(node) if name(node) in ("IndexBackward", "IndexSelectBackward") else None
    given, made = shape(parent) if parent is not None else (), shape(node)
    return bool(given and made) and (len(given) == len(made) == 1 or (len(made) > 1 and given[-1] == made[-1]))


def variables_and_consumers(root: Node) -> tuple[list[Tensor], dict[Node, list[Node]]]:
    """The parameters the graph reaches, and for each node the nodes that read it."""
    consumers: dict[Node, list[Node]] = {}
    variables: list[Tensor] = []
    seen, stack = {root}, [root]
    while stack and len(seen) < _MAX_NODES:
        node = stack.pop()
        if (variable := getattr(node, "variable", None)) is not None:
            variables.append(variable)
        for parent in parents(node):
            consumers.setdefault(parent, []).append(node)
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return variables, consumers


def activation_after(node: Node, consumers: dict[Node, list[Node]]) -> tuple[str, Node | None] | None:
    """The nonlinearity that a layer's output goes into next, and its node; ("linear", None) if there is none.

    None if the output goes several ways or into nothing.
    """
    for _ in range(10):
        readers = list(dict.fromkeys(consumers.get(node, ())))
        if len(readers) != 1:
            return None if not readers else ("linear", None)
        node = readers[0]
        kind = name(node)
        if kind in ACTIVATION_NODES:
            return ACTIVATION_NODES[kind], node
        if kind not in TRANSPARENT:
            return "linear", None
    return "linear", None
