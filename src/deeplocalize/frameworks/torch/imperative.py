"""A PyTorch model as a step-by-step program; see deeplocalize.frameworks.imperative."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.imperative import Call, Passes
from deeplocalize.frameworks.operations import Operation
from deeplocalize.frameworks.script import History
from deeplocalize.frameworks.torch.history import Recorded
from deeplocalize.frameworks.torch.tracing import CannotSplitError, Tracer


def engine(model: nn.Module, loss: Any, optimizer: Any) -> TorchEngine:
    """The program of a model. Raises UsageError if an optimizer is missing or the loss cannot be called."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        got = "None" if optimizer is None else repr(type(optimizer).__name__)
        raise UsageError(f"imperative() got {got} as the optimizer; a PyTorch model needs a torch.optim.Optimizer")
    if loss is not None and not callable(loss):
        raise UsageError(
            f"imperative() got {loss!r} as the loss; a PyTorch model needs a loss module or a function of (prediction, target)"
        )
    return TorchEngine(model, loss, optimizer)


class TorchEngine:
    """See Engine."""

    def __init__(self, model: nn.Module, loss: Any, optimizer: torch.optim.Optimizer) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.whole: str | None = None
        """Why the model is one operation, if it is."""
        self._parameters = _parameters(model, loss, optimizer)
        self._recorded = Recorded(model, loss, optimizer, self._parameters)
        self._tracer: Tracer | None = None

    def begin(self, x: Any) -> None:
        """See Engine."""
        self._recorded.begin()

    def end(self, operations: tuple[Operation, ...]) -> None:
        """See Engine."""
        self._recorded.end(self._tracer, operations, self.whole)

    def history(self) -> History:
        """See Engine."""
        return self._recorded.history()

    def forward(self, x: Any, y: Any) -> list[Call]:
        """See Engine. A model that cannot be run one operation at a time becomes one operation."""
        device = next((each.device for each in self._parameters.values()), torch.device("cpu"))
        x, y = _tensors(x, device), _tensors(y, device)
        if self.whole is None:
            kept = self._kept()
            try:
                return self._split(x, y)
            except CannotSplitError as reason:
                self.whole = str(reason)
                self._restore(kept)
        return self._in_one(x, y)

    def _split(self, x: Any, y: Any) -> list[Call]:
        paths = {id(module): name for name, module in self.model.named_modules()}
        if isinstance(self.loss, nn.Module):
            paths |= {id(module): f"loss.{name}".rstrip(".") for name, module in self.loss.named_modules()}
        tracer = self._tracer = Tracer(self._parameters, dict(self.model.named_buffers()), paths)
        x, y = tracer.give("x", x), tracer.give("y", y)
        with tracer.running():
            answer = _call(self.model, x)
            if self.loss is not None:
                with tracer.within("loss"):
                    answer = self.loss(answer, y)
        _check_loss(answer)
        name = tracer.name_of(answer)
        if name is None:
            raise CannotSplitError("its loss is not made by a torch function")
        return _up_to(name, tracer.calls)

    def _in_one(self, x: Any, y: Any) -> list[Call]:
        with torch.enable_grad():
            answer = _call(self.model, x)
            loss = self.loss(answer, y) if self.loss is not None else answer
        _check_loss(loss)
        operation = Operation("loss", "model and loss", (), outputs=("loss",), unsplit=self.whole)

        def pull(gradients: Any) -> Any:
            weights = {name: each for name, each in self._parameters.items() if each.requires_grad}
            found = torch.autograd.grad([loss], list(weights.values()), gradients, allow_unused=True)
            return [], {name: each for name, each in zip(weights, found, strict=True) if each is not None}

        return [Call(operation, [loss.detach()], pull)]

    def _kept(self) -> Any:
        buffers = {name: each.clone() for name, each in self.model.named_buffers()}
        return buffers, torch.get_rng_state()

    def _restore(self, kept: Any) -> None:
        buffers, random = kept
        with torch.no_grad():
            for name, each in self.model.named_buffers():
                each.copy_(buffers[name])
        torch.set_rng_state(random)

    def ones_like(self, value: Tensor) -> Tensor:
        """See Engine."""
        return torch.ones_like(value)

    def add(self, one: Tensor, other: Tensor) -> Tensor:
        """See Engine."""
        return one + other

    def weights(self) -> Mapping[str, Tensor]:
        """See Engine."""
        return {name: each for name, each in self._parameters.items() if each.requires_grad}

    def apply(self, passes: Passes, again: Callable[[], Passes]) -> None:
        """See Engine. LBFGS asks for further passes."""
        done = iter([passes])

        def closure() -> Any:
            loss, gradients = next(done, None) or again()
            self._set(gradients)
            return loss

        if isinstance(self.optimizer, torch.optim.LBFGS):
            self.optimizer.step(closure)
        else:
            closure()
            self.optimizer.step()

    def _set(self, gradients: Mapping[str, Tensor]) -> None:
        for name, each in self._parameters.items():
            each.grad = gradients.get(name)

    def array(self, value: Tensor) -> np.ndarray:
        """See Engine."""
        value = value.detach()
        return (value.float() if value.dtype == torch.bfloat16 else value).cpu().numpy().copy()


def _parameters(model: nn.Module, loss: Any, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Every parameter by name: of the model, of the loss, and what only the optimizer knows of."""
    found = dict(model.named_parameters())
    if isinstance(loss, nn.Module):
        found |= {f"loss.{name}": each for name, each in loss.named_parameters()}
    known = set(map(id, found.values()))
    for at, group in enumerate(optimizer.param_groups):
        for place, each in enumerate(group["params"]):
            if id(each) not in known:
                found[f"optimizer.{at}.{place}"] = each
    return found


def _tensors(value: Any, device: torch.device) -> Any:
    """The batch with its arrays as tensors on the model's device."""
    if isinstance(value, Mapping):
        return {key: _tensors(each, device) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_tensors(each, device) for each in value)
    if isinstance(value, np.ndarray | np.generic):
        value = torch.from_numpy(np.array(value))
    return value.detach().to(device) if isinstance(value, Tensor) else value


def _call(model: nn.Module, x: Any) -> Any:
    if isinstance(x, Mapping):
        return model(**x)
    return model(*x) if isinstance(x, tuple) else model(x)


def _check_loss(loss: Any) -> None:
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        got = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else repr(type(loss).__name__)
        raise UsageError(f"the loss is {got}; a training step needs one number, such as a loss with reduction='mean'")
    if not loss.requires_grad:
        raise UsageError("the loss does not depend on any weight that may be trained, so there is no step to take")


def _up_to(name: str, calls: list[Call]) -> list[Call]:
    """The operations up to the one that made the loss."""
    last = next(at for at, call in enumerate(calls) if name in call.operation.outputs)
    return calls[: last + 1]
