"""Which nonlinearities a layer's output passes through on its way to the next layer, or to the loss.

Followed by the identity of the tensors that layers take and give, so it holds for every kind of model; what an operation
that is not watched makes of a tensor is not known, and is not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from deeplocalize.frameworks.keras.describe import Leaf
from deeplocalize.trace.schema import Softmax

PASSING = frozenset(
    {"activation", "dropout", "norm", "batch-norm", "reshape", "pooling", "noise", "merge", "rescaling"}
)
"""Kinds that hand values on: they do not come between a layer and its nonlinearity."""


_SAME_EVERYWHERE = frozenset({"dropout", "norm", "noise"})
"""Kinds that do the same to the vectors of all places of a sequence."""

LINEAR = frozenset({"dense", "conv", "batch-norm", "dropout", "noise", "reshape", "rescaling"})
"""Kinds that are linear apart from their nonlinearity; batch normalization is, once the training is over."""


def linear_layers(leaves: Sequence[Leaf]) -> frozenset[int]:
    """Indices of the layers whose output is known to be linear in the inputs, the last layer's own nonlinearity left aside.

    Layers are taken in the order in which they ran: nothing that ran before may be unknown, and nothing but another layer
    may have made what one is given.
    """
    found: list[int] = []
    for leaf in sorted(
        (each for each in leaves if each.shown.order is not None), key=lambda each: each.shown.order or 0
    ):
        average = leaf.kind == "pooling" and "Average" in type(leaf.layer).__name__
        if leaf.shown.behind_operation or not (leaf.kind in LINEAR or average):
            break
        found.append(leaf.index)
        if {leaf.activation, leaf.shown.activation_after or "linear"} != {"linear"}:
            break
    return frozenset(found)


class Way(NamedTuple):
    """Where a tensor comes from: the last layer that computes something from parameters, and what was applied since.

    `carrier` is the index of the layer that applied the last nonlinearity, None if that was a function call; `axis` the axis
    over which a softmax, if it was one, adds up to 1, the batch axis being 0.
    """

    layer: int | None = None
    activations: tuple[str | None, ...] = ()
    carrier: int | None = None
    axis: int | None = None

    @property
    def activation(self) -> str | None:
        """The nonlinearities joined by ``+``, None if one of them is not known."""
        if None in self.activations:
            return None
        return "+".join(str(each) for each in self.activations) or "linear"


class Term(NamedTuple):
    """What a loss term was given: the shapes of the prediction and the target (None if not known), and the way."""

    shape: tuple[int | None, ...]
    target: tuple[int | None, ...] | None
    way: Way | None

    @property
    def broadcasts(self) -> bool:
        """True if the shapes differ by more than a last axis of one, which Keras adds or takes away itself."""
        if self.target is None:
            return False
        one, other = sorted((self.shape, self.target), key=len)
        if len(other) == len(one) + 1 and other[-1] == 1:
            other = other[:-1]
        known = [(a, b) for a, b in zip(one, other, strict=False) if a is not None and b is not None]
        return len(one) != len(other) or any(a != b for a, b in known)


class Flow:
    """The ways of the tensors of one step."""

    def __init__(self) -> None:
        self._ways: dict[int, tuple[Any, Way]] = {}  # holds the tensors, so that no other gets their id
        self._outputs: dict[int, Any] = {}
        self._embeddings: dict[int, int] = {}
        self.after: dict[int, str] = {}
        """By layer: the first nonlinearity after it, `linear` if another layer or the loss comes first."""
        self.inner_softmax: tuple[Leaf | None, Softmax] | None = None
        """The first softmax over the only unit of a layer's output at several positions, and the layer that applies it."""

    def of(self, tensor: Any) -> Way | None:
        """The way of a tensor, None if it came from something that is not watched."""
        held = self._ways.get(id(tensor))
        return held[1] if held is not None else None

    def made_by_layer(self, tensor: Any) -> bool:
        """True if the tensor is a watched layer's output, not that of an operation between layers."""
        return id(tensor) in self._outputs

    def attention_takes(self, leaf: Leaf, inputs: list[Any]) -> None:
        """A layer without a mask is called. Of a self-attention, note the embedding whose vectors it is given as they are."""
        if leaf.kind == "attention" and inputs and all(each is inputs[0] for each in inputs):
            leaf.shown.unplaced = self._embeddings.get(id(inputs[0]))

    def layer_ran(self, leaf: Leaf, inputs: list[Any], output: Any) -> None:
        """A layer made `output` of `inputs`."""
        ways = [way for tensor in inputs if (way := self.of(tensor)) is not None]
        if leaf.kind == "activation" and inputs:
            axis = _axis(leaf.activation, getattr(leaf.layer, "axis", -1), len(output.shape))
            self._look_at_softmax(self._units_of(inputs[0]), axis, output, leaf)
        elif leaf.kind == "dense":
            axis = _axis(leaf.activation, -1, len(output.shape))
            self._look_at_softmax((leaf.index, output.shape[-1]), axis, output, leaf)
        way = max(ways, key=lambda each: each.layer if each.layer is not None else -1, default=None)
        made = self._made(leaf, way, len(output.shape))
        if leaf.kind not in PASSING and made is not None and made.layer == leaf.index:
            for each in ways:
                self._ends(each)
        self._outputs[id(output)] = output
        embedding = leaf.index if leaf.kind == "embedding" else None
        if leaf.kind in _SAME_EVERYWHERE and inputs:
            embedding = self._embeddings.get(id(inputs[0]))
        if embedding is not None:
            self._embeddings[id(output)] = embedding
        if made is not None:
            self._ways[id(output)] = (output, made)

    def _made(self, leaf: Leaf, way: Way | None, rank: int) -> Way | None:
        axis = _axis(leaf.activation, getattr(leaf.layer, "axis", -1) if leaf.kind == "activation" else -1, rank)
        if leaf.kind == "activation":
            return self._applied(way, leaf.activation, leaf.index, axis)
        if leaf.kind in ("reshape", "pooling", "merge"):
            return way._replace(axis=None) if way is not None else None
        if leaf.kind in PASSING:
            return way
        if leaf.kind in ("custom", "other") and not leaf.parameters:  # it may be a nonlinearity: not known
            return Way(way.layer, (*way.activations, None), leaf.index) if way is not None else None
        if leaf.activation == "linear":
            return Way(leaf.index)
        return Way(leaf.index, (leaf.activation,), leaf.index, axis)

    def function_ran(self, name: str, given: Any, output: Any, axis: Any = -1) -> Way | None:
        """A nonlinearity was called as a function. Returns the way of what it was given, None if that is not known."""
        way = self.of(given)
        self._look_at_softmax(self._units_of(given), _axis(name, axis, len(output.shape)), output, None)
        if way is not None:
            self._ways[id(output)] = (output, self._applied(way, name, None, _axis(name, axis, len(output.shape))))
        return way

    def _units_of(self, tensor: Any) -> tuple[int, int] | None:
        """The layer that made a tensor, by its index, and the number of its units; None if no layer of units did."""
        way = self.of(tensor)
        return (way.layer, tensor.shape[-1]) if way and way.layer is not None and self.made_by_layer(tensor) else None

    def _look_at_softmax(
        self, made: tuple[int, int] | None, axis: int | None, output: Any, carrier: Leaf | None
    ) -> None:
        shape = tuple(output.shape)
        over_units = made is not None and made[1] == 1 and axis == len(shape) - 1 and shape[-1] == 1
        if over_units and any(size != 1 for size in shape[1:-1]) and self.inner_softmax is None:
            self.inner_softmax = carrier, Softmax((None, *shape[1:]), len(shape) - 1, made[0] if made else None)

    def reached_loss(self, prediction: Any) -> Way | None:
        """The way of a prediction that a loss was given."""
        way = self.of(prediction)
        if way is not None:
            self._ends(way)
        return way

    def _applied(self, way: Way | None, name: str | None, carrier: int | None, axis: int | None) -> Way:
        if way is None:
            return Way(None, (name,), carrier, axis)
        if name == "linear":
            return way
        if way.layer is not None and not way.activations and name is not None:
            self.after.setdefault(way.layer, name)
        return Way(way.layer, (*way.activations, name), carrier, axis)

    def _ends(self, way: Way) -> None:
        if way.layer is not None and not way.activations:
            self.after.setdefault(way.layer, "linear")

    def forget_tensors(self) -> None:
        """Let go of the tensors; the forward pass is over."""
        self._ways.clear()
        self._outputs.clear()
        self._embeddings.clear()


def _axis(name: str | None, axis: Any, rank: int) -> int | None:
    """The axis of a softmax counted from 0; None for another nonlinearity, or several axes."""
    return axis % rank if name in ("softmax", "log_softmax") and isinstance(axis, int) and rank else None
