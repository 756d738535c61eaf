"""The PyTorch probe: what is wrapped, and what each wrapped call tells the training it belongs to.

Four calls are wrapped in one place and put back in one place: building a module or an optimizer, calling a module,
clearing gradients, and `backward`. Optimizer steps have hooks of their own. A wrapper calls the original with the same
arguments, returns what it returns, and takes itself out of the traceback of whatever it raises.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from deeplocalize.frameworks.session import Session
from deeplocalize.frameworks.source import CallSite, user_call
from deeplocalize.frameworks.torch import crash, graph, objective, origin, stats
from deeplocalize.frameworks.torch.calls import CallLines
from deeplocalize.frameworks.torch.functions import Functions
from deeplocalize.frameworks.torch.models import LayerState, Model
from deeplocalize.frameworks.torch.objective import LossCall
from deeplocalize.frameworks.torch.training import Backward, Training
from deeplocalize.frameworks.torch.wrap import Sites, Wraps, leave_traceback

RECENT = 64
"""Backward passes remembered while it is not known yet to which training they belong."""

WALKS = 3
"""A backward call on a given line is followed through the graph this many times to learn which models it reaches."""


class TorchProbe:
    """Watches every model that is trained in this process."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._wraps = Wraps(session)
        self._sites = Sites(self._forget)
        self._models: dict[int, Model] = {}
        self._layers: dict[int, tuple[Model, LayerState | None]] = {}
        self._ignored: set[int] = set()
        self._trainings: list[Training] = []
        self._active: list[Model] = []
        self._optimizers: list[weakref.ref[torch.optim.Optimizer]] = []
        self._reach: dict[tuple[Any, int], tuple[int, set[int]]] = {}
        self._recent: list[Backward] = []
        self._cleared: list[Backward] = []
        self._sources: dict[str, CallSite] = {}
        self._loss_calls: list[LossCall] = []
        self._loss_nodes: dict[Any, LossCall] = {}
        self._calls = CallLines()
        self._functions = Functions()
        self._stepping: dict[int, int] = {}
        self._backward_count = 0
        self._scaled: weakref.ref[Tensor] | None = None
        self._unscaled: Tensor | None = None
        self._versions = {"torch": str(torch.__version__), "python": sys.version.split()[0]}
        self._prelude = ""

    # ---- installing -------------------------------------------------------------------------------------------

    def install(self) -> None:
        """Begin to watch. Idempotent."""
        if self._wraps:
            return
        self._wraps.wrap(nn.Module, "__init__", after=self._module_built)
        self._wraps.wrap(torch.optim.Optimizer, "__init__", after=self._optimizer_built)
        self._wraps.wrap(torch.optim.Optimizer, "zero_grad", after=self._gradients_cleared)
        self._wraps.wrap(nn.Module, "zero_grad", after=self._gradients_cleared)
        self._wraps.wrap(torch.optim.lr_scheduler.LRScheduler, "step", after=self._scheduler_stepped)
        self._wraps.wrap(torch.optim.lr_scheduler.ReduceLROnPlateau, "step", after=self._scheduler_stepped)
        self._wraps.wrap(torch.autograd, "backward", before=self._backward_begins, after=self._backward_ended)
        self._wraps.wrap(torch.amp.GradScaler, "scale", after=self._loss_scaled, with_result=True)
        self._wrap_call()
        before = register_optimizer_step_pre_hook(self.session.contained("optimizer step")(self._step_begins))
        after = register_optimizer_step_post_hook(self._step_ended)
        self._wraps.later(before.remove)
        self._wraps.later(after.remove)

    def uninstall(self) -> None:
        """Put everything back as it was."""
        self._calls.stop()
        self._wraps.undo()

    def watch(self, model: nn.Module, optimizer: Any = None, loss: Any = None) -> None:
        """Watch from now on; models and optimizers built before are told here."""
        self.install()
        self._discover(model)
        for each in optimizer if isinstance(optimizer, list | tuple) else [optimizer]:
            if isinstance(each, torch.optim.Optimizer) and not any(ref() is each for ref in self._optimizers):
                self._optimizers.append(weakref.ref(each))

    def _wrap_call(self) -> None:
        original = nn.Module.__call__
        ignored = self._ignored
        hooks = (self._forward_begins, self._forward_ended, self._left)
        begins, ended, left = (self.session.contained("forward")(hook) for hook in hooks)
        compiling = torch.compiler.is_compiling

        @functools.wraps(original)
        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            key = id(module)
            if compiling() or key in ignored:
                return original(module, *args, **kwargs)
            begins(module, args, kwargs)
            try:
                output = original(module, *args, **kwargs)
            except BaseException as error:
                left(module)
                leave_traceback(error)
                raise
            ended(module, args, kwargs, output)
            return output

        self._wraps.replace(nn.Module, "__call__", call)

    # ---- building ---------------------------------------------------------------------------------------------

    def _module_built(self, module: nn.Module, *_: Any, **__: Any) -> None:
        self._sites.built(module)

    def _optimizer_built(self, optimizer: torch.optim.Optimizer, *_: Any, **__: Any) -> None:
        self._optimizers = [ref for ref in self._optimizers if ref() is not None]
        self._optimizers.append(weakref.ref(optimizer))
        self._sites.built(optimizer)

    def _forget(self, key: int) -> None:
        self._layers.pop(key, None)
        self._models.pop(key, None)
        self._ignored.discard(key)

    def _discover(self, module: nn.Module) -> None:
        """A module nobody knows was called: it is a model (or loss) that the program calls itself."""
        if isinstance(module, nn.modules.loss._Loss):
            self._layers[id(module)] = (None, None)  # type: ignore[assignment]
            return
        if not any(True for _ in module.parameters()) or isinstance(module, torch.jit.ScriptModule):
            for each in module.modules():
                if not isinstance(each, nn.modules.loss._Loss):
                    self._ignore(each)
            return
        if (outer := next(reversed(self._active), None)) is not None:
            outer.add_unregistered(module, self._sites.of)
            self._know(module, outer)
            for training in self._trainings_of([outer]):
                training.add_model(outer)
            return
        compiled = getattr(module, "_orig_mod", None)
        if isinstance(compiled, nn.Module):  # torch.compile: the layers are those of the module inside
            if id(compiled) not in self._models:
                self._discover(compiled)
            self._models[id(module)] = self._models[id(compiled)]
            self._layers[id(module)] = (self._models[id(compiled)], None)
            return
        model = Model(module, self._sites.of)
        self._know(module, model)
        self._models[id(module)] = model
        self._join_known_training(model)

    def _know(self, module: nn.Module, model: Model) -> None:
        for each in module.modules():
            key = id(each)
            self._layers[key] = (model, model.by_id.get(key))
            self._ignored.discard(key)
            self._models.pop(key, None)
            if each not in self._sites:
                self._sites.note(each, None)

    def _ignore(self, module: nn.Module) -> None:
        key = id(module)
        if key not in self._layers:
            self._ignored.add(key)
            if module not in self._sites:
                self._sites.note(module, None)

    def _join_known_training(self, model: Model) -> None:
        for training in self._trainings:
            if any(_held(optimizer) & model.parameter_ids for optimizer in training.live_optimizers()):
                training.models = [each for each in training.models if not each.parameter_ids <= model.parameter_ids]
                training.add_model(model)

    # ---- forward ----------------------------------------------------------------------------------------------

    def _forward_begins(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if id(module) not in self._layers:
            self._discover(module)
        model = self._models.get(id(module))
        if model is None:
            return
        self._active.append(model)
        if not torch.is_grad_enabled():
            self._event("e", [model])
            return
        self._close_open_steps()
        self._event("f", [model])
        model.begin(args, kwargs)
        if not self._trainings:
            self._calls.start()
            self._remember("forward", user_call(sys._getframe(2)))

    def _forward_ended(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        self._left(module)
        if not torch.is_grad_enabled():
            return
        model, layer = self._layers.get(id(module), (None, None))
        if model is None:
            if isinstance(module, nn.modules.loss._Loss):
                self._loss_called(module, args, kwargs, output)
            return
        if layer is not None:
            self._layer_ran(model, layer, args, output)
        if id(module) in self._models:
            model.end(output)

    def _left(self, module: nn.Module) -> None:
        """A model's forward pass is over, or was ended by an exception."""
        model = self._models.get(id(module))
        if model is not None and model in self._active:
            self._active.remove(model)

    def _layer_ran(self, model: Model, layer: LayerState, args: tuple[Any, ...], output: Any) -> None:
        tensor = stats.first_tensor(output)
        if tensor is None:
            return
        model.take_order(layer)
        if tensor.grad_fn is not None:
            layer.nodes.append(tensor.grad_fn)
        if model.sampling:
            module = layer.module
            layer.training = module.training if module is not None else None
            layer.calls_before = len(self._calls.calls)
            layer.watch_output(tensor, stats.first_tensor(args))
            if model not in self._functions.mapped and layer.facts.kind != "activation":
                layer.keep(tensor)
            return
        if tensor.device.type == "cpu":
            model.hold(layer, args, tensor)
        else:  # the loss is not known on the host before the graph is gone: leave one number that tells
            layer.sentinels.append(tensor.detach().sum(dtype=torch.float32))

    def _loss_called(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        given = [*args, *kwargs.values()]
        if len(given) >= 2 and isinstance(output, Tensor) and output.grad_fn is not None and self._watching_closely():
            called = LossCall(module, given[0], given[1], self._sites.of(module))
            self._loss_calls.append(called)
            self._loss_nodes[output.grad_fn] = called

    def _watching_closely(self) -> bool:
        return any(model.sampling and model.ran for model in self._all_models())

    # ---- backward ---------------------------------------------------------------------------------------------

    def _loss_scaled(self, result: Any, _: Any, outputs: Any) -> None:
        if isinstance(result, Tensor) and isinstance(outputs, Tensor):
            self._scaled, self._unscaled = weakref.ref(result), outputs

    def _backward_begins(self, tensors: Any, *_: Any, **__: Any) -> None:
        roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
        if not roots or not isinstance(roots[0], Tensor) or roots[0].grad_fn is None:
            return
        self._calls.stop()
        root = self._without_scale(roots[0])
        site = user_call(sys._getframe(2))
        self._remember("backward", site)
        self._close_open_steps()
        reached = self._reached(root, site)
        readings = self._read(root, reached)
        backward = Backward(self._loss_value(root), objective.value_factor(readings), readings, reached)
        if isinstance(backward.loss, float) and not math.isfinite(backward.loss):
            self._examine(root, reached, site)
            readings = objective.read(root, reached, self._loss_calls, self._loss_nodes, self._calls)
            backward.readings = backward.readings or readings
        if not readings:
            backward.factor = self._last_factor(reached)
        self._check_stale(reached)
        self._recent = [*self._recent[-RECENT:], backward]
        self._backward_count += 1
        for training in self._trainings_of(reached):
            training.backwards.append(backward)
        self._event("b", reached)
        if any(model.sampling for model in reached):
            self._batch(reached)

    def _loss_value(self, root: Tensor) -> float | Tensor:
        value = root.detach()
        value = value if value.numel() == 1 else value.float().mean()
        return value.item() if value.device.type == "cpu" else value.reshape(()).clone()

    def _examine(self, root: Tensor, reached: list[Model], site: CallSite | None) -> None:
        """The loss is not finite: find out where that began, while the graph is there."""
        for model in reached:
            for layer in model.layers:
                layer.examine()
        found = origin.find(root, reached, site)
        for training in self._trainings_of(reached):
            if training.origin is None and found is not None:
                training.origin = dataclasses.replace(found, step=training.step)

    def _without_scale(self, root: Tensor) -> Tensor:
        """The loss as it was before a GradScaler multiplied it."""
        scaled = self._scaled is not None and self._scaled() is root
        return self._unscaled if scaled and self._unscaled is not None and self._unscaled.grad_fn is not None else root

    def _last_factor(self, reached: list[Model]) -> float:
        for training in self._trainings_of(reached):
            if training._readings:
                return objective.value_factor(training._readings)
        return 1.0

    def _reached(self, root: Tensor, site: CallSite | None) -> list[Model]:
        """The models whose parameters the gradient of `root` reaches."""
        active = [model for model in self._all_models() if model.ran]
        if len(active) == len(self._all_models()) == 1:
            return active
        key = (site.code, site.instruction) if site else (None, 0)
        walks, reach = self._reach.get(key, (0, set()))
        if walks < WALKS:
            variables, _ = graph.variables_and_consumers(root.grad_fn)
            ids = {id(each) for each in variables}
            reach |= {key for key, model in self._models.items() if ids & model.parameter_ids}
            self._reach[key] = (walks + 1, reach)
        return list(dict.fromkeys(model for key, model in self._models.items() if key in reach))

    def _read(self, root: Tensor, reached: list[Model]) -> list[objective.Reading]:
        if not any(model.sampling for model in reached):
            return []
        readings = self.session.contained("loss")(objective.read)(
            root, reached, self._loss_calls, self._loss_nodes, self._calls
        )
        self.session.contained("activations")(self._functions.follow)(root, reached, readings or [], self._calls)
        self._loss_calls.clear()
        self._loss_nodes.clear()
        return readings or []

    def _check_stale(self, reached: list[Model]) -> None:
        for training in self._trainings_of(reached):
            if training.step and not training.backwards and "z" not in training.events and _has_gradient(training):
                training.stale = True

    def _backward_ended(self, *_: Any, **__: Any) -> None:
        for model in self._all_models():
            model.forget_graph()
        self._scaled = self._unscaled = None

    def _batch(self, reached: list[Model]) -> None:
        for model in reached:
            for training in self._trainings:
                if model in training.models and model.last_inputs:
                    training.batch_size = len(model.last_inputs[0][1])

    # ---- the optimizer ----------------------------------------------------------------------------------------

    def _gradients_cleared(self, owner: Any, *_: Any, **__: Any) -> None:
        self._remember("zero_grad", user_call(sys._getframe(2)))
        if isinstance(owner, nn.Module):
            model, _layer = self._layers.get(id(owner), (None, None))
            self._event("z", [model] if model is not None else [])
            return
        for training in self._trainings:
            if training.owns(owner):
                training.close_open_step()
                training.event("z")
        if not any(training.owns(owner) for training in self._trainings):
            self._prelude += "z"
            held = _held(owner)
            cleared = [each for each in self._recent if any(held & model.parameter_ids for model in each.models)]
            self._recent = [each for each in self._recent if each not in cleared]
            self._cleared = cleared or self._cleared

    def _scheduler_stepped(self, scheduler: Any, *_: Any, **__: Any) -> None:
        for training in self._trainings:
            if training.owns(getattr(scheduler, "optimizer", None)):
                training.events += "c"

    def _step_begins(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        self._remember("step", user_call(sys._getframe(2)))
        self._stepping[id(optimizer)] = self._backward_count
        training = self._training_of(optimizer)
        training.before_step(optimizer)

    def _step_ended(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        closure = self._stepping.pop(id(optimizer), self._backward_count) != self._backward_count
        self.session.contained("optimizer step")(self._after_step)(optimizer, closure)

    def _after_step(self, optimizer: torch.optim.Optimizer, closure: bool) -> None:
        training = self._training_of(optimizer)
        training.sources = {name: site.source for name, site in self._sources.items()}
        training.after_step(optimizer, closure)

    def _training_of(self, optimizer: torch.optim.Optimizer) -> Training:
        for training in self._trainings:
            if training.owns(optimizer):
                return training
        return self._begin_training(optimizer)

    def _begin_training(self, optimizer: torch.optim.Optimizer) -> Training:
        held = _held(optimizer)
        models = [model for model in self._all_models() if held & model.parameter_ids]
        taken = {id(model) for training in self._trainings for model in training.models}
        if not models:  # an optimizer over parameters of no model: it belongs to what was trained meanwhile
            models = [model for model in self._all_models() if model.ran and id(model) not in taken]
        training = next((each for each in self._trainings if any(model in each.models for model in models)), None)
        if training is None:
            training = Training(self.session, self._versions)
            training.backwards = [each for each in self._recent if any(model in models for model in each.models)]
            training.cleared_backwards, self._cleared = self._cleared, []
            training.events, self._prelude = self._prelude, ""
            training.on_accelerator = _on_accelerator(optimizer)
            self._trainings.append(training)
        for model in models:
            training.add_model(model)
        training.add_optimizer(optimizer, self._sites.of(optimizer))
        for other in self._optimizers_of(models):
            training.add_optimizer(other, self._sites.of(other))
        self._batch(models)
        return training

    def _optimizers_of(self, models: list[Model]) -> list[torch.optim.Optimizer]:
        alive = [each for ref in self._optimizers if (each := ref()) is not None]
        return [each for each in alive if any(_held(each) & model.parameter_ids for model in models)]

    # ---- bookkeeping ------------------------------------------------------------------------------------------

    def _all_models(self) -> list[Model]:
        return list(dict.fromkeys(self._models.values()))

    def _trainings_of(self, models: list[Model]) -> list[Training]:
        return [training for training in self._trainings if any(model in training.models for model in models)]

    def _event(self, letter: str, models: list[Model]) -> None:
        trainings = self._trainings_of(models)
        for training in trainings:
            training.event(letter)
        if not trainings and len(self._prelude) < 24:
            self._prelude += letter

    def _close_open_steps(self) -> None:
        if not self._stepping:
            for training in self._trainings:
                training.close_open_step()

    def _remember(self, what: str, site: CallSite | None) -> None:
        if site is not None and what not in self._sources:
            self._sources[what] = site

    def finish(self, ended: str, error: BaseException | None) -> None:
        """The program is over; write what is left, with what is known of the exception that ended it."""
        self._calls.stop()
        if error is not None and ended == "raised":
            found = crash.examine(error, self._layers, self._sites.of, self._all_models(), self._calls)
            for training in self._crashed(found):
                training.look_at_crash(found.readings)
                index = {id(layer): at for at, layer in enumerate(training.layers)}
                training.sources = {name: site.source for name, site in self._sources.items()}
                training.finish(ended, found.fact(index))
        for training in self._trainings:
            training.finish(ended)

    def _crashed(self, found: crash.Examination) -> list[Training]:
        """The trainings that were going on when the program crashed; one is begun if it came before any step."""
        models = [model for model in self._all_models() if model.ran] or self._all_models()
        trainings = self._trainings_of(models)
        if not trainings and models and torch.is_grad_enabled():
            training = Training(self.session, self._versions)
            for model in models:
                training.add_model(model)
            for reference in self._optimizers:
                if (optimizer := reference()) is not None:
                    training.add_optimizer(optimizer, self._sites.of(optimizer))
            self._trainings.append(training)
            trainings = [training]
        self._trainings = [each for each in self._trainings if each not in trainings]
        return trainings


def _held(optimizer: torch.optim.Optimizer) -> set[int]:
    return {id(each) for group in optimizer.param_groups for each in group["params"]}


def _has_gradient(training: Training) -> bool:
    """True if gradients that are not zero are left in the training's parameters; looks at the smallest few."""
    held = [
        each for optimizer in training.live_optimizers() for group in optimizer.param_groups for each in group["params"]
    ]
    left = [each.grad for each in held if each.grad is not None]
    if len(left) < len(held) / 2:
        return False
    return any(bool(gradient.any()) for gradient in sorted(left, key=Tensor.numel)[:4])


def _on_accelerator(optimizer: torch.optim.Optimizer) -> bool:
    return any(each.device.type != "cpu" for group in optimizer.param_groups for each in group["params"])
