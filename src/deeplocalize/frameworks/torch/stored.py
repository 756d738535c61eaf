"""Operations and layers of PyTorch as JSON values, and back.

What is read back comes from a file, so nothing is looked up by a path that the file names: functions are those that
PyTorch itself lists as its own, layers are classes of torch.nn, and arguments are plain values.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import get_overridable_functions, resolve_name

from deeplocalize.frameworks import stored as arguments_stored
from deeplocalize.frameworks.operations import Operation
from deeplocalize.frameworks.stored import CannotStoreError, refuse, refuse_kind
from deeplocalize.frameworks.torch.rebuilding import arguments

FACTORIES = (
    "zeros ones full empty rand randn randint randperm arange linspace logspace eye tensor as_tensor normal bernoulli "
    "zeros_like ones_like full_like empty_like rand_like randn_like randint_like multinomial tril_indices triu_indices"
).split()
"""Functions that make tensors out of nothing; PyTorch does not list them among those that work on tensors."""

_NEVER = (
    "apply_ map_ map2_ set_ module_load share_memory_ register_ storage numpy dlpack backward hook __reduce_ex__ "
    "__setstate__ __deepcopy__ __array __format__ __repr__ resize .data.__set__ __contains__"
).split()
"""Parts of the names of functions that are no step of a forward pass."""


@functools.cache
def functions() -> Mapping[str, Callable[..., Any]]:
    """Every function of PyTorch that a program may consist of, by name."""
    listed = {resolve_name(each): each for group in get_overridable_functions().values() for each in group}
    found = {name: each for name, each in listed.items() if name and not any(part in name for part in _NEVER)}
    return found | {f"torch.{name}": getattr(torch, name) for name in FACTORIES}


@functools.cache
def _names() -> Mapping[Any, str]:
    return {each: name for name, each in functions().items()}


def name_of(function: Callable[..., Any]) -> str | None:
    """The name under which `functions` has a function, None if it does not."""
    try:
        return _names().get(function)
    except TypeError:
        return None


# ---- arguments --------------------------------------------------------------------------------------------------------


def stored(value: Any) -> Any:
    """An argument as JSON values. Raises CannotStoreError."""
    return arguments_stored.stored(value, _stored)


def restored(value: Any) -> Any:
    """An argument from its JSON values. Raises ValueError if it is none."""
    return arguments_stored.restored(value, _restored)


def stored_operation(operation: Operation) -> dict[str, Any]:
    """An operation as JSON values. Raises CannotStoreError."""
    return arguments_stored.stored_operation(operation, _stored)


def restored_operation(plain: Mapping[str, Any]) -> Operation:
    """An operation from its JSON values."""
    return arguments_stored.restored_operation(plain, _restored)


def _stored(value: Any) -> Any:
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
        return {"torch": str(value).removeprefix("torch.")}
    if isinstance(value, torch.device):
        return {"device": True}
    return refuse(value)


def _restored(kind: str, inner: Any) -> Any:
    if kind == "torch":
        found = getattr(torch, str(inner), None)
        if isinstance(found, torch.dtype | torch.layout | torch.memory_format):
            return found
    return torch.device("cpu") if kind == "device" else refuse_kind(kind, inner)


# ---- layers -----------------------------------------------------------------------------------------------------------


def stored_layer(module: nn.Module, names: Mapping[int, str]) -> dict[str, Any]:
    """A layer of torch.nn as JSON values. Raises CannotStoreError if it is of another kind.

    Args:
        module: the layer.
        names: the names of its parameters and buffers in the program, by their ids.
    """
    kind = type(module)
    if getattr(nn, kind.__name__, None) is not kind or hasattr(module, "parametrizations"):
        raise CannotStoreError(f"its layer {kind.__name__} is not one of torch.nn")
    given = {
        name: torch.Size(value.shape) if isinstance(value, Tensor) else value
        for name, value in arguments(module).items()
    }
    tensors = {local: names[id(each)] for local, each in _tensors(module).items() if id(each) in names}
    plain = {
        "class": kind.__name__,
        "arguments": {
            name: {"ones": list(value)} if isinstance(value, torch.Size) else stored(value)
            for name, value in given.items()
        },
        "training": module.training,
        "tensors": tensors,
    }
    _check_alike(module, plain)
    return plain


def _check_alike(module: nn.Module, plain: Mapping[str, Any]) -> None:
    try:
        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            other = built(plain)
    except Exception:
        raise CannotStoreError(f"the arguments of its layer {type(module).__name__} are not known") from None
    shapes = [{name: each.shape for name, each in one.state_dict().items()} for one in (module, other)]
    if shapes[0] != shapes[1] or module.extra_repr() != other.extra_repr():
        raise CannotStoreError(f"the arguments of its layer {type(module).__name__} are not known")


def built(plain: Mapping[str, Any]) -> nn.Module:
    """A layer from its JSON values, with weights of its own. Raises ValueError if it is no layer of torch.nn."""
    kind = getattr(nn, str(plain["class"]), None)
    if not inspect.isclass(kind) or not issubclass(kind, nn.Module) or not kind.__module__.startswith("torch.nn."):
        raise ValueError(f"{plain['class']!r} is no layer of torch.nn")
    given = {
        str(name): torch.ones(value["ones"]) if isinstance(value, dict) and "ones" in value else restored(value)
        for name, value in plain["arguments"].items()
    }
    return kind(**given).train(bool(plain["training"]))


def put_in(module: nn.Module, plain: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Have a layer that was built use these weights and buffers."""
    for local, name in plain["tensors"].items():
        *path, last = str(local).split(".")
        owner = module.get_submodule(".".join(path))
        held = owner._parameters if last in owner._parameters else owner._buffers
        held[last] = tensors[str(name)]  # type: ignore[assignment]


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
