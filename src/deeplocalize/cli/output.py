"""What the commands share: how a report gets out, and which status says what it found."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from deeplocalize.reports import Report

FAULTY, WRONG_USE, INCONCLUSIVE, OUR_FAILURE = 1, 2, 4, 70

MAX_WIDTH = 100
"""Wider lines are hard to read."""


class Refused(click.ClickException):
    """Wrong use, said in one line."""

    exit_code = WRONG_USE

    def show(self, file: Any = None) -> None:
        """Print the line on stderr."""
        complain(self.message)


class OurFailure(Refused):
    """A bug of ours, said in one line."""

    exit_code = OUR_FAILURE

    def __init__(self, error: BaseException) -> None:
        super().__init__(describe_failure(error))


def describe_failure(error: BaseException) -> str:
    """One line for a bug of ours: what it is and where, for the person who mends it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"DeepLocalize itself failed: {type(error).__name__}: {error}{where}"


def complain(line: str) -> None:
    """One line on stderr, whatever is in it."""
    from deeplocalize.reports.text import clean

    click.echo(f"deeplocalize: {encodable(clean(line, 1000, 1000), sys.stderr)}", err=True)


class Output(NamedTuple):
    """How the user wants the report."""

    format: str
    file: Path | None
    exit_zero: bool
    sensitivity: str | None = None


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that ends in a report; they arrive as one argument `output`."""

    @click.option("--format", "format_", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True, help="The form of the report.")  # fmt: skip
    @click.option("--output", "file", metavar="FILE", type=click.Path(path_type=Path), help="Write the report to FILE (overwriting it) instead of stdout.")  # fmt: skip
    @click.option("--sensitivity", metavar="LEVEL", type=click.Choice(["low", "normal", "high"]), help="How weak a cause is still told. low: only of high severity or strong; normal; high: also near misses. By default as configured, or normal.")  # fmt: skip
    @click.option("--exit-zero", is_flag=True, help="Do not let the verdict change the exit status.")
    @functools.wraps(command)
    def wrapped(
        *args: Any, format_: str, file: Path | None, exit_zero: bool, sensitivity: str | None, **kwargs: Any
    ) -> Any:
        if file is not None:
            check_writable(file)
        return command(*args, output=Output(format_, file, exit_zero, sensitivity), **kwargs)

    return wrapped


def check_writable(file: Path) -> None:
    """Refuse a report file that cannot be written, before hours of training rather than after."""
    if file.is_dir():
        raise Refused(f"cannot write the report to {file}: it is a directory")
    if not file.absolute().parent.is_dir():
        raise Refused(f"cannot write the report to {file}: there is no directory {file.absolute().parent}")
    if not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
        raise Refused(f"cannot write the report to {file}: permission denied")


def emit(report: Report, output: Output) -> None:
    """Write the report to its file, or to stdout."""
    if output.file is not None:
        output.file.write_text(_text(report, output.format, 80, False), encoding="utf-8", errors="backslashreplace")
        click.echo(f"{report.verdict}: the report is in {encodable(str(output.file), sys.stdout)}")
        return
    echo(_text(report, output.format, terminal_width(), _colorful()))


def terminal_width() -> int:
    """Columns to write in: 80 if there is no terminal."""
    return min(MAX_WIDTH, shutil.get_terminal_size().columns)


def echo(text: str) -> None:
    """Print to stdout; a reader who has left (`| head`) is no error."""
    try:
        click.echo(encodable(text, sys.stdout), nl=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def encodable(text: str, stream: Any) -> str:
    """The text with everything that the stream's encoding lacks written as an escape."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _text(report: Report, format_: str, width: int, color: bool) -> str:
    from deeplocalize.reports import json, terminal

    return json.render(report) if format_ == "json" else terminal.render(report, width, color)


def _colorful() -> bool:
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout is not None and sys.stdout.isatty()


def exit_status(report: Report, output: Output, script: int = 0) -> int:
    """1 for a fault, else the script's own, 4 if nothing can be said of a script that ended well."""
    if output.exit_zero:
        return script
    if report.verdict == "faulty":
        return FAULTY
    return INCONCLUSIVE if report.verdict == "inconclusive" and not script else script
