"""`deeplocalize diagnose`: the diagnosis of a recorded run."""

from __future__ import annotations

from pathlib import Path

import click

from deeplocalize.cli.configuration import settings_for
from deeplocalize.cli.output import Output, emit, exit_status, report_options


@click.command(
    epilog="Exit status: 0 healthy; 1 a fault was found; 2 wrong use, or no readable trace; 4 inconclusive. With "
    "--exit-zero it is 0 for every readable trace."
)
@click.argument("trace", metavar="TRACE", type=click.Path(path_type=Path))
@report_options
@click.pass_context
def diagnose(ctx: click.Context, trace: Path, output: Output) -> None:
    """Diagnose the run recorded in TRACE. Needs no framework."""
    from deeplocalize.reports import Report
    from deeplocalize.trace import read_traces

    settings = settings_for(Path.cwd(), output.sensitivity)
    report = Report.of(read_traces(trace), trace, settings=settings)
    emit(report, output)
    ctx.exit(exit_status(report, output))
