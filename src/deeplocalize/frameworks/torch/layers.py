"""A layer of a model under watch: what it did since the last optimizer step."""

from __future__ import annotations

import dataclasses
import math
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from deeplocalize.frameworks.torch import describe, stats
from deeplocalize.trace.schema import Layer, Source

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": nn.functional.silu,
    "gelu": nn.functional.gelu,
    "leaky_relu": nn.functional.leaky_relu,
    "elu": nn.functional.elu,
    "softplus": nn.functional.softplus,
}
"""Nonlinearities written as a function in the user's forward: what they hand on is computed again, on the sample."""


class LayerState:
    """One layer of a model, with the statistics of the step that is going on."""

    def __init__(self, module: nn.Module, name: str, facts: Layer) -> None:
        self._module = weakref.ref(module)
        self.name = name
        self.facts = facts
        self.function: str | None = None
        """The nonlinearity applied to the output by a function call, once the first backward pass has shown it."""
        self.unplaced: LayerState | None = None
        """Of a self-attention, the embedding whose vectors it is given without anything that says where they stand."""
        self.clear()

    @property
    def module(self) -> nn.Module | None:
        """The module, None if it no longer exists."""
        return self._module()

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Its own parameters."""
        module = self._module()
        return describe.own_parameters(module) if module is not None else []

    def clear(self) -> None:
        """Forget the step."""
        self.activation: stats.Row | None = None
        self.preactivation: stats.Row | None = None
        self.gradient: stats.Row | None = None
        self.nonfinite_parameters: int | None = None
        self.sentinels: list[Tensor] = []
        self.entrances: list[Tensor] = []
        self.inputs: list[Tensor] = []
        self.output: Tensor | None = None
        self.nonfinite_input: int | None = None
        self.training: bool | None = None
        self.graph = math.nan
        self.axes: tuple[int, int] | None = None
        self.nodes: list[Any] = []
        self.kept: Tensor | None = None
        self.calls_before = 0

    def watch_output(self, output: Tensor, inputs: Tensor | None) -> None:
        """Record the statistics of an output and have those of its gradient recorded."""
        self._shape(output, inputs)
        self.axes = describe.time_and_batch(self.facts, output)
        self._values(output.detach(), inputs)
        if output.requires_grad and self.facts.kind != "reshape":
            output.register_hook(self._watch_gradient)

    def _shape(self, output: Tensor, inputs: Tensor | None) -> None:
        if self.facts.output_shape is None:
            self.facts = dataclasses.replace(
                self.facts,
                output_shape=tuple(output.shape[1:]),
                input_shape=tuple(inputs.shape[1:]) if inputs is not None else None,
            )

    def _values(self, output: Tensor, inputs: Tensor | None) -> None:
        module = self._module()
        if module is None:
            return
        axis = describe.channel_axis(module, output)
        own = self.facts.activation if self.facts.kind == "activation" else None
        if self.function in FUNCTIONS:
            self.preactivation = stats.values_row(output)
            self.activation = stats.activation_row(FUNCTIONS[self.function](output), self.function, axis)
            return
        self.activation = stats.activation_row(output, own, axis)
        if own is not None and inputs is not None:
            self.preactivation = stats.values_row(inputs)

    def set_activation(self, activation: str, line: Source | None, is_function: bool) -> None:
        """Say which nonlinearity the output goes into, and on which line. If that is a function call in the user's
        forward, not a layer, the sample kept of the first step is judged again."""
        sources = self.facts.sources | ({"activation": line} if line is not None else {})
        self.facts = dataclasses.replace(self.facts, activation=activation, sources=sources)
        if is_function and activation in FUNCTIONS:
            self.function = activation
            if self.kept is not None and self.activation is not None:
                whole = self.activation
                self._values(self.kept, None)
                self.preactivation = stats.with_count(self.preactivation, whole)
                self.activation = stats.with_count(self.activation, whole)
        self.kept = None

    def keep(self, output: Tensor) -> None:
        """Keep the part of an output that statistics read until it is known which function it goes into."""
        stride = stats.example_stride(tuple(output.shape)) if output.ndim else 1
        self.kept = output.detach()[::stride].clone() if output.ndim else output.detach().clone()

    def examine(self) -> None:
        """Count what is not finite, now that the loss is not: in the parameters, in the input held, in the output.

        The output is computed again from the input where that has no side effect and no randomness.
        """
        module = self._module()
        if module is None:
            return
        self.nonfinite_parameters = sum(stats.count_nonfinite(each) for each in self.parameters)
        self.nonfinite_input = sum(stats.count_nonfinite(each) for each in self.inputs)
        output = self.output
        if output is None and type(module) in describe.PURE and self.inputs:
            with torch.no_grad():
                output = module.forward(self.inputs[-1])
        if output is not None and self.activation is None:
            self.activation = (float(stats.count_nonfinite(output)),)

    def watch_function_gradient(self, gradients: tuple[Tensor | None, ...]) -> None:
        """Take the gradient of what the function after this layer made of its output."""
        if gradients and gradients[0] is not None:
            self._take_gradient(gradients[0])

    def _watch_gradient(self, gradient: Tensor) -> None:
        if self.function is None:
            self._take_gradient(gradient)

    def _take_gradient(self, gradient: Tensor) -> None:
        try:
            if stats.is_plain(gradient):
                self.gradient = stats.values_row(gradient)
        except Exception:
            self.gradient = None
