"""A model under watch: its layers, and its passes since the last optimizer step."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from deeplocalize.frameworks.source import CallSite
from deeplocalize.frameworks.torch import describe, given, stats
from deeplocalize.frameworks.torch.evaluations import Evaluations, acts_in_training
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.frameworks.torch.passed_over import PassedOverBatches
from deeplocalize.trace.schema import Softmax
from deeplocalize.trace.weights import Loading, Restoring

MAX_PASSES = 4
"""Forward passes of a model in training mode whose graphs are remembered until a backward pass; several passes go into
one loss in siamese and adversarial programs. A program that evaluates without no_grad must not fill the memory."""


class Model:
    """A module that the program calls itself (not from inside another one), with its layers.

    Attributes:
        inner_softmax: a softmax in it that runs over a single number or over the examples, with the layer before it.
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
        self.inner_softmax: tuple[LayerState | None, Softmax] | None = None
        self.passed_over = PassedOverBatches()
        self.restored: Restoring | None = None

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
        self.passed_over.went_backward()
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
        self.passed_over.pass_begins(self)
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
            self.evaluations.trained_on([tensor for _, tensor in self.last_inputs])

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
        self.evaluations.took_pass([tensor for _, tensor in inputs], active, site)

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

    def latest_output(self) -> Tensor | None:
        """What the last layer answered in the latest pass, or on an accelerator its sum; None if that is not known."""
        if self._latest is not None and self._latest.output is not None:
            return self._latest.output
        told = [layer for layer in self.layers if layer.sentinels]
        return max(told, key=lambda each: each.facts.order or 0).sentinels[-1] if told else None

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
        self.passed_over.pass_ended(self, output)
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
