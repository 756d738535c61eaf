"""Writing the steps of a program down as Python that runs by itself."""

from __future__ import annotations

import base64
import io
import keyword
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.operations import Operation, map_refs

MAX_BYTES = 64 * 2**20
"""Batches beyond this are not kept, and arrays beyond this are not put into a program's text."""


@dataclass(frozen=True)
class Taken:
    """A step that was taken.

    Attributes:
        given: what the batch consists of, by name.
        before: lines of Python that put everything as it was before the step.
    """

    operations: tuple[Operation, ...]
    given: Mapping[str, np.ndarray]
    before: tuple[str, ...] = ()


class Batches:
    """The steps taken, as long as their batches stay within MAX_BYTES.

    Attributes:
        steps: the first ones.
        left_out: how many came after them.
    """

    def __init__(self) -> None:
        self.steps: list[Taken] = []
        self.left_out = 0
        self._bytes = 0

    def add(self, taken: Taken) -> None:
        """Keep a step, if there is room; of what was given, what its operations read."""
        used = {name for each in taken.operations for name in each.inputs}
        given = {name: each for name, each in taken.given.items() if name in used}
        self._bytes += sum(each.nbytes for each in given.values())
        if self.left_out or self._bytes > MAX_BYTES:
            self.left_out += 1
        else:
            self.steps.append(replace(taken, given=given))


@dataclass(frozen=True)
class Dialect:
    """How a framework says it.

    Attributes:
        imports: import lines, numpy's among them.
        helpers: functions that the program uses, among them vjp.
        build: lines that build layers, loss and optimizer from `arrays`.
        vjp: the text of carrying out an operation, given the names of its inputs.
        seed: the text of d loss / d loss, given the name of the loss.
        tensor: the text that makes a tensor of the array with this text.
        begin: a line at the beginning of every step.
        carry_out: the text that makes the loss, given the text of a call that carries out both passes.
        update: the line that updates the weights after that, None if that is done by then.
        number: the text that makes a Python number of the loss.
    """

    imports: str
    helpers: str
    build: Sequence[str]
    vjp: Callable[[Operation, Mapping[str, str]], str]
    seed: str
    tensor: str
    begin: str
    carry_out: str
    update: str | None
    number: str


@dataclass(frozen=True)
class History:
    """The steps a program took, and what it began with."""

    title: str
    dialect: Dialect
    steps: Sequence[Taken]
    arrays: dict[str, np.ndarray] = field(repr=False)
    left_out: int = 0


def identifier(name: str) -> str:
    """A Python name for a dotted one."""
    plain = re.sub(r"\W", "_", name.replace("#", "_")) or "_"
    return f"layer_{plain}" if plain[0].isdigit() else f"{plain}_" if keyword.iskeyword(plain) else plain


def function_of(inputs: Sequence[str], call: str) -> str:
    """The text of a function with these parameters that makes this call."""
    name = call.removesuffix(f"({', '.join(inputs)})")
    return (
        name
        if name != call and all(each.isidentifier() for each in name.split("."))
        else f"lambda{' ' * bool(inputs)}{', '.join(inputs)}: {call}"
    )


class Text(str):
    """Python text that stands for itself."""


def literal(value: Any, other: Callable[[Any], str] | None = None) -> str:
    """Python text of a number, text, None, a Text, or a list, tuple or dict of them.

    Args:
        value: what to write.
        other: makes the text of anything else; without it, that is a ValueError.
    """
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, bool | str) or value is None:
        return repr(value)
    if isinstance(value, int | float):
        return repr(value) if np.isfinite(value) else f"float({str(value)!r})"
    if isinstance(value, list):
        return f"[{', '.join(literal(each, other) for each in value)}]"
    if isinstance(value, tuple):
        return f"({', '.join(literal(each, other) for each in value)}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(each, other)}" for key, each in value.items()) + "}"
    if other is not None:
        return other(value)
    raise ValueError(f"{type(value).__name__} is no literal")


def arguments_text(
    operation: Operation, names: Mapping[str, str], other: Callable[[Any], str] | None = None
) -> list[str]:
    """The arguments of an operation's call, given the Python name of each tensor; `other` as for `literal`."""
    args, kwargs = map_refs(lambda ref: Text(names[ref.name]), (tuple(operation.args), dict(operation.kwargs)))
    given = [literal(each, other) for each in args]
    return [*given, *(f"{name}={literal(value, other)}" for name, value in kwargs.items())]


def write(history: History, path: str | None = None) -> str:
    """The steps as a program; see Program.source."""
    if not history.steps:
        raise UsageError("source() writes down the steps that were taken, and none was: call step(x, y) first")
    arrays = dict(history.arrays)
    for at, taken in enumerate(history.steps):
        arrays |= {f"{at}/{name}": value for name, value in taken.given.items()}
    dialect = history.dialect
    kinds: list[Any] = []
    for taken in history.steps:
        if _kind(taken) not in kinds:
            kinds.append(_kind(taken))
    parts = [
        f'"""{_docstring(history)}"""',
        f"import base64\nimport io\n{dialect.imports}",
        dialect.helpers.strip(),
        *(_passes(at, *kind, dialect) for at, kind in enumerate(kinds)),
        _arrays(arrays, path),
        "\n".join(dialect.build),
        "\n".join(_steps(history.steps, kinds, dialect)),
    ]
    return "\n\n\n".join(parts) + "\n"


def _kind(taken: Taken) -> tuple[tuple[Operation, ...], tuple[str, ...]]:
    return taken.operations, tuple(taken.given)


def _docstring(history: History) -> str:
    count = len(history.steps)
    left_out = (
        f"\n\n{history.left_out} more steps were taken, of which the batches were not kept.\n"
        if history.left_out
        else ""
    )
    return f"{history.title}, one operation at a time: {count} training step{'s' * (count > 1)}.{left_out}"


def _passes(at: int, operations: tuple[Operation, ...], given: tuple[str, ...], dialect: Dialect) -> str:
    """The function that carries out the forward and the backward pass of one kind of step."""
    names = _value_names(operations, given)
    lines = [dialect.begin, "", "# forward"]
    for each in operations:
        if each.unsplit:
            lines.append(f"# {each.name} is one step: {each.unsplit}")
        made = _tuple(names[name] for name in each.outputs)
        lines.append(f"{made}, {_back(names, each)} = {dialect.vjp(each, names)}")
    loss = names[operations[-1].outputs[0]]
    lines += ["", "# backward", f"grad_{loss} = {dialect.seed.format(loss)}"]
    lines += _backward(operations, names)
    lines.append(f"return {loss}")
    head = f"def passes_{at}({', '.join(names[name] for name in given)}):"
    return "\n".join([head, *(f"    {line}" if line else "" for line in lines)])


def _backward(operations: tuple[Operation, ...], names: Mapping[str, str]) -> list[str]:
    lines = []
    made = {name for each in operations for name in each.outputs}
    known = {operations[-1].outputs[0]}
    for each in reversed(operations):
        if not known & set(each.outputs):
            continue
        arriving = ", ".join(f"grad_{names[name]}" if name in known else "None" for name in each.outputs)
        targets, sums = [], []
        for name in each.inputs:
            gradient = f"grad_{names[name]}"
            if name not in made:
                targets.append("_")
            elif name in known:
                targets.append(f"more_{names[name]}")
                sums.append(f"{gradient} = add({gradient}, more_{names[name]})")
            else:
                targets.append(gradient)
                known.add(name)
        left = f"{_tuple(targets)} = " if set(targets) - {"_"} else ""
        lines += [f"{left}{_back(names, each)}({arriving})", *sums]
    return lines


def _tuple(names: Iterable[str]) -> str:
    text = ", ".join(names)
    return f"({text})" if "," in text else f"({text},)"


def _back(names: Mapping[str, str], operation: Operation) -> str:
    return f"back_{names[operation.outputs[0]]}"


def _value_names(operations: tuple[Operation, ...], given: tuple[str, ...]) -> dict[str, str]:
    """A Python name for each value: those of layers end in _out, so that they are not the layers themselves."""
    found = {name: identifier(name) for name in given}
    for each in operations:
        for name in each.outputs:
            plain = identifier(name) + "_out"
            while plain in found.values():
                plain += "_"
            found[name] = plain
    return found


def _arrays(arrays: Mapping[str, np.ndarray], path: str | None) -> str:
    if path is not None:
        file = Path(path).with_suffix(".npz")
        np.savez_compressed(file, **arrays)
        return f"arrays = np.load({str(file)!r}, allow_pickle=False)"
    size = sum(each.nbytes for each in arrays.values())
    if size > MAX_BYTES:
        raise UsageError(
            f"the weights and batches have {size / 2**20:.0f} MB, more than the {MAX_BYTES // 2**20} MB that a program's "
            "text should hold: call source(arrays='FILE.npz') to have them in a file beside it"
        )
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    text = "\n".join(textwrap.wrap(base64.b64encode(packed.getvalue()).decode(), 116))
    return (
        "# The weights at the beginning and the batches, as an .npz file\n"
        f'ARRAYS = """\n{text}\n"""\n'
        "arrays = np.load(io.BytesIO(base64.b64decode(ARRAYS)), allow_pickle=False)"
    )


def _steps(steps: Sequence[Taken], kinds: list[Any], dialect: Dialect) -> list[str]:
    lines = []
    for at, taken in enumerate(steps):
        lines += taken.before
        kind = kinds.index(_kind(taken))
        given = ", ".join(dialect.tensor.format(f"arrays[{f'{at}/{name}'!r}]") for name in taken.given)
        lines.append(f"loss = {dialect.carry_out.format(f'passes_{kind}({given})')}")
        lines += [dialect.update] if dialect.update else []
        lines.append(f"print({dialect.number.format('loss')})")
    return lines
