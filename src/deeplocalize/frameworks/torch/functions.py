"""Nonlinearities that are function calls in the user's forward, such as ``torch.relu(self.fc1(x))``.

No module stands for them, so the layer before them carries them: its preactivation is its own output, its activation
what the function makes of it, and its activation gradient is caught at the function's node of the autograd graph.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from deeplocalize.frameworks.torch import graph, objective, over_one
from deeplocalize.frameworks.torch.calls import CallLines
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.frameworks.torch.models import Model


class Functions:
    """Finds the nonlinearity after each layer and watches the gradient of those that are function calls."""

    def __init__(self) -> None:
        self.mapped: set[Model] = set()

    def follow(self, root: Tensor, reached: list[Model], readings: list[objective.Reading], calls: CallLines) -> None:
        """Look at the graph of `root` before its backward pass, in a step that is recorded."""
        new = [model for model in reached if model not in self.mapped]
        if not new and not any(layer.function for model in reached for layer in model.layers):
            return
        _, consumers = graph.variables_and_consumers(root.grad_fn)
        by_node = objective.nodes_of(reached)
        heads = {id(reading.layer) for reading in readings if reading.activation == "linear"}
        fresh = {id(layer) for model in new for layer in model.layers}
        for node, layer in by_node.items():
            if layer.facts.kind == "activation" or not layer.facts.parameters:
                continue
            # What the loss itself applies to its prediction is not the last layer's nonlinearity.
            after = None if id(layer) in heads else graph.activation_after(node, consumers)
            activation, activation_node = after or ("linear", None)
            if id(layer) in fresh:
                _state_activation(layer, activation, activation_node, by_node, calls)
            if layer.function is not None and activation_node is not None:
                activation_node.register_prehook(layer.watch_function_gradient)
        self.mapped |= set(new)
        for model in new:
            for layer in model.layers:
                layer.kept = None
        if new and (found := over_one.find(consumers, by_node, calls, _examples(readings))) is not None:
            new[0].inner_softmax = found


def _examples(readings: list[objective.Reading]) -> int | None:
    """How many examples the only loss judges, if each has one answer or one row of them."""
    answers = [each.prediction for each in readings]
    return len(answers[0]) if len(answers) == 1 and answers[0] is not None and answers[0].ndim in (1, 2) else None


def _state_activation(
    layer: LayerState, activation: str, node: Any, by_node: dict[Any, LayerState], calls: CallLines
) -> None:
    carrier = by_node.get(node)
    is_function = node is not None and carrier is None
    site = calls.activation(activation, layer.calls_before) if is_function else None
    line = carrier.facts.source if carrier else site.source if site else None
    layer.set_activation(activation, line, is_function)
