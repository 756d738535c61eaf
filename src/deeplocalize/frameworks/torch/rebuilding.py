"""Layers, optimizers and calls of PyTorch as Python text."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.operations import Operation
from deeplocalize.frameworks.script import arguments_text, literal

_RECURRENT = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
_OF_RECURRENT = {nn.LSTM: ("proj_size",), nn.RNN: ("nonlinearity",)}
_NOT_ATTRIBUTES = {
    (nn.MultiheadAttention, "bias"): lambda module: module.in_proj_bias is not None,
    (nn.MultiheadAttention, "add_bias_kv"): lambda module: module.bias_k is not None,
}
"""Arguments of a constructor that the module does not keep under the same name."""

_OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "matmul": "@", "pow": "**", "floordiv": "//", "mod": "%",
    "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!=", "and": "&", "or": "|",
}  # fmt: skip


def module_text(path: str, module: nn.Module) -> str:
    """The call that builds a layer like this one. Raises UsageError if there is none that is sure to."""
    name = type(module).__name__
    if getattr(nn, name, None) is type(module):
        given = {key: _argument_text(value) for key, value in arguments(module).items()}
        text = f"nn.{name}({', '.join(f'{key}={value}' for key, value in given.items())})"
        if _alike(module, text):
            dtypes = {each.dtype for each in module.parameters()} - {torch.float32}
            return (
                text + "".join(f".to({each})" for each in sorted(dtypes, key=str)) + ".eval()" * (not module.training)
            )
    raise UsageError(
        f"source() cannot write down the layer {path!r}, a {type(module).__name__}: its constructor's arguments are unknown"
    )


def arguments(module: nn.Module) -> dict[str, Any]:
    """The arguments of a layer's constructor where they differ from its defaults."""
    found = {name: (_argument(module, name), default) for name, default in _signature(type(module)).items()}
    return {
        name: value
        for name, (value, default) in found.items()
        if value is not inspect.Parameter.empty and not _is_default(value, default)
    }


def _argument_text(value: Any) -> str:
    return f"torch.ones({tuple(value.shape)})" if isinstance(value, Tensor) else literal(value)


def _is_default(value: Any, default: Any) -> bool:
    if isinstance(value, tuple) and isinstance(default, int):
        return set(value) == {default}  # one number for every axis
    return type(value) is type(default) and bool(value == default)


def _signature(kind: type) -> dict[str, Any]:
    if issubclass(kind, nn.RNNBase):
        names = (*_RECURRENT, *_OF_RECURRENT.get(kind, ()))
        return dict.fromkeys(names, inspect.Parameter.empty)
    return {
        name: each.default
        for name, each in inspect.signature(kind.__init__).parameters.items()
        if name not in ("self", "device", "dtype")
        and not name.startswith("_")
        and each.kind is each.POSITIONAL_OR_KEYWORD
    }


def _argument(module: nn.Module, name: str) -> Any:
    for (kind, argument), of in _NOT_ATTRIBUTES.items():
        if argument == name and isinstance(module, kind):
            return of(module)
    value = getattr(module, name, inspect.Parameter.empty)
    if name == "bias" and not isinstance(value, bool):
        return value is not None
    return value


def _alike(module: nn.Module, text: str) -> bool:
    """True if the text builds a module with the same settings and weights of the same shapes."""
    try:
        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            other = eval(text, {"nn": nn, "torch": torch})
    except Exception:
        return False
    shapes = [{name: each.shape for name, each in one.state_dict().items()} for one in (module, other)]
    return shapes[0] == shapes[1] and module.extra_repr() == other.extra_repr()


def call_text(operation: Operation, names: Mapping[str, str]) -> str:
    """The call of an operation, given the Python name of each tensor."""
    given = arguments_text(operation, names, _other_text)
    target = operation.target
    if target.startswith("own:"):
        raise UsageError(f"source() cannot write down {target.removeprefix('own:')!r}: it is {operation.unsplit}")
    if target.startswith("layer:"):
        return f"{names[target]}({', '.join(given)})"
    if target.endswith(".__get__"):
        return f"{given[0]}.{target.split('.')[-2]}"
    short = target.rsplit(".", 1)[-1].strip("_")
    if len(operation.args) == len(given) == 2 and target.startswith("torch.Tensor.__") and short in _OPERATORS:
        return f"{given[0]} {_OPERATORS[short]} {given[1]}"
    if target == "torch.Tensor.__getitem__":
        return f"{given[0]}[{given[1].strip('()') or '()'}]"
    return f"{target}({', '.join(given)})"


def _other_text(value: Any) -> str:
    """The text of what torch functions take besides plain values."""
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
        return str(value)
    if isinstance(value, torch.device):
        return repr(str(value))
    if value is Ellipsis:
        return "..."
    if isinstance(value, slice):
        return f"slice({', '.join(literal(each, _other_text) for each in (value.start, value.stop, value.step))})"
    raise UsageError(f"source() cannot write down a {type(value).__name__} that the forward passes to a function")
