"""A model under watch: its layers, and what each did since the last optimizer step."""

from __future__ import annotations

import dataclasses
import math
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from deeplocalize.frameworks.source import CallSite
from deeplocalize.frameworks.torch import describe, given, stats
from deeplocalize.frameworks.torch.evaluations import Evaluations, acts_in_training
from deeplocalize.trace.schema import Layer, Softmax, Source
from deeplocalize.trace.weights import Loading, Restoring

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


MAX_PASSES = 4
"""Forward passes of a model in training mode whose graphs are remembered until a backward pass; several passes go into
one loss in siamese and adversarial programs. A program that evaluates without no_grad must not fill the memory."""


class LayerState:
    """One layer of a model, with the statistics of the step that is going on."""

    def __init__(self, module: nn.Module, name: str, facts: Layer) -> None:
        self._module = weakref.ref(module)
        self.name = name
        self.facts = facts
        self.function: str | None = None
        """The nonlinearity applied to the output by a function call, once the first backward pass has shown it."""
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


class Model:
    """A module that the program calls itself (not from inside another one), with its layers.

    Attributes:
        softmax_over_one: a softmax in it that runs over a single number, with the layer before it.
        copies: what was loaded in vain into modules of the form of one of its own, after it was trained.
        restored: its own weights that it was given back, None if it never was.
    """

    def __init__(
        self,
        root: nn.Module,
        sites: Callable[[nn.Module], CallSite | None],
        idle: dict[int, tuple[Model, LayerState]] | None = None,
    ) -> None:
        """`idle` is told, by the ids of their modules, which layers are not recorded in the step that is going on."""
        self._root = weakref.ref(root)
        self.name = type(root).__name__
        self.site = sites(root)
        self.source = describe.source_of(self.site)
        self.layers: list[LayerState] = []
        self.by_id: dict[int, LayerState] = {}
        for index, (name, module) in enumerate(describe.layers_of(root)):
            site = sites(module) or self.site
            facts = describe.layer(index, name, module, site, activation=describe.ACTIVATIONS.get(type(module)))
            state = LayerState(module, name, facts)
            self.layers.append(state)
            self.by_id[id(module)] = state
        self.parameter_ids = {id(each) for each in root.parameters()}
        self._first = next((weakref.ref(each) for each in root.parameters()), None)
        self.ran = False
        self.passing = False
        """True within a forward pass with gradients."""
        self.trained = False
        """True once there was one."""
        self._sampling = True
        self._idle = idle
        self._given: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        self.output_nodes: dict[Any, Tensor] = {}
        self._order = 0
        self._latest: LayerState | None = None
        self._handed_on: weakref.ref[Tensor] | None = None
        self.entrances: list[Tensor] = []
        self._passes = 0
        self.backwards = 0
        self.before: list[Tensor] = []
        self.evaluations = Evaluations()
        self.copies: list[Loading] = []
        self.restored: Restoring | None = None
        self.softmax_over_one: tuple[LayerState | None, Softmax] | None = None

    def add_layers_of(self, module: nn.Module, sites: Callable[[nn.Module], CallSite | None]) -> None:
        """Take in a module that the model calls although it did not have it before: one that was put into it since, or
        that is not registered in it, as those in a plain list are not. Its layers come after the others."""
        place, registered = self._place_of(module)
        for name, inner in describe.layers_of(module):
            shown = f"{place}.{name}" if name else place
            facts = describe.layer(
                *(len(self.layers), shown, inner, sites(inner)),
                activation=describe.ACTIVATIONS.get(type(inner)),
                registered=registered,
            )
            state = LayerState(inner, shown, facts)
            self.layers.append(state)
            self.by_id[id(inner)] = state
        self.parameter_ids |= {id(each) for each in module.parameters()}

    def _place_of(self, module: nn.Module) -> tuple[str, bool]:
        """The path to a module, such as ``hidden.0`` for the first in the list ``hidden``; and if it is registered."""
        parents = list(self.root.named_modules()) if self.root is not None else []
        path = next((name for name, each in parents if each is module), None)
        if path is not None:
            return path, True
        for name, parent in parents:
            for attribute, value in vars(parent).items():
                items = (
                    value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
                )
                place = next((key for key, item in items if item is module), None)
                if place is not None and not attribute.startswith("_"):
                    return ".".join(part for part in (name, attribute, str(place)) if part), False
        return f"unregistered.{type(module).__name__}", False

    def all_parameter_ids(self) -> set[int]:
        """The ids of its parameters, also of those in modules that were put into it since it was last called; none if they
        are gone, as others have these ids then."""
        if self.is_gone:
            return set()
        return self.parameter_ids | {id(each) for each in (self.root.parameters() if self.root is not None else ())}

    @property
    def trainable(self) -> bool:
        """True if any of its parameters may be trained."""
        return self.root is not None and any(each.requires_grad for each in self.root.parameters())

    @property
    def root(self) -> nn.Module | None:
        """The module, None if it no longer exists."""
        return self._root()

    @property
    def is_gone(self) -> bool:
        """True if its parameters no longer exist."""
        return self._first is not None and self._first() is None

    def went_backward(self) -> None:
        """Its gradient is about to be computed. At the first time a sample of the weights is kept, to tell whether they
        ever change."""
        self.backwards += 1
        if self.backwards == 1:
            self.before = self._samples()

    def unapplied(self) -> int:
        """How often its gradient was computed, if the weights are still what they were at the first time, else 0."""
        now = self._samples()
        same = len(now) == len(self.before) and all(map(torch.equal, now, self.before))
        return self.backwards if same else 0

    def _samples(self) -> list[Tensor]:
        parameters = self.root.parameters() if self.root is not None else ()
        return [stats.strided(each) for each in parameters if stats.is_plain(each)]

    @property
    def sampling(self) -> bool:
        """True while the layers are recorded."""
        return self._sampling

    @sampling.setter
    def sampling(self, value: bool) -> None:
        if value == self._sampling or self._idle is None:
            self._sampling = value
            return
        self._sampling = value
        root = self.root
        layers = {key: (self, layer) for key, layer in self.by_id.items() if layer.facts.order is not None}
        layers.pop(id(root), None)
        if value:
            for key in layers:
                self._idle.pop(key, None)
        else:
            self._idle.update(layers)

    def take_order(self, state: LayerState) -> None:
        """Number the layers in the order of the first forward pass."""
        if state.facts.order is None:
            state.facts = dataclasses.replace(state.facts, order=self._order)
            self._order += 1

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A forward pass with gradients begins."""
        self.ran = self.passing = True
        self.trained = True
        module = self.root
        self._passes += 1
        if self._passes > (MAX_PASSES if module is not None and module.training else 1):
            self.forget_graph()
        self._given = (args, kwargs)
        self._handed_on = None
        given = [] if self.sampling else [each for _, each in self.last_inputs if stats.is_plain(each)]
        self.entrances += [each.sum(dtype=torch.float32) for each in given if not stats.on_host(each)]
        if self.sampling:
            self.evaluations.trained_on(next((tensor for _, tensor in self.last_inputs), None))

    def evaluate(self, args: tuple[Any, ...], kwargs: dict[str, Any], site: Callable[[], CallSite | None]) -> None:
        """A forward pass without gradients begins. One between the forward pass of a step and its update is part of the
        step."""
        module = self.root
        if module is None or self.ran:
            return
        active = (
            [at for at, layer in enumerate(self.layers) if acts_in_training(layer.module)] if module.training else []
        )
        inputs = given.named_tensors(module, args, kwargs) if self.evaluations.looks_at_rows else []
        self.evaluations.took_pass(inputs[0][1] if inputs else None, active, site)

    @property
    def last_inputs(self) -> list[tuple[str, Tensor]]:
        """The tensors of data that the latest forward pass was given, with the names of the arguments."""
        module = self.root
        return given.named_tensors(module, *self._given) if module is not None else []

    @property
    def last_states(self) -> list[tuple[str, Tensor]]:
        """The tensors with a graph behind them that the latest forward pass was given, with the names of the arguments."""
        module = self.root
        named = given.arguments(module, *self._given) if module is not None else []
        return [(name, each) for name, value in named for each in given.tensors(value) if each.grad_fn is not None]

    def hold(self, state: LayerState, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Remember what went through a layer in a step that is not recorded, in case the loss is not finite.

        The input of a layer with parameters is kept for the backward pass anyway, and so is the latest output: this
        holds no memory that would be free otherwise.
        """
        if self._latest is not None:
            self._latest.output = None
        self._latest, state.output = state, output
        tensor = stats.first_tensor(inputs)
        if tensor is not None and state.facts.parameters:
            state.inputs = [tensor]

    def sum_up(self, state: LayerState, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Leave numbers that tell if what went through a layer was finite: on an accelerator the loss is not known before
        the graph is gone. What the layer before handed on as it is need not be told twice."""
        tensor = stats.first_tensor(inputs)
        if tensor is not None and (self._handed_on is None or self._handed_on() is not tensor):
            state.entrances.append(tensor.detach().sum(dtype=torch.float32))
        state.sentinels.append(output.detach().sum(dtype=torch.float32))
        self._handed_on = weakref.ref(output)

    def end(self, output: Any) -> None:
        """The forward pass is over; remember where in the graph its outputs are until the backward pass."""
        if self.sampling:
            for tensor in given.tensors(output):
                if tensor.grad_fn is not None:
                    self.output_nodes[tensor.grad_fn] = tensor

    def forget_tensors(self) -> None:
        """Let go of what went through the layers: a backward pass frees its memory as it goes, and uses it again."""
        for state in self.layers:
            state.inputs.clear()
            state.kept = state.output = None

    def forget_graph(self) -> None:
        """Let go of everything that belongs to a graph."""
        self._passes = 0
        self.output_nodes.clear()
        self.forget_tensors()
        for state in self.layers:
            state.nodes.clear()

    def clear(self) -> None:
        """Forget the step."""
        self.ran = False
        self.evaluations.stepped()
        self._given = ((), {})
        self.entrances = []
        self.output_nodes.clear()
        for state in self.layers:
            state.clear()
