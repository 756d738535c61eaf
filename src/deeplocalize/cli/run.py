"""`deeplocalize run`: run a script under watch, then say what was found."""

from __future__ import annotations

from pathlib import Path

import click

from deeplocalize.cli.output import Output, Refused, complain, describe_failure, echo, emit, exit_status, report_options

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
    trace = trace_file(script, trace)
    status = run_watched(["-m", script, *args] if module else [script, *args], trace, stop_on_fault)
    ctx.exit(_report(trace, output, status))


def _check_script(script: Path) -> None:
    # Python runs a directory that holds a __main__.py, and so do we.
    if script.is_dir() and not (script / "__main__.py").exists():
        raise Refused(f"cannot run {script}: it is a directory; name the script in it")
    if not script.exists():
        raise Refused(f"cannot run {script}: there is no such file")


def _report(trace: Path, output: Output, status: int) -> int:
    """Report on the trace and return the exit status. If that fails, the script's own status stands."""
    try:
        from deeplocalize.reports import Report
        from deeplocalize.trace import read_traces

        report = Report.of(read_traces(trace), trace) if trace.exists() else Report.of(())
        if output.file is None:
            echo("\n")  # the script may have left its last line open
        emit(report, output)
        return exit_status(report, output, status)
    except Exception as error:
        complain(f"{describe_failure(error)}; the script ended with {status}")
        return status
