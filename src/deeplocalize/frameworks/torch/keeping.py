"""Keeping the first step of a training in which a value was not finite, so that it can be replayed.

What its operations are is observed in the second step, see observing.py. From then on a step costs a list of what was
given to the models and a look at a few small gradients; only once a loss, a gradient or an update is not finite are
weights and batch copied, into the trace.
"""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from deeplocalize.frameworks.stored import CannotStoreError, stored_source
from deeplocalize.frameworks.torch.observing import Observed, Observer
from deeplocalize.frameworks.torch.places import Place, early_tensors, tensors_at
from deeplocalize.frameworks.torch.stored import stored, stored_layer, stored_operation
from deeplocalize.frameworks.torch.training import Training
from deeplocalize.trace.kept import MAX_BYTES, Kept

P = ParamSpec("P")
R = TypeVar("R")

MAX_CALLS = 8
"""Calls of models and losses before a backward pass of which the arguments are remembered."""

RISKY_GRADIENT, RISKY_RATE = 1e15, 1e10
"""An update by more than this may be too large for its numbers, whose largest is 3e38: float32's."""

UNSEEN = "the run ended before its operations were observed, which is done in the second step"


@dataclass
class Step:
    """A step to be kept.

    Attributes:
        number: of the optimizer step.
        backward: how many backward passes there were before it in the step.
        tensors: of the batch, by place.
        random: the state of the random generator before its forward pass.
        weights: the weights as they were before the update, by id; empty as long as they are what they were.
        gradients: of the weights, by id, and
        spoiled: the first weight that was not finite after it, and
        after: its values then, and
        facts: the learning rate and the like, where the update was not finite.
    """

    number: int
    backward: int
    tensors: Mapping[Place, Tensor]
    random: Tensor | None
    weights: Mapping[int, Tensor] = field(default_factory=dict)
    gradients: Mapping[int, Tensor] = field(default_factory=dict)
    spoiled: Tensor | None = None
    after: Tensor | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Known:
    """What is known of a training: its operations by backward pass, and a step that waits for them or was risky."""

    programs: dict[int, Observed] = field(default_factory=dict)
    waiting: Step | None = None
    risked: Step | None = None
    given_up: bool = False
    done: bool = False
    small: list[nn.Parameter] = field(default_factory=list)


class Keeping:
    """Keeps at most one step of each training.

    Attributes:
        observer: observes the step that is going on, None if none does.
    """

    def __init__(self) -> None:
        self.observer: Observer | None = None
        self._known: weakref.WeakKeyDictionary[Training, Known] = weakref.WeakKeyDictionary()
        self._calls: list[tuple[Any, ...]] = []
        self._went_backward = False
        self._random: Tensor | None = None
        self._left: Observer | None = None
        self._early: dict[Place, Tensor] = {}
        # Until the operations are known, whatever they may need is taken.
        self._draws = self._looks_early = True
        self._useful = True

    def _of(self, training: Training) -> Known:
        return self._known.setdefault(training, Known())

    def _wanted(self, training: Training) -> bool:
        return training.recorder.keeps and not training.on_accelerator and not self._of(training).done

    def aside(self, hook: Callable[P, R]) -> Callable[P, R]:
        """A hook of ours whose own computations are not to be observed."""

        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            if self.observer is None:
                return hook(*args, **kwargs)
            with self.observer.aside():
                return hook(*args, **kwargs)

        return run

    # ---- the forward pass ---------------------------------------------------------------------------------------

    def called(self, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType | None) -> None:
        """The program calls a model or a loss, in `frame`."""
        if not self._useful:
            return
        if self._went_backward:
            self._calls, self._went_backward = [], False
        if self._left is not None and self._left.leave():
            self._left = None
        if not self._calls:
            self._random = torch.get_rng_state() if self._draws else None
            self._early = early_tensors(frame) if self._looks_early else {}
        if len(self._calls) < MAX_CALLS:
            self._calls.append((tuple(map(_data, args)), {name: _data(each) for name, each in kwargs.items()}))
        elif self.observer is not None:
            observer, self.observer = self.observer, None
            found = observer.give_up(f"the models are called more than {MAX_CALLS} times before a backward pass")
            for known in self._known.values():
                known.programs.setdefault(0, found)
                known.given_up = True

    def observe(self, trainings: Sequence[Training]) -> None:
        """A forward pass begins, of a model in these trainings."""
        known = [*self._known, *trainings]
        self._useful = not known or any(self._wanted(training) for training in known)
        for training in trainings:
            ready = training.step == 1 and self.observer is None and not self._of(training).given_up
            if ready and self._wanted(training) and not _compiles():
                roots = [model.root for model in training.models if model.root is not None]
                self.observer = Observer(roots, self._early)
                self.observer.begin()

    # ---- the backward pass --------------------------------------------------------------------------------------

    def backward(self, root: Tensor, trainings: Iterable[Training], loss: Any, frame: FrameType | None) -> None:
        """A backward pass begins."""
        trainings = list(trainings)
        self._end_observing(root, trainings, frame)
        self._went_backward = True
        for training in trainings:
            if isinstance(loss, float) and not math.isfinite(loss) and self._wanted(training):
                self._hold(training, self._step(training, len(training.backwards), frame))

    def _end_observing(self, root: Tensor, trainings: list[Training], frame: FrameType | None) -> None:
        if self.observer is None:
            return
        observer, self.observer = self.observer, None
        self._left = observer
        found = observer.stop(root, self._calls, frame)
        for training in trainings:
            known = self._of(training)
            known.programs.setdefault(len(training.backwards), found)
            if known.waiting is not None:
                self._keep(training, known.waiting)
        programs = [each for known in self._known.values() for each in known.programs.values()]
        self._draws = any(each.is_random for each in programs)
        self._looks_early = any(place[0] == "early" for each in programs for place in each.places.values())

    def _step(self, training: Training, backward: int, frame: FrameType | None) -> Step:
        return Step(training.step, backward, self._early | tensors_at(self._calls, frame), self._random)

    # ---- the update ---------------------------------------------------------------------------------------------

    def before_step(self, training: Training, optimizer: torch.optim.Optimizer, frame: FrameType | None) -> None:
        """The optimizer is about to change the weights."""
        if not training.backwards or not self._wanted(training):
            return
        known = self._of(training)
        known.small = known.small or _smallest(training)
        gradient = _sum(known.small)
        rate = float(optimizer.param_groups[0].get("lr", 0.0)) if optimizer.param_groups else 0.0
        if not math.isfinite(gradient):
            self._hold(training, self._step(training, len(training.backwards) - 1, frame))
        elif abs(gradient) > RISKY_GRADIENT or rate > RISKY_RATE:
            known.risked = self._step(training, len(training.backwards) - 1, frame)
            known.risked.weights = _copies(training)
            site = training.calls.get("step")
            known.risked.facts = {
                "rate": rate,
                "optimizer": type(optimizer).__name__,
                "step": stored_source(site.source if site else None),
            }
            known.risked.gradients = {
                id(each): each.grad.detach().clone() for each in _parameters(training) if each.grad is not None
            }

    def after_step(self, training: Training) -> None:
        """The optimizer changed the weights."""
        if training not in self._known:
            return
        known = self._known[training]
        step, known.risked = known.risked, None
        if step is None:
            return
        step.spoiled = next((each for each in _parameters(training) if not bool(torch.isfinite(each).all())), None)
        if step.spoiled is not None:
            step.after = step.spoiled.detach().clone()
            self._hold(training, step)

    # ---- keeping it ---------------------------------------------------------------------------------------------

    def _hold(self, training: Training, step: Step) -> None:
        """Keep a step, now or as soon as its operations are known."""
        known = self._of(training)
        if known.programs:
            self._keep(training, step)
        elif known.waiting is None:
            step.weights = step.weights or _copies(training)
            known.waiting = step

    def _keep(self, training: Training, step: Step) -> None:
        known = self._of(training)
        known.done, known.waiting = True, None
        program = known.programs.get(step.backward) or known.programs[max(known.programs)]
        training.recorder.keep(_kept(program, step))

    def finish(self) -> None:
        """The program is over."""
        if self.observer is not None:
            self.observer.give_up(UNSEEN)
        for training, known in list(self._known.items()):
            if known.waiting is not None:
                training.recorder.keep(Kept(known.waiting.number, "torch", missing=UNSEEN))


def _data(value: Any) -> Any:
    """An argument without the graph that may hang on it."""
    return None if isinstance(value, Tensor) and value.grad_fn is not None else value


def _compiles() -> bool:
    """True if torch.compile was at work: what it compiles does not go with being observed."""
    module = sys.modules.get("torch._dynamo.convert_frame")
    return bool(getattr(module, "FRAME_COUNTER", 0))


def _parameters(training: Training) -> list[nn.Parameter]:
    optimizers = training.live_optimizers()
    held = (each for optimizer in optimizers for group in optimizer.param_groups for each in group["params"])
    return list({id(each): each for each in held}.values())


def _copies(training: Training) -> dict[int, Tensor]:
    tensors = [
        each
        for model in training.models
        if model.root is not None
        for each in model.root.state_dict(keep_vars=True).values()
    ]
    tensors += _parameters(training)
    if sum(each.nbytes for each in tensors if isinstance(each, Tensor)) > MAX_BYTES:
        return {}
    return {id(each): each.detach().clone() for each in tensors if isinstance(each, Tensor)}


def _smallest(training: Training) -> list[nn.Parameter]:
    """Of each model the smallest parameter of the first layer: it is behind every gradient that is not finite."""
    found = []
    for model in training.models:
        layers = sorted(model.layers, key=lambda layer: math.inf if layer.facts.order is None else layer.facts.order)
        trained = ([each for each in layer.parameters if each.requires_grad] for layer in layers)
        found += [min(parameters, key=Tensor.numel) for parameters in trained if parameters][:1]
    return found


def _sum(parameters: Iterable[nn.Parameter]) -> float:
    """The sum of their gradients."""
    gradients = (each.grad for each in parameters if each.grad is not None and each.grad.layout is torch.strided)
    return sum(gradient.sum().item() for gradient in gradients)


# ---- as data ----------------------------------------------------------------------------------------------------------


def _kept(program: Observed, step: Step) -> Kept:
    try:
        if program.missing is not None:
            raise CannotStoreError(program.missing)
        tensors = _tensors(program, step)
        size = sum(each.nbytes for each in tensors.values())
        if size > MAX_BYTES:
            room = f"at most {MAX_BYTES // 2**20} MB are kept"
            raise CannotStoreError(f"its weights and batch have {size / 2**20:.0f} MB, and {room}")
        arrays = {name: _array(each) for name, each in tensors.items()}
        dtypes = {name: stored(each.dtype) for name, each in tensors.items()}
        return Kept(step.number, "torch", _program(program) | _update(program, step) | {"dtypes": dtypes}, arrays)
    except CannotStoreError as error:
        return Kept(step.number, "torch", missing=str(error))


def _update(observed: Observed, step: Step) -> dict[str, Any]:
    name = next((name for name, each in observed.tensors.items() if each is step.spoiled), None)
    return step.facts | {"spoiled": name} if step.spoiled is not None else {}


def _program(observed: Observed) -> dict[str, Any]:
    names = {id(each): name for name, each in observed.tensors.items()}
    operations = [
        stored_operation(each.operation) | {"source": stored_source(each.line), "autocast": stored(each.autocast)}
        for each in observed.seen
    ]
    weights = {name: each.requires_grad for name, each in observed.tensors.items() if isinstance(each, nn.Parameter)}
    return {
        "operations": operations,
        "layers": {path: stored_layer(module, names) for path, module in observed.layers.items()},
        "weights": weights,
        "loss": observed.loss,
    }


def _tensors(observed: Observed, step: Step) -> dict[str, Tensor]:
    """The arrays of a step: `tensor/` weights and buffers, `given/` the batch, `gradient/`, `random`, `spoiled`."""
    found = {f"tensor/{name}": step.weights.get(id(each), each) for name, each in observed.tensors.items()}
    for name, each in observed.tensors.items():
        if id(each) in step.gradients:
            found[f"gradient/{name}"] = step.gradients[id(each)]
    for name, place in observed.places.items():
        if place not in step.tensors:
            reader = next(each.operation.name for each in observed.seen if name in each.operation.inputs)
            raise CannotStoreError(f"in this step it was not seen what is given to {reader}")
        found[f"given/{name}"] = step.tensors[place]
    found |= {f"given/{name}": each for name, each in observed.constants.items()}
    others = {"random": step.random, "spoiled": step.after}
    return found | {name: each for name, each in others.items() if each is not None}


def _array(value: Tensor) -> np.ndarray:
    value = value.detach().cpu()
    if value.layout is not torch.strided:
        raise CannotStoreError("it has a sparse tensor")
    return (value.float() if value.dtype == torch.bfloat16 else value).numpy().copy()
