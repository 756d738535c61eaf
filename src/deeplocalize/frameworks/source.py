"""Places in the user's own files: which line built this layer, which line gave it that argument."""

from __future__ import annotations

import ast
import functools
import itertools
import linecache
import os
import sys
import sysconfig
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

from deeplocalize.trace.schema import Source

_OURS = str(Path(__file__).resolve().parent.parent) + os.sep
_LIBRARIES = tuple(
    {
        os.path.realpath(path) + os.sep
        for name, path in sysconfig.get_paths().items()
        if name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)


@functools.cache
def is_user_file(filename: str) -> bool:
    """True for a file that the user wrote: not of Python, not of an installed package, not of ours."""
    if filename.startswith("<"):
        return False
    path = os.path.realpath(filename)
    if path.startswith(_OURS) or path.startswith(_LIBRARIES):
        return False
    parts = Path(path).parts
    return "site-packages" not in parts and "dist-packages" not in parts


@functools.cache
def shown_path(filename: str) -> str:
    """The path as a person would write it: relative to where the program was started, if it lies below."""
    path = os.path.abspath(filename)
    start = _start_directory()
    return os.path.relpath(path, start) if path.startswith(start + os.sep) else path


_started_in: list[str] = []


def _start_directory() -> str:
    if not _started_in:
        _started_in.append(os.getcwd())
    return _started_in[0]


def remember_start_directory(directory: str | None = None) -> None:
    """State where the program was started, or call this before the program can change its working directory."""
    _started_in[:] = [directory or os.getcwd()]


def place(filename: str, line: int) -> Source:
    """A line of a file as a Source, with its text."""
    return Source(shown_path(filename), line, _shortened(linecache.getline(filename, line).strip()) or None)


def _shortened(text: str, most: int = 200) -> str:
    """The beginning of a line, and its comment for us in any case."""
    comment = text[text.rfind("# deeplocalize:") :][:most] if "# deeplocalize:" in text[most - 15 :] else ""
    return text[:most] if len(text) <= most or not comment else text[: most - len(comment)] + comment


@dataclass(frozen=True)
class CallSite:
    """A call in a user's file that is being carried out."""

    filename: str
    line: int
    code: CodeType
    instruction: int

    @property
    def source(self) -> Source:
        """The line on which the call begins."""
        return place(self.filename, self.line)

    def is_same_call(self, other: CallSite) -> bool:
        """True if the other is this very call. Seen from Python 3.12, a call goes on a few instructions further when the
        function calls one written in C."""
        if self.code is not other.code or self.instruction == other.instruction:
            return self == other
        span = _span(self.code, self.instruction)
        return None not in span and span == _span(other.code, other.instruction)

    def call(self) -> ast.Call | None:
        """The call as it stands in the file."""
        return _call_at(self.filename, self.line, _position(self.code, self.instruction))

    def arguments(self, parameters: Sequence[str] = ()) -> dict[str, Source]:
        """The line of each argument of the call, by name; positional ones are named after `parameters`, in order."""
        call = self.call()
        if call is None:
            return {}
        lines = {name: argument.lineno for name, argument in zip(parameters, call.args, strict=False)}
        lines |= {keyword.arg: keyword.value.lineno for keyword in call.keywords if keyword.arg}
        return {name: place(self.filename, line) for name, line in lines.items()}


def user_call(frame: FrameType | None = None, until: FrameType | None = None) -> CallSite | None:
    """The innermost call of the stack that stands in a user's file; None if there is none.

    Args:
        frame: where to start looking outwards; by default the caller.
        until: where to stop; it is not looked at itself. By default all of the stack is.
    """
    frame = sys._getframe(1) if frame is None else frame
    while frame is not None and frame is not until:
        filename = frame.f_code.co_filename
        if is_user_file(filename):
            return CallSite(filename, frame.f_lineno, frame.f_code, frame.f_lasti)
        frame = frame.f_back
    return None


def user_calls(site: CallSite) -> list[CallSite]:
    """A call that is being carried out, and those in the user's files around it, outward."""
    found: list[CallSite] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if (found or frame.f_code is site.code) and is_user_file(frame.f_code.co_filename):
            found.append(CallSite(frame.f_code.co_filename, frame.f_lineno, frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return found


def functions_running() -> set[CodeType]:
    """The code of every function that is being carried out."""
    found: set[CodeType] = set()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        found.add(frame.f_code)
        frame = frame.f_back
    return found


def _position(code: CodeType, instruction: int) -> tuple[int, int] | None:
    """(line, column) where the expression of an instruction begins."""
    line, _, column, _ = _span(code, instruction)
    return (line, column) if line is not None and column is not None else None


def _span(code: CodeType, instruction: int) -> tuple[int | None, int | None, int | None, int | None]:
    """(line, last line, column, last column) of the expression of an instruction."""
    nothing = (None, None, None, None)
    return next(itertools.islice(code.co_positions(), instruction // 2, None), nothing) if instruction >= 0 else nothing


def outermost_loop(site: CallSite | None) -> Source | None:
    """The first line of the outermost loop around a call, in its own function; None if it stands in none."""
    loop = _loop_around(site.filename, site.line) if site is not None else None
    return place(site.filename, loop.lineno) if site is not None and loop is not None else None


def runs_beside(filename: str, line: int, site: CallSite) -> bool:
    """True if a line of a file can be part of what is done in each round of the loop that a call stands in: it is in that
    loop, or in a function of its own."""
    if _scope_of(filename, line) is not None and _scope_of(filename, line) is not _scope_of(site.filename, site.line):
        return True
    loop = _loop_around(site.filename, site.line)
    return filename == site.filename and (loop is None or _holds(loop, line))


def _scope_of(filename: str, line: int) -> ast.AST | None:
    """The innermost function that a line stands in."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    around = [each for each in nodes_of(filename) if isinstance(each, kinds) and _holds(each, line)]
    return max(around, key=lambda each: each.lineno, default=None)


def _loop_around(filename: str, line: int) -> ast.For | ast.While | None:
    """The outermost loop around a line in its own function."""
    start = getattr(_scope_of(filename, line), "lineno", 0)
    nodes = nodes_of(filename)
    loops = [
        each for each in nodes if isinstance(each, ast.For | ast.While) and start < each.lineno and _holds(each, line)
    ]
    return min(loops, key=lambda each: each.lineno, default=None)


def _holds(node: ast.AST, line: int) -> bool:
    return getattr(node, "lineno", line + 1) <= line <= (getattr(node, "end_lineno", 0) or 0)


def lines_with(filename: str, names: Collection[str], operators: tuple[type[ast.operator], ...] = ()) -> list[int]:
    """The lines of a file, ascending, on which a function of one of these names is called or an operator is used."""
    found = {call.lineno for call in calls_in(filename) if called(call) in names}
    if operators:
        nodes = nodes_of(filename)
        found |= {node.lineno for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, operators)}
    return sorted(found)


def called(call: ast.Call) -> str:
    """The name of what is called, without the names of modules before it; empty if it has none."""
    return getattr(call.func, "attr", None) or getattr(call.func, "id", "")


@functools.cache
def tree_of(filename: str) -> ast.Module:
    """A file as a syntax tree; an empty one if it is no Python."""
    try:
        return ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


@functools.cache
def nodes_of(filename: str) -> tuple[ast.AST, ...]:
    """All nodes of a file's syntax tree."""
    return tuple(ast.walk(tree_of(filename)))


@functools.cache
def calls_in(filename: str) -> tuple[ast.Call, ...]:
    """All calls that stand in a file; none if it is no Python."""
    return tuple(node for node in nodes_of(filename) if isinstance(node, ast.Call))


def _call_at(filename: str, line: int, position: tuple[int, int] | None) -> ast.Call | None:
    calls = calls_in(filename)
    exact = [call for call in calls if position == (call.lineno, call.col_offset)]
    # `a.b(x).c(y)` and `a.b(x)` begin at the same place; the frame is in the longer one only once the shorter is done,
    # and then the line of its method name decides.
    near = exact or [call for call in calls if call.lineno <= line <= (call.end_lineno or call.lineno)]
    return min(near, key=lambda call: (call.end_lineno or 0) - call.lineno, default=None)
