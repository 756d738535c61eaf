"""The words of a step-by-step program: an operation and what it refers to, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Ref(NamedTuple):
    """In an operation's arguments, a tensor by its name.

    `kind` is value (an input of the model, a target, what another operation made, or any other tensor), weight (a
    parameter) or state (a tensor of the model that is not trained).
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Operation:
    """One operation of the forward pass.

    Attributes:
        name: of its probe point: the layer's path for a layer, `<layer>.<function>` for the nonlinearity of a layer or a
            function called inside it; `#2` at the end marks the second of the same name.
        target: what is called: `layer:<path>`, or a function by its full name.
        args: its arguments, with a Ref for each tensor.
        kwargs: its arguments by name.
        inputs: the names of the values it reads, each once.
        outputs: the names of the values it makes.
        changed: of its inputs, those that it changes in place and does not return; they are its last outputs.
        unsplit: what happens inside, where it cannot be taken apart.
        stops: the program has no gradient flow back through it.
    """

    name: str
    target: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unsplit: str | None = None
    stops: bool = False

    def __str__(self) -> str:
        made = ", ".join(self.outputs)
        read = ", ".join(self.inputs)
        return f"{made} = {self.target}({read})" + (f"  # one step: {self.unsplit}" if self.unsplit else "")


class Names:
    """Names that are given once each: the second `relu` is `relu#2`."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def new(self, name: str) -> str:
        """The name, numbered if it was given before."""
        self._given[name] = self._given.get(name, 0) + 1
        return name if self._given[name] == 1 else f"{name}#{self._given[name]}"


def map_refs(change: Callable[[Ref], Any], argument: Any) -> Any:
    """An operation's argument with each Ref in it replaced."""
    if isinstance(argument, Ref):
        return change(argument)
    if isinstance(argument, dict):
        return {key: map_refs(change, value) for key, value in argument.items()}
    if isinstance(argument, slice):
        return slice(*(map_refs(change, each) for each in (argument.start, argument.stop, argument.step)))
    if type(argument) in (tuple, list):
        return type(argument)(map_refs(change, each) for each in argument)
    return argument
