"""`deeplocalize replay`: carry out a recorded step once more and name the first operation that was not finite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deeplocalize.cli.output import INCONCLUSIVE, Refused, echo, terminal_width

if TYPE_CHECKING:
    from deeplocalize.trace import Trace
    from deeplocalize.trace.kept import Kept


@click.command(
    epilog="A run keeps one step of each training on the CPU: the first in which a loss, a gradient or a weight was not "
    "finite, with its weights and its batch (of Keras also the few steps before it), if they have at most 64 MB together. Exit status: 0 the operation was named; 2 wrong use, "
    "or nothing is kept; 4 this time every value was finite."
)
@click.argument("trace", metavar="TRACE", type=click.Path(path_type=Path))
@click.option("--step", type=click.IntRange(min=0), help="The optimizer step, from 0. By default the one that is kept.")
@click.pass_context
def replay(ctx: click.Context, trace: Path, step: int | None) -> None:
    """Carry out a step recorded in TRACE once more, one operation at a time.

    Names the first operation that made a value that is not finite, and what it was given. Needs the framework of the run,
    but not its script: nothing of that is run.
    """
    from deeplocalize.frameworks.replay import replay
    from deeplocalize.reports import replayed
    from deeplocalize.trace import read_traces

    traces = read_traces(trace)
    kept = _chosen(trace, step, traces)
    found = replay(kept)
    echo(replayed.render(found, traces[kept.training], terminal_width()))
    ctx.exit(0 if found.where is not None else INCONCLUSIVE)


def _chosen(path: Path, step: int | None, traces: tuple[Trace, ...]) -> Kept:
    from deeplocalize.trace.kept import read_kept

    kept = list(read_kept(path))
    if not kept and any((trace.scalar("loss.nonfinite") > 0).any() for trace in traces):
        frameworks = " and ".join(sorted({trace.run.framework for trace in traces}))
        raise Refused(
            f"{path} keeps no step to replay: that is done of trainings on the CPU that deeplocalize run watches, and "
            f"this is one of {frameworks} that was not; deeplocalize diagnose says what is known"
        )
    if not kept:
        raise Refused(f"{path} keeps no step to replay: no value of it was seen that is not finite")
    found = next((each for each in kept if step in (None, each.step)), None)
    if found is None:
        steps = ", ".join(str(each.step) for each in kept)
        raise Refused(f"{path} keeps step {steps}, the first that was not finite; got --step {step}")
    return found
