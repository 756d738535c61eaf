"""What a call of a module is given."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


def tensors(value: Any, depth: int = 0) -> list[Tensor]:
    """The tensors of a value, of which some are in containers within containers."""
    if isinstance(value, Tensor):
        return [value]
    if depth > 3:
        return []
    items = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return [tensor for item in items for tensor in tensors(item, depth + 1)]


def arguments(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[tuple[str, Any]]:
    """What a call was given, with the names of the arguments."""
    code = getattr(type(module).forward, "__code__", None)
    names = code.co_varnames[1 : code.co_argcount] if code else ()
    return [(names[at] if at < len(names) else f"input{at}", value) for at, value in enumerate(args)] + [
        *kwargs.items()
    ]


def named_tensors(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[tuple[str, Tensor]]:
    """The input tensors of a call that are data (they have an example axis and no gradient), with their names."""
    found = []
    for name, value in arguments(module, args, kwargs):
        for at, tensor in enumerate(tensors(value)):
            if tensor.ndim >= 1 and not tensor.requires_grad and tensor.numel():
                found.append((name if not at else f"{name}.{at}", tensor))
    return found
