"""The line that made the data a program trains on, followed back in the user's file from the call that is given it.

`model.fit(x, y)` is not where inputs are to be scaled: the line that made `x` is. A line is given only if there is no doubt
about it; conversions that leave the values as they are (`x.to(device)`, `torch.from_numpy(x)`, `x[batch]`) are passed by.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from deeplocalize.frameworks.source import CallSite, called, place, tree_of
from deeplocalize.trace.schema import Source

SAME_VALUES = frozenset(
    "to cuda cpu float double half long int clone detach contiguous requires_grad_ pin_memory numpy copy astype".split()
)
"""Methods whose result has the values of what they are called on."""

RESHAPING = frozenset("view reshape flatten ravel squeeze unsqueeze permute transpose".split())
"""Methods that give them another shape. Of inputs they are passed by; of targets the shape is part of what they mean."""

CONVERSIONS = frozenset("tensor as_tensor from_numpy FloatTensor LongTensor Tensor asarray array Variable".split()) | {
    "convert_to_tensor",
    "constant",
    "list",
}
"""Functions whose result has the values of their first argument."""

_SAME_ITEMS = frozenset("batch shuffle prefetch repeat cache with_options".split())
_DEPTH = 12


class _Binding(NamedTuple):
    """A statement that gives a name its value. `path`: the place of the name in what is unpacked, outermost first."""

    line: int
    value: ast.expr
    path: tuple[int, ...]
    iterated: bool
    certain: bool


def made_at(
    site: CallSite | None, position: int, keyword: str, item: int | None = None, *, targets: bool = False
) -> Source | None:
    """The line on which the value of a call's argument was made; None if it is not known for sure.

    Args:
        site: the call.
        position: of the argument among those without a name.
        keyword: its name.
        item: if the argument hands out tuples (a data set), which item of them is meant.
        targets: it is what the answer is compared with, so that its shape matters.
    """
    call = site.call() if site is not None else None
    if site is None or call is None:
        return None
    return argument_made_at(site.filename, call, position, keyword, item, targets=targets)


def argument_made_at(
    filename: str, call: ast.Call, position: int, keyword: str, item: int | None = None, *, targets: bool = False
) -> Source | None:
    """The same of a call as it stands in a file."""
    if any(isinstance(each, ast.Starred) for each in call.args[: position + 1]):
        return None
    given = [*call.args[position : position + 1], *(each.value for each in call.keywords if each.arg == keyword)]
    if not given:
        return None
    scope = _scope(filename, call.lineno, SAME_VALUES | (frozenset() if targets else RESHAPING))
    path = () if item is None else (item,)
    line = _made(scope, given[0], call.lineno, path, given[0].lineno, _DEPTH)
    return place(filename, line) if line is not None else None


def _made(scope: _Scope, value: ast.expr, before: int, path: tuple[int, ...], line: int, left: int) -> int | None:
    """The line that made a value; `line` is that of the statement or argument it stands in."""
    value = _passed_by(value, scope.passed)
    if isinstance(value, ast.Tuple | ast.List) and path and path[0] < len(value.elts):
        return _made(scope, value.elts[path[0]], before, path[1:], line, left)
    if path and (within := _item(value, path)) is not None:
        return _made(scope, within[0], before, within[1], line, left)
    if not isinstance(value, ast.Name):
        return line
    bound = _binding(scope, value.id, before) if left else None
    if bound is None or not bound.certain:
        return None
    if bound.iterated:
        return _iterated(scope, bound, path, left)
    return _made(scope, bound.value, bound.line, (*bound.path, *path), bound.line, left - 1)


def _iterated(scope: _Scope, bound: _Binding, path: tuple[int, ...], left: int) -> int | None:
    """The line that made what a loop goes over, given the loop variable's place in an item."""
    items, at = bound.value, (*bound.path, *path)
    while isinstance(items, ast.Call) and items.args and called(items) in ("enumerate", "tqdm", "iter", "islice"):
        if called(items) == "enumerate":
            if not at or at[0] != 1:
                return None
            at = at[1:]
        items = items.args[0]
    if isinstance(items, ast.Call) and called(items) == "range":
        return None
    return _made(scope, items, bound.line, at, items.lineno, left - 1)


def _passed_by(value: ast.expr, passed: frozenset[str]) -> ast.expr:
    """The expression whose values these are."""
    while True:
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and called(value) in passed:
            value = value.func.value
        elif isinstance(value, ast.Call) and called(value) in CONVERSIONS and value.args:
            value = value.args[0]
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and called(value) in _SAME_ITEMS:
            value = value.func.value
        elif isinstance(value, ast.Subscript) and not _is_key(value.slice):
            value = value.value
        else:
            return value


def _is_key(index: ast.expr) -> bool:
    return isinstance(index, ast.Constant) and isinstance(index.value, str)


def _item(value: ast.expr, path: tuple[int, ...]) -> tuple[ast.expr, tuple[int, ...]] | None:
    """Of a loader, a data set or a zip, the argument that the item at `path` comes from, and the rest of the path."""
    if not isinstance(value, ast.Call):
        return None
    name, args = called(value), list(value.args)
    if name == "DataLoader":
        given = [each.value for each in value.keywords if each.arg == "dataset"]
        return ((args or given)[0], path) if args or given else None
    if (
        name in ("TensorDataset", "zip")
        and path[0] < len(args)
        and not any(isinstance(each, ast.Starred) for each in args)
    ):
        return args[path[0]], path[1:]
    if name == "from_tensor_slices" and args:
        return args[0], path
    return None


class _Scope(NamedTuple):
    """The innermost function around a call (None for none), the file, and the methods that are passed by."""

    function: ast.FunctionDef | ast.AsyncFunctionDef | None
    module: ast.Module
    passed: frozenset[str]


def _scope(filename: str, line: int, passed: frozenset[str]) -> _Scope:
    module = tree_of(filename)
    functions = [each for each in ast.walk(module) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    around = [each for each in functions if _holds(each, line)]
    return _Scope(min(around, key=lambda each: (each.end_lineno or 0) - each.lineno, default=None), module, passed)


def _binding(scope: _Scope, name: str, before: int) -> _Binding | None:
    """The last statement before a line that binds a name; outside of the function only one that is the only one."""
    if scope.function is not None:
        if found := list(_bindings(scope.function.body, name, True, before)):
            return max(found, key=lambda each: each.line)
        if name in {each.arg for each in ast.walk(scope.function.args) if isinstance(each, ast.arg)}:
            return None
        found = list(_bindings(scope.module.body, name, True, sys.maxsize))
        return found[0] if len(found) == 1 else None
    found = list(_bindings(scope.module.body, name, True, before))
    return max(found, key=lambda each: each.line, default=None)


def _bindings(body: Sequence[ast.stmt], name: str, certain: bool, before: int) -> Iterator[_Binding]:
    for each in body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(each, ast.Assign) and each.lineno < before:
            for target in each.targets:
                path = _path_to(target, name)
                if path is not None:
                    yield _Binding(each.lineno, each.value, path, False, certain)
        elif isinstance(each, ast.AugAssign) and each.lineno < before and _path_to(each.target, name) is not None:
            yield _Binding(each.lineno, each.value, (), False, certain)
        elif isinstance(each, ast.For) and (path := _path_to(each.target, name)) is not None and _holds(each, before):
            yield _Binding(each.lineno, each.iter, path, True, certain)
        for field in ("body", "orelse", "finalbody"):
            inner = getattr(each, field, None)
            if isinstance(inner, list):
                branch = isinstance(each, ast.If | ast.Try | ast.While) and not _is_main(each)
                yield from _bindings(inner, name, certain and (not branch or _holds(each, before)), before)


def _holds(statement: ast.stmt, line: int) -> bool:
    return statement.lineno <= line <= (statement.end_lineno or statement.lineno)


def _is_main(statement: ast.stmt) -> bool:
    """True for `if __name__ == "__main__":`, which is taken."""
    return isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test)


def _path_to(target: ast.expr, name: str) -> tuple[int, ...] | None:
    """Where a name stands in the target of an assignment; empty for the target itself, None if it is not there."""
    if isinstance(target, ast.Name):
        return () if target.id == name else None
    if isinstance(target, ast.Tuple | ast.List):
        for at, each in enumerate(target.elts):
            path = _path_to(each, name)
            if path is not None:
                return (at, *path)
    return None
