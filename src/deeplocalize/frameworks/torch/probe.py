"""The PyTorch probe: what is wrapped, and what each wrapped call tells the training it belongs to.

Four calls are wrapped in one place and put back in one place: building a module or an optimizer, calling a module,
clearing gradients, and `backward`. Optimizer steps have hooks of their own. A wrapper calls the original with the same
arguments, returns what it returns, and takes itself out of the traceback of whatever it raises.
"""

from __future__ import annotations

import functools
import math
import sys
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from deeplocalize.frameworks.session import Session, leave_traceback
from deeplocalize.frameworks.source import CallSite, user_call
from deeplocalize.frameworks.torch import (
    carried,
    crash,
    initial,
    loading,
    objective,
    observing,
    origin,
    positions,
    stats,
)
from deeplocalize.frameworks.torch.apart import Apart
from deeplocalize.frameworks.torch.calls import CallLines
from deeplocalize.frameworks.torch.functions import Functions
from deeplocalize.frameworks.torch.keeping import Keeping
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.frameworks.torch.loaders import Loaders
from deeplocalize.frameworks.torch.loop import Clipping, check_stale, is_whole, loss_value
from deeplocalize.frameworks.torch.models import Model
from deeplocalize.frameworks.torch.modules import Modules
from deeplocalize.frameworks.torch.objective import LossCall
from deeplocalize.frameworks.torch.reach import Reach
from deeplocalize.frameworks.torch.references import weights_changed
from deeplocalize.frameworks.torch.results import LossesElsewhere
from deeplocalize.frameworks.torch.schedulers import Schedulers
from deeplocalize.frameworks.torch.training import Backward, Training
from deeplocalize.frameworks.torch.trainings import Trainings
from deeplocalize.frameworks.torch.wrap import Sites, Wraps


class TorchProbe:
    """Watches every model that is trained in this process."""

    def __init__(self, session: Session) -> None:
        versions = {"torch": str(torch.__version__), "python": sys.version.split()[0]}
        self.session = session
        self._wraps = Wraps(session)
        self._sites = Sites(self._forget)
        self._trainings = Trainings(session, versions, self._sites, self._all_models)
        self._scalers = self._trainings.scalers
        self._schedulers = Schedulers(self._trainings, self._sites)
        self._clipping = Clipping(lambda: self._trainings.live, self._trainings.remember)
        self._modules = Modules(self._sites, self._trainings.model_found, self._trainings.model_grown)
        self._reach = Reach(self._all_models, self._trainings.trains_loose_tensors)
        self._loss_nodes: dict[Any, LossCall] = {}
        self._loaders = Loaders(self._sites, self._trainings.handed_out)
        self._losses = LossesElsewhere(session)
        self._evaluated: Model | None = None
        self._apart = Apart(self._trainings.of)
        self._calls = CallLines()
        self._functions = Functions()
        self._keeping = Keeping()
        self._stepping: dict[int, int] = {}
        self._backward_count = 0
        self._begun = self._completed = -1

    # ---- installing -------------------------------------------------------------------------------------------

    def install(self) -> None:
        """Begin to watch. Idempotent."""
        if self._wraps:
            return
        self.session.contained("warnings")(observing.keep_warnings_as_they_are)(self._wraps)
        self._wraps.wrap(nn.Module, "__init__", after=self._module_built)
        self._wraps.wrap(torch.optim.Optimizer, "__init__", after=self._optimizer_built)
        self._wraps.wrap(torch.optim.Optimizer, "zero_grad", after=self._gradients_cleared)
        self._wraps.wrap(nn.Module, "zero_grad", after=self._gradients_cleared)
        self._wraps.wrap(nn.Module, "eval", after=self._evaluation_begins)
        loading.watch(self._wraps, self._all_models)
        initial.watch(self._wraps)
        self._wraps.wrap(nn.Module, "state_dict", after=self._trainings.weights_saved)
        self._wraps.wrap(nn.Module, "__setstate__", self._sites.copied, self._trainings.weights_copied)
        for owner in (nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler):
            self._wraps.wrap(owner, "load_state_dict", after=self._trainings.restored)
        self._schedulers.install(self._wraps)
        self._wraps.wrap(torch.autograd, "backward", before=self._backward_begins, after=self._backward_ended)
        self._scalers.install(self._wraps)
        self._loaders.install(self._wraps)
        for owner in (torch.nn.utils, torch.nn.utils.clip_grad):
            self._wraps.wrap(owner, "clip_grad_norm_", after=self._clipping.norm_clipped, with_result=True)
            values = (self._clipping.values_begin, self._clipping.values_clipped)
            self._wraps.wrap(owner, "clip_grad_value_", *values)
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
        if id(model) not in self._modules.layers:
            self._modules.look_at(model)
        for each in optimizer if isinstance(optimizer, list | tuple) else [optimizer]:
            if isinstance(each, torch.optim.Optimizer):
                self._trainings.optimizer_built(each)

    def _wrap_call(self) -> None:
        original = nn.Module.__call__
        ignored = self._modules.ignored
        hooks = (self._forward_begins, self._forward_ended, self._left, self._layer_idled)
        begins, ended, left, idled = (self._keeping.aside(self.session.contained("forward")(hook)) for hook in hooks)
        compiling, records_graph = torch.compiler.is_compiling, torch.is_grad_enabled
        transforming = torch._C._functorch.peek_interpreter_stack
        idle, keeping = self._modules.idle, self._keeping

        @functools.wraps(original)
        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            key = id(module)
            if key in ignored or compiling() or transforming() is not None:
                return original(module, *args, **kwargs)
            quiet = idle.get(key)
            if quiet is None:
                begins(module, args, kwargs)
            observer = keeping.observer
            try:
                if observer is None:
                    output = original(module, *args, **kwargs)
                else:
                    output = observer.call(original, module, args, kwargs)
            except BaseException as error:
                left(module)
                leave_traceback(error)
                raise
            if quiet is None:
                ended(module, args, kwargs, output)
            elif records_graph():
                idled(*quiet, args, output)
            return output

        self._wraps.replace(nn.Module, "__call__", call)

    # ---- building ---------------------------------------------------------------------------------------------

    def _module_built(self, module: nn.Module, *_: Any, **__: Any) -> None:
        self._sites.built(module)

    def _optimizer_built(self, optimizer: torch.optim.Optimizer, *_: Any, **__: Any) -> None:
        self._sites.built(optimizer)
        for model in self._trainings.optimizer_built(optimizer):
            self._modules.look_again(model)

    def _forget(self, key: int) -> None:
        self._modules.forget(key)

    def _all_models(self) -> list[Model]:
        return self._modules.all_models()

    # ---- forward ----------------------------------------------------------------------------------------------

    def _forward_begins(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if id(module) not in self._modules.layers:
            self._modules.look_at(module)
        self._losses.stop()
        model = self._modules.models.get(id(module))
        if not self._modules.active and torch.is_grad_enabled():
            self._keeping.called(args, kwargs, sys._getframe(2))
        if not torch.is_grad_enabled():
            self._apart.begins(module, sys._getframe(2))
        if model is None:
            return
        self._modules.active.append(model)
        if not torch.is_grad_enabled():
            self._trainings.event("e", [model])
            if len(self._modules.active) == 1:
                frame, self._evaluated = sys._getframe(2), model
                model.evaluate(args, kwargs, lambda: user_call(frame))
            return
        self._close_open_steps()
        self._trainings.event("f", [model])
        model.begin(args, kwargs)
        trainings = self._trainings.of([model])
        self._keeping.observe(trainings)
        # A closure runs within the optimizer's first step, which has begun the training already.
        if not any(training.step for training in trainings):
            self._calls.start()
            self._trainings.remember("forward", user_call(sys._getframe(2)), trainings)

    def _forward_ended(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        model, layer = self._modules.layers.get(id(module), (None, None))
        if not torch.is_grad_enabled():
            if model is not None and layer is not None:
                self._apart.ran(model, layer, args, output)
            self._left(module)
            asked = self._evaluated
            if asked is not None and not asked.ran:
                self._losses.called(module, [*args, *kwargs.values()], output, asked.evaluations.results)
                if id(module) in self._modules.models and not self._modules.active:
                    self._losses.listen(asked.evaluations.results)
            return
        self._left(module)
        if model is None:
            if isinstance(module, nn.modules.loss._Loss):
                self._loss_called(module, args, kwargs, output)
            return
        if layer is not None:
            if layer.facts.kind == "attention" and layer.facts.output_shape is None:
                layer.unplaced = positions.embedding_before(model.layers, module, args, kwargs)
            self._layer_ran(model, layer, args, output)
        if id(module) in self._modules.models:
            model.end(output)

    def _left(self, module: nn.Module) -> None:
        """A model's forward pass is over, or was ended by an exception."""
        self._apart.left(module)
        model = self._modules.models.get(id(module))
        if model is not None and model in self._modules.active:
            self._modules.active.remove(model)
            model.passing = False

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
            layer.graph, layer.calls_before = 1.0, len(self._calls.calls)
            layer.watch_output(tensor, stats.first_tensor(args))
            if model not in self._functions.mapped and layer.facts.kind != "activation":
                layer.keep(tensor)
        self._let_pass(model, layer, args, tensor)

    def _layer_idled(self, model: Model, layer: LayerState, args: tuple[Any, ...], output: Any) -> None:
        """A layer ran in a step that is not recorded."""
        tensor = stats.first_tensor(output)
        if tensor is not None:
            if tensor.grad_fn is not None:
                layer.nodes.append(tensor.grad_fn)
            self._let_pass(model, layer, args, tensor)

    def _let_pass(self, model: Model, layer: LayerState, args: tuple[Any, ...], tensor: Tensor) -> None:
        if stats.on_host(tensor):
            model.hold(layer, args, tensor)
        elif not model.sampling:
            model.sum_up(layer, args, tensor)

    def _loss_called(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        given = [*args, *kwargs.values()]
        if len(given) >= 2 and isinstance(output, Tensor) and output.grad_fn is not None and self._watching_closely():
            sites = self._sites.of(module), user_call(sys._getframe(3))
            self._losses.trains_by_module(module)
            self._loss_nodes[output.grad_fn] = LossCall(module, given[0], given[1], *sites)

    def _watching_closely(self) -> bool:
        return any(model.sampling and model.ran for model in self._all_models())

    # ---- backward ---------------------------------------------------------------------------------------------

    def _backward_begins(self, tensors: Any, *given: Any, **named: Any) -> None:
        roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
        if not roots or not isinstance(roots[0], Tensor) or roots[0].grad_fn is None:
            return
        self._calls.stop()
        root = self._scalers.without_scale(roots[0])
        site = user_call(sys._getframe(2))
        self._close_open_steps()
        reached = self._reach.of(root, site)
        trainings = self._trainings.of_backward(reached)
        self._trainings.remember("backward", site, trainings)
        backward = self._look_at_loss(root, reached, trainings, site)
        self.session.contained("replay")(self._keeping.backward)(root, trainings, backward.loss, sys._getframe(2))
        self._trainings.look_at_slopes(root, reached, trainings, site)
        check_stale(trainings)
        for training in trainings:
            if training.loop.backward(root, is_whole(*given, **named), site, reached if training.sampling else ()):
                self._trainings.remember("backward_again", site, [training])
        self._backward_count += 1
        self._begun = carried.number(root.grad_fn)
        self._trainings.backward(backward)
        for training in trainings if any(model.sampling for model in reached) else ():
            training.take_batch_size()
        for model in self._all_models():
            model.forget_tensors()

    def _look_at_loss(
        self, root: Tensor, reached: list[Model], trainings: list[Training], site: CallSite | None
    ) -> Backward:
        readings = self._read(root, reached, trainings)
        self._trainings.remember("loss", next((each.called for each in readings if each.called), None), trainings)
        self._trainings.remember("dropout", self._calls.untold, trainings)
        self._losses.trains_by(readings)
        backward = Backward(loss_value(root), objective.value_factor(readings), readings, reached)
        if isinstance(backward.loss, float) and not math.isfinite(backward.loss):
            backward.origin = self._origin(root, reached, site)
            readings = objective.read(root, reached, self._loss_nodes, self._calls)
            backward.readings = backward.readings or readings
        if not readings:
            backward.factor = next((factor for each in trainings if (factor := each.last_factor()) is not None), 1.0)
        return backward

    def _origin(self, root: Tensor, reached: list[Model], site: CallSite | None) -> origin.Found | None:
        """The loss is not finite: find out where that began, while the graph is there."""
        for model in reached:
            for layer in model.layers:
                layer.examine()
        return origin.find(root, reached, site)

    def _read(self, root: Tensor, reached: list[Model], trainings: list[Training]) -> list[objective.Reading]:
        if not any(each.sampling for each in reached or trainings):
            return []
        readings = self.session.contained("loss")(objective.read)(root, reached, self._loss_nodes, self._calls)
        self.session.contained("activations")(self._functions.follow)(root, reached, readings or [], self._calls)
        self._loss_nodes.clear()
        return readings or []

    def _backward_ended(self, *_: Any, **__: Any) -> None:
        self._completed = self._begun
        self._trainings.backward_ended()
        for model in self._all_models():
            model.forget_graph()
        self._scalers.forget_loss()

    # ---- the optimizer ----------------------------------------------------------------------------------------

    def _gradients_cleared(self, owner: Any, *_: Any, **__: Any) -> None:
        site = user_call(sys._getframe(2))
        if isinstance(owner, nn.Module):
            models = self._models_of(owner)
            self._trainings.remember("zero_grad", site, self._trainings.of(models))
            self._trainings.event("z", models)
        else:
            self._trainings.remember("zero_grad", site, self._trainings.cleared(owner))

    def _evaluation_begins(self, module: nn.Module) -> None:
        trainings = self._trainings.of(self._models_of(module))
        if trainings:  # a model that is not trained yet may have come from a library in this mode
            self._trainings.remember("eval", user_call(sys._getframe(2)), trainings)

    def _models_of(self, module: nn.Module) -> list[Model]:
        model, _layer = self._modules.layers.get(id(module), (None, None))
        return [model] if model is not None else []

    def _step_begins(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        self._stepping[id(optimizer)] = self._backward_count
        training = self._trainings.stepped(optimizer)
        self._trainings.remember("step", user_call(sys._getframe(2)), [training])
        training.before_step(optimizer)
        self._keeping.before_step(training, optimizer, sys._getframe(2))

    def _step_ended(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        closure = self._stepping.pop(id(optimizer), self._backward_count) != self._backward_count
        self.session.contained("optimizer step")(self._after_step)(optimizer, closure)

    def _after_step(self, optimizer: torch.optim.Optimizer, closure: bool) -> None:
        training = self._trainings.of_optimizer(optimizer)
        self._keeping.after_step(training)
        training.after_step(optimizer, closure)
        weights_changed()

    def _close_open_steps(self) -> None:
        if not self._stepping:
            self._trainings.close_open_steps()

    # ---- the end ----------------------------------------------------------------------------------------------

    def finish(self, ended: str, error: BaseException | None) -> None:
        """The program is over; write what is left, with what is known of the exception that ended it."""
        self._calls.stop()
        self._losses.stop()
        self.session.contained("replay")(self._keeping.finish)()
        if error is not None and ended == "raised":
            known = (self._modules.layers, self._sites.of, self._all_models(), self._calls, self._completed)
            found = crash.examine(error, *known)
            for training in self._trainings.of_crash():
                training.look_at_crash(found.readings)
                index = {id(layer): at for at, layer in enumerate(training.layers)}
                training.finish(ended, found.fact(index))
        else:
            self._trainings.live += self._trainings.never_stepped()
        for training in self._trainings.live:
            training.finish(ended)
