"""`deeplocalize run`: run a script under watch, then say what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deeplocalize.cli.configuration import settings_for
from deeplocalize.cli.output import Output, Refused, complain, describe_failure, echo, emit, exit_status, report_options

if TYPE_CHECKING:
    from deeplocalize.diagnosis import Settings
    from deeplocalize.diagnosis.ignores import Ignore

EPILOG = """\b
Exit status:
  1    a fault was found
  2    wrong use: nothing was run
  4    the script ended with 0, but the verdict is inconclusive or no
       training step was seen
  else the script's own (128 + n if signal n ended it); with --exit-zero
       always

The script runs as `python SCRIPT ARGS...` would: what it prints, its files, its exceptions and its exit status are its
own. Options for DeepLocalize go before SCRIPT, everything after it is the script's. The report comes when the script
is over, after the script's own output on stdout; use --output to have it by itself."""


@click.command(
    context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False},
    options_metavar="[OPTIONS]",
    epilog=EPILOG,
)
@click.option("-m", "module", is_flag=True, help="SCRIPT is the name of a module, as in `python -m`.")
@click.option("--stop-on-fault", is_flag=True, help="End the training as soon as a fault is certain.")
@click.option(
    "--trace",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Record to FILE, which must not exist yet. By default to a new file in the temporary directory.",
)
@report_options
@click.argument("script")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def run(
    ctx: click.Context,
    module: bool,
    stop_on_fault: bool,
    trace: Path | None,
    output: Output,
    script: str,
    args: tuple[str, ...],
) -> None:
    """Run a training script, unchanged, and say whether it is faulty, where and why.

    PyTorch and Keras 3 trainings are watched from inside the script's own process.
    """
    from deeplocalize.cli.process import run_watched, trace_file

    if not module:
        _check_script(Path(script))
    # Python looks for a module from the current directory.
    settings = settings_for(Path.cwd() if module else Path(script).resolve().parent, output.sensitivity)
    trace = trace_file(script, trace)
    comments = _comments(Path(script)) if not module else ()
    status = run_watched(["-m", script, *args] if module else [script, *args], trace, stop_on_fault, settings)
    ctx.exit(_report(trace, output, status, settings, comments))


def _check_script(script: Path) -> None:
    # Python runs a directory that holds a __main__.py, and so do we.
    if script.is_dir() and not (script / "__main__.py").exists():
        raise Refused(f"cannot run {script}: it is a directory; name the script in it")
    if not script.exists():
        raise Refused(f"cannot run {script}: there is no such file")


def _comments(script: Path) -> tuple[Ignore, ...]:
    """The script's comments for us, read before it runs, as it may be edited meanwhile."""
    try:
        if not script.is_file() or b"deeplocalize" not in script.read_bytes().lower():
            return ()
    except OSError:
        return ()  # Python will say what is wrong with it
    from deeplocalize.diagnosis.ignores import in_file
    from deeplocalize.frameworks.source import shown_path

    return in_file(script, shown_path(str(script)))


def _report(trace: Path, output: Output, status: int, settings: Settings | None, comments: tuple[Ignore, ...]) -> int:
    """Report on the trace and return the exit status. If that fails, the script's own status stands."""
    try:
        from deeplocalize.reports import Report
        from deeplocalize.trace import read_traces

        path = trace if trace.exists() else None
        report = Report.of(read_traces(trace) if path else (), path, settings=settings, comments=comments)
        if output.file is None:
            echo("\n")  # the script may have left its last line open
        emit(report, output)
        return exit_status(report, output, status)
    except Exception as error:
        complain(f"{describe_failure(error)}; the script ended with {status}")
        return status
