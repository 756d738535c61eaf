"""The steps that a PyTorch program took, kept so that they can be written down as a script."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.operations import Operation
from deeplocalize.frameworks.script import Batches, Dialect, History, Taken, function_of, identifier, literal
from deeplocalize.frameworks.torch.rebuilding import call_text, module_text
from deeplocalize.frameworks.torch.tracing import Tracer

IMPORTS = "\nimport numpy as np\nimport torch\nfrom torch import nn\nfrom torch.utils._pytree import tree_leaves"
HELPERS = '''
def vjp(function, *inputs):
    """What the function makes of its inputs, and its vector-Jacobian product: the map from the gradients of the loss at
    what it makes to those at its inputs. The gradients at weights are added to their `.grad`."""
    copies = [each.detach().clone().requires_grad_(each.requires_grad) for each in inputs]
    result = function(*(each.clone() if each.requires_grad else each for each in copies))
    made = [each for each in tree_leaves(result) if isinstance(each, torch.Tensor)]

    def back(*gradients):
        pairs = [(each, grad) for each, grad in zip(made, gradients) if grad is not None and each.requires_grad]
        if pairs:
            torch.autograd.backward(*zip(*pairs))
        return tuple(each.grad for each in copies)

    return tuple(each.detach().requires_grad_(each.requires_grad) for each in made), back


def add(one, other):
    """The sum of two gradients, of which one may be missing."""
    return one if other is None else other if one is None else one + other
'''
_TAKEN = {
    "x",
    "y",
    "np",
    "nn",
    "torch",
    "io",
    "base64",
    "vjp",
    "add",
    "arrays",
    "optimizer",
    "weights",
    "states",
    "tree_leaves",
}


class Recorded:
    """What a program began with, and its steps. Batches are kept up to a bound."""

    def __init__(
        self, model: nn.Module, loss: Any, optimizer: torch.optim.Optimizer, weights: Mapping[str, Tensor]
    ) -> None:
        self._title = type(model).__name__
        self._optimizer = optimizer
        self._weights = dict(weights)
        self._states = dict(model.named_buffers())
        if isinstance(loss, nn.Module):
            self._states |= {f"loss.{name}": each for name, each in loss.named_buffers()}
        self._arrays = {f"weight/{name}": _array(each) for name, each in self._weights.items()}
        self._arrays |= {f"state/{name}": _array(each) for name, each in self._states.items()}
        self._used = bool(optimizer.state)
        self._settings = [_settings(group) for group in optimizer.param_groups]
        self._rates = [float(group["lr"]) for group in optimizer.param_groups if "lr" in group]
        self._random: Tensor | None = None
        self._before: list[str] = []
        self._batches = Batches()
        self._layers: dict[str, nn.Module] = {}
        self._whole: str | None = None

    def begin(self) -> None:
        """A step begins: note what was changed since the last one."""
        self._before = []
        rates = [float(group["lr"]) for group in self._optimizer.param_groups if "lr" in group]
        if rates != self._rates:
            self._before += [f'optimizer.param_groups[{at}]["lr"] = {rate}' for at, rate in enumerate(rates)]
            self._rates = rates
        random = torch.get_rng_state()
        if self._random is None or not torch.equal(random, self._random):
            name = f"random/{len(self._batches.steps)}"
            self._arrays[name] = _array(random)
            self._before.append(f"torch.set_rng_state(torch.from_numpy(arrays[{name!r}]))")

    def end(self, tracer: Tracer | None, operations: tuple[Operation, ...], whole: str | None) -> None:
        """The step is over; `whole` says why the model is one operation, if it is."""
        self._random = torch.get_rng_state()
        self._whole = whole
        given = {name: _array(each) for name, each in tracer.given.items()} if tracer is not None else {}
        self._layers |= tracer.layers if tracer is not None else {}
        self._batches.add(Taken(operations, given, tuple(self._before)))

    def history(self) -> History:
        """See Engine."""
        if self._whole is not None:
            raise UsageError(f"source() cannot write down a model that is one operation: {self._whole}")
        if self._used:
            raise UsageError("source() needs an optimizer that had taken no step when imperative() was called")
        return History(self._title, self._dialect(), self._batches.steps, self._arrays, self._batches.left_out)

    # ---- text ---------------------------------------------------------------------------------------------------

    def _dialect(self) -> Dialect:
        names = {f"layer:{path}": _layer_name(path) for path in self._layers}
        places, ties = self._places(names)
        names |= {name: places.get(id(each), identifier(name)) for name, each in (self._weights | self._states).items()}
        closures = isinstance(self._optimizer, torch.optim.LBFGS)

        def vjp(operation: Operation, values: Mapping[str, str]) -> str:
            call = call_text(operation, names | values)
            if operation.changed:
                call = f"({', '.join((call, *(values[each] for each in operation.changed)))})"
            inputs = [values[each] for each in operation.inputs]
            function = function_of(inputs, call)
            function = f"torch.no_grad()({function})" if operation.stops else function
            return f"vjp({', '.join((function, *inputs))})"

        return Dialect(
            imports=IMPORTS,
            helpers=HELPERS,
            build=self._build(names, ties),
            vjp=vjp,
            seed="torch.ones_like({})",
            tensor="torch.from_numpy({})",
            begin="optimizer.zero_grad()",
            carry_out="optimizer.step(lambda: {})" if closures else "{}",
            update=None if closures else "optimizer.step()",
            number="loss.item()",
        )

    def _places(self, names: Mapping[str, str]) -> tuple[dict[int, str], list[str]]:
        """Where each tensor is found, by its id; and lines that have layers share what they share in the model."""
        places: dict[int, str] = {}
        ties = []
        for path, module in self._layers.items():
            for local, each in (*module.named_parameters(), *module.named_buffers()):
                place = f"{names[f'layer:{path}']}.{local}"
                if places.setdefault(id(each), place) != place:
                    ties.append(f"{place} = {places[id(each)]}")
        return places, ties

    def _build(self, names: Mapping[str, str], ties: list[str]) -> list[str]:
        lines = [f"{names[f'layer:{path}']} = {module_text(path, module)}" for path, module in self._layers.items()]
        lines += ties
        for kind, tensors in (("weight", self._weights), ("state", self._states)):
            built = {name: each for name, each in tensors.items() if "." in names[name]}
            for name in tensors.keys() - built.keys():
                made = f"torch.from_numpy(arrays['{kind}/{name}'])"
                lines.append(f"{names[name]} = {f'nn.Parameter({made})' if kind == 'weight' else made}")
            lines += [f"{kind}s = {{"] + [f"    {name!r}: {names[name]}," for name in built] + ["}"]
            lines += [
                f"for name, value in {kind}s.items():",
                f'    value.data.copy_(torch.from_numpy(arrays[f"{kind}/{{name}}"]))',
            ]
        lines += [
            f"{names[name]}.requires_grad_(False)" for name, each in self._weights.items() if not each.requires_grad
        ]
        return [*lines, self._optimizer_line(names)]

    def _optimizer_line(self, names: Mapping[str, str]) -> str:
        kind = type(self._optimizer)
        if getattr(torch.optim, kind.__name__, None) is not kind:
            raise UsageError(
                f"source() cannot write down the optimizer {kind.__name__!r}, which is not one of torch.optim"
            )
        by_id = {id(each): names[name] for name, each in self._weights.items()}
        accepted = inspect.signature(kind).parameters
        groups = []
        for group, settings in zip(self._optimizer.param_groups, self._settings, strict=True):
            weights = f"[{', '.join(by_id[id(each)] for each in group['params'])}]"
            groups.append((weights, {key: value for key, value in settings.items() if key in accepted}))
        if len(groups) == 1:
            weights, settings = groups[0]
            changed = {key: value for key, value in settings.items() if literal(accepted[key].default) != value}
            given = ", ".join([weights, *(f"{key}={value}" for key, value in changed.items())])
        else:
            rows = [
                f'{{"params": {weights}, ' + ", ".join(f'"{key}": {each}' for key, each in settings.items()) + "}"
                for weights, settings in groups
            ]
            given = f"[{', '.join(rows)}]"
        return f"optimizer = torch.optim.{kind.__name__}({given})"


def _settings(group: Mapping[str, Any]) -> dict[str, str]:
    """A parameter group's settings as text, as they are now."""
    return {
        key: literal(float(value) if isinstance(value, Tensor) else value)
        for key, value in group.items()
        if key not in ("params", "initial_lr")
    }


def _layer_name(path: str) -> str:
    if path == "loss":
        return "loss_function"
    name = identifier(path)
    return f"{name}_layer" if name in _TAKEN or name == "loss" else name


def _array(value: Tensor) -> np.ndarray:
    value = value.detach()
    return (value.float() if value.dtype == torch.bfloat16 else value).cpu().numpy().copy()
