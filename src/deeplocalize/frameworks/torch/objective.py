"""What a backward pass was called on: the loss terms, the predictions and targets they were given, and their heads."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from deeplocalize.frameworks.source import CallSite
from deeplocalize.frameworks.torch import describe, graph, products
from deeplocalize.frameworks.torch.axes import normalized_axis
from deeplocalize.frameworks.torch.calls import CallLines
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.frameworks.torch.linear import is_linear
from deeplocalize.frameworks.torch.stretched import stretched
from deeplocalize.trace.data import row_indices, target_indices
from deeplocalize.trace.schema import Head, Loss, Objective, Source

if TYPE_CHECKING:
    from deeplocalize.frameworks.torch.models import Model


@dataclass
class LossCall:
    """A loss module that was called in this step, with its arguments; where it was built, and where it was called."""

    module: nn.Module
    prediction: Any
    target: Any
    site: CallSite | None
    called: CallSite | None


@dataclass
class Reading:
    """One loss term as it was found in a step; `called` is the user's call that computed it."""

    loss: Loss
    factor: float
    called: CallSite | None = None
    prediction: Tensor | None = None
    target: Tensor | None = None
    layer: LayerState | None = None
    activation: str | None = None
    activation_layer: LayerState | None = None
    activation_source: Source | None = None
    normalized_axis: int | None = None
    linear: bool = False

    def objective(self, index: dict[int, int]) -> Objective:
        """The term as a fact; `index` gives the place of each LayerState (by id) among the training's layers."""
        rows = class_last(self.prediction, self.target, self.loss) if self.prediction is not None else None
        head = Head(
            layer=index.get(id(self.layer)),
            activation=self.activation if self.layer is None or id(self.layer) in index else None,
            activation_layer=index.get(id(self.activation_layer)),
            units=int(rows.shape[-1]) if rows is not None and rows.ndim > 1 else 1 if rows is not None else None,
            shape=tuple(self.prediction.shape[1:]) if self.prediction is not None else None,
            source=self.activation_source,
            normalized_axis=self.normalized_axis,
            linear=self.linear,
        )
        return Objective(self.loss, head)

    def rows(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """A bounded number of predictions (classes on the last axis) and of targets, as numpy arrays."""
        prediction = class_last(self.prediction, self.target, self.loss) if self.prediction is not None else None
        return to_rows(prediction), to_rows(self.target)


def read(
    root: Tensor,
    models: Sequence[Model],
    outputs: dict[Any, LossCall],
    calls: CallLines,
) -> list[Reading]:
    """Read the loss terms of a tensor on which backward is about to be called; `outputs` are those of loss modules."""
    if root.grad_fn is None:
        return []
    states = nodes_of(models)
    held = {node: tensor for model in models for node, tensor in model.output_nodes.items()}
    found = []
    for term in graph.terms(root.grad_fn, outputs):
        call = outputs.get(term.node)
        reading = _of_module(term, call) if call is not None else _of_graph(term, states, held, calls)
        start = _node_of(call.prediction) if call is not None else term.input
        _add_head(reading, start, states, calls)
        reading.linear = reading.linear and not _runs_apart(models)
        reading.normalized_axis = normalized_axis(start, reading.prediction)
        found.append(reading)
    return found


def _runs_apart(models: Sequence[Model]) -> bool:
    """True if a layer with parameters ran without leaving anything in the graph, as one that is frozen before all others:
    what is done with its output is not known."""
    layers = (layer for model in models for layer in model.layers if layer.facts.parameters)
    return any(layer.facts.order is not None and not layer.nodes for layer in layers)


def nodes_of(models: Sequence[Model]) -> dict[Any, LayerState]:
    """Where in the graph the outputs of the layers are, for every call of each since the last step."""
    return {node: state for model in models for state in model.layers for node in state.nodes}


def _of_module(term: graph.Term, call: LossCall) -> Reading:
    loss = describe.loss_of_module(call.module, call.site)
    prediction = call.prediction if isinstance(call.prediction, Tensor) else None
    target = call.target if isinstance(call.target, Tensor) else None
    loss = dataclasses.replace(reduced(_with_soft_targets(loss, target), term.reduction), factor=term.factor)
    if loss.targets == "elementwise" and prediction is not None and target is not None:
        loss = dataclasses.replace(loss, broadcasts=_broadcasts(prediction, target))
    return Reading(loss, term.factor, call.called, prediction, target)


def _broadcasts(prediction: Tensor, target: Tensor) -> bool:
    """True if comparing the two pairs elements that do not belong together: (n, 1) with (n,) gives (n, n)."""
    try:
        together = torch.broadcast_shapes(prediction.shape, target.shape)
    except RuntimeError:
        return False
    return math.prod(together) > max(prediction.numel(), target.numel())


def read_call(loss: Loss, prediction: Any, target: Any, models: Sequence[Model], calls: CallLines) -> Reading:
    """A loss call seen from its arguments alone, after it raised."""
    given = [each.detach() if isinstance(each, Tensor) else None for each in (prediction, target)]
    reading = Reading(_with_soft_targets(loss, given[1]), 1.0, None, *given)
    states = nodes_of(models)
    _add_head(reading, _node_of(prediction), states, calls)
    return reading


def reduced(loss: Loss, outer: str | None) -> Loss:
    """A loss that is not reduced itself takes the reduction that the program applied to it."""
    return dataclasses.replace(loss, reduction=outer) if loss.reduction == "none" and outer else loss


def _with_soft_targets(loss: Loss, target: Tensor | None) -> Loss:
    soft = loss.kind == "cross-entropy" and target is not None and target.is_floating_point()
    return dataclasses.replace(loss, targets="one-hot") if soft else loss


def _of_graph(term: graph.Term, states: dict[Any, LayerState], held: dict[Any, Tensor], calls: CallLines) -> Reading:
    # The model's own log-softmax is its output or a layer; the one that cross_entropy applies is neither.
    log_softmax = graph.log_softmax_behind(term.input)
    own = any(node in held or node in states for node in (term.input, log_softmax))
    over_classes = normalized_axis(term.input, term.saved) in (1, None)  # as it always is in cross_entropy
    if term.kind == "negative-log-likelihood" and log_softmax is not None and over_classes and not own:
        reshaped = term.input is not log_softmax
        term = graph.as_cross_entropy(term, log_softmax)
        if reshaped and term.target is not None:
            term.target = _flattened(term.target)
    answer = stretched(term.node, held) if term.kind == "other" else None
    term.input = answer or term.input
    prediction = _value(term, held)
    target = term.target
    expanded = term.targets == "elementwise" and term.input is not None and graph.name(term.input) == "ExpandBackward"
    broadcasts = expanded or answer is not None
    if term.difference is not None and prediction is not None:
        prediction, target, broadcasts = _compared(prediction, term.difference)
    elif expanded:
        prediction, target = _unexpanded(prediction), _unexpanded(target)
    called = calls.loss(term.kind)
    multiplies = term.kind == "other" and products.multiplies_all(term.node, held.values())
    line = products.line(calls) if multiplies else None
    loss = Loss(
        kind=term.kind,
        name=called[0] if called else term.kind,
        takes=term.takes,
        targets=term.targets,
        reduction=term.reduction,
        label_smoothing=term.label_smoothing,
        weighted=term.weighted,
        ignore_index=term.ignore_index,
        broadcasts=broadcasts,
        factor=term.factor,
        class_weights=_class_weights(term),
        source=line or (called[1].source if called else None),
        multiplies_all=multiplies,
    )
    return Reading(loss, term.factor, called[1] if called else None, prediction, target)


def _class_weights(term: graph.Term) -> tuple[float, ...]:
    if term.targets == "class-index":
        return describe.class_weights(term.weight)
    return describe.yes_and_no_weights(graph.saved(term.node, "pos_weight"))


def _compared(prediction: Tensor, difference: Tensor) -> tuple[Tensor, Tensor | None, bool]:
    """The prediction and the target of a loss written with operators, told from their difference; and if subtracting
    them compared elements that do not belong together."""
    if difference.numel() == prediction.numel():
        prediction = prediction.reshape(difference.shape)
        return prediction, (prediction - difference).detach(), False
    broadcasts = difference.numel() > prediction.numel()
    if not broadcasts or difference.ndim != 2 or prediction.ndim > 2:
        return prediction, None, broadcasts
    # Row i of the difference holds all predictions less target i; or prediction i less all targets.
    flat = prediction.detach().reshape(-1)
    if len(flat) != difference.shape[1]:
        return prediction, None, broadcasts
    targets = flat - difference
    if torch.allclose(targets, targets[:, :1], atol=1e-4 * float(difference.abs().max())):
        return flat, targets[:, :1], True
    return flat[:, None], (flat[:, None] - difference)[0] if len(flat) == len(difference) else None, True


def _unexpanded(tensor: Tensor | None) -> Tensor | None:
    """What was stretched to [examples, examples]: a column, or a flat tensor."""
    if tensor is None or tensor.ndim != 2:
        return tensor
    return tensor[:, :1] if tensor.stride(1) == 0 else tensor[0] if tensor.stride(0) == 0 else tensor


def _flattened(target: Tensor) -> Tensor:
    """Targets [examples, 1, positions], as cross_entropy reshapes them for its own use, as [examples, positions]."""
    return target.squeeze(1) if target.ndim == 3 and target.shape[1] == 1 else target


def _value(term: graph.Term, held: dict[Any, Tensor]) -> Tensor | None:
    """The prediction the loss was given: saved by the loss, held as an output, or saved by the nonlinearity."""
    if term.saved is not None:
        return term.saved
    node = term.input
    for _ in range(20):
        if node is None:
            return None
        if node in held:
            return held[node]
        result = graph.saved(node, "result")
        if isinstance(result, Tensor):
            return result
        if graph.name(node) not in graph.TRANSPARENT:
            return None
        node = graph.only_parent(node)
    return None


def _node_of(value: Any) -> Any:
    return value.grad_fn if isinstance(value, Tensor) else None


def _add_head(reading: Reading, start: Any, states: dict[Any, LayerState], calls: CallLines) -> None:
    if start is None:
        return
    owners = {node: state for node, state in states.items() if state.facts.parameters}
    way = graph.chain(start, owners)
    reading.layer = owners.get(way.end) if way.end is not None else None
    reading.linear = reading.layer is not None and is_linear(way.end, states)
    if not way.known:
        return
    reading.activation = "+".join(name for name, _ in way.activations) or "linear"
    if not way.activations:
        reading.activation_layer = reading.layer
        reading.activation_source = reading.layer.facts.source if reading.layer else None
        return
    last, node = way.activations[-1]
    state = states.get(node)
    site = calls.last_activation(last) if state is None else None
    reading.activation_layer = state
    reading.activation_source = state.facts.source if state else site.source if site else None


def class_last(prediction: Tensor, target: Tensor | None, loss: Loss) -> Tensor:
    """The prediction with classes on the last axis and rows as the target has them, where that can be told."""
    if loss.kind not in ("cross-entropy", "negative-log-likelihood") or target is None or prediction.ndim < 2:
        return prediction
    if loss.targets == "class-index":
        if prediction.ndim == target.ndim + 1 and prediction.shape[2:] == target.shape[1:]:
            return prediction.movedim(1, -1)
        if target.numel() == prediction.numel() // prediction.shape[-1]:
            return prediction.reshape(*target.shape, prediction.shape[-1])
    elif prediction.ndim > 2 and prediction.shape == target.shape:
        return prediction.movedim(1, -1)
    return prediction


def to_targets(tensor: Tensor | None) -> np.ndarray | None:
    """The targets of a batch on the host, all of them up to a generous bound."""
    return to_rows(tensor, target_indices(len(tensor), tensor.numel())) if tensor is not None and tensor.ndim else None


def to_rows(tensor: Tensor | None, which: slice | None = None) -> np.ndarray | None:
    """A bounded number of examples of a batch on the host; None for nothing, a scalar or an exotic tensor."""
    if tensor is None or type(tensor) not in (Tensor, nn.Parameter) or tensor.ndim == 0 or tensor.is_sparse:
        return None
    picked = tensor.detach()[which or row_indices(len(tensor))]
    picked = picked.float() if picked.dtype in (torch.float16, torch.bfloat16) else picked
    return picked.cpu().numpy() if not picked.is_complex() else None


def value_factor(readings: Sequence[Reading]) -> float:
    """What the tensor backward was called on must be divided by to give the loss itself.

    Programs divide by the number of accumulated batches or multiply by a scale. Only for a single term.
    """
    if len(readings) != 1 or not math.isfinite(readings[0].factor) or readings[0].factor == 0:
        return 1.0
    return readings[0].factor


def steady(readings: Sequence[Reading], before: Sequence[Reading]) -> list[Reading]:
    """The terms of a step; one whose factor changes from step to step, and is below 0 at times, such as the reward in a
    policy's loss, is not said to be multiplied with it, now or later."""
    if len(readings) != len(before):
        return list(readings)
    return [
        dataclasses.replace(now, loss=dataclasses.replace(now.loss, factor=1.0))
        if min(now.factor, then.factor) < 0 and (now.factor != then.factor or then.loss.factor == 1.0)
        else now
        for now, then in zip(readings, before, strict=True)
    ]
