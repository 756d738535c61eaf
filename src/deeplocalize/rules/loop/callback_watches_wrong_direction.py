"""A callback or a scheduler takes the worse for the better, and acted for it.

What it means
`EarlyStopping` or `ReduceLROnPlateau` watches a quantity that gets better as it rises, such as an accuracy, with
`mode="min"`, which is what PyTorch's scheduler takes if it is told nothing, or a loss with `mode="max"`. Each better epoch
counts as one without improvement.

Why it hurts
The training is stopped, or its learning rate cut, just because it goes well. With `restore_best_weights=True` the network
is set back to its worst epoch at the end.

How it is recognized
By the program itself: in Keras the callback was given a direction, and the quantity is a loss, which the training minimizes,
or a metric of Keras's, of which Keras knows the direction. In PyTorch the name of what the scheduler is handed says it, as
long as it is handed on as it is: a `val_loss` gets better as it falls, a `val_acc` as it rises. And by what happened: the
callback stopped the training, set the weights of an epoch or cut the learning rate when the quantity was really better than
the one that it took for the best. So there is nothing to limit.

How to fix it
Give the other mode; in Keras also none: with `mode="auto"` it looks at the metric itself.

When it is wrong
Callbacks with a `baseline`, callbacks and metrics of the user's own, and models with a `train_step` of their own, whose
numbers may mean anything, are not judged; nor is a callback that never acted, or a quantity of PyTorch whose name says
nothing (`metric`, `score`) or that is turned round on its way (`1 - accuracy`, `-loss`). A name that lies is believed.

References
Keras, EarlyStopping. https://keras.io/api/callbacks/early_stopping/
Keras, ReduceLROnPlateau. https://keras.io/api/callbacks/reduce_lr_on_plateau/
PyTorch, ReduceLROnPlateau. https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.monitors import Monitor
from deeplocalize.trace.schema import Trace

MODES = {"up": "max", "down": "min"}


@rule(
    code="T410",
    severity=Severity.MEDIUM,
    needs=("steps",),
    explains=(
        "learning-rate-decays-too-soon",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "network-too-small",
        "too-few-steps",
    ),
)
def check(trace: Trace) -> Iterator[Finding]:
    """Yield one finding for each callback that acted against the training."""
    for each in trace.run.monitors:
        if each.better is not None and each.better != each.takes and _acted_against(each):
            yield _finding(trace, each)


def _acted_against(monitor: Monitor) -> bool:
    if monitor.best is None or monitor.value is None or not (monitor.stopped or monitor.restored or monitor.cuts):
        return False
    return monitor.value > monitor.best if monitor.better == "up" else monitor.value < monitor.best


def _finding(trace: Trace, monitor: Monitor) -> Finding:
    given = MODES[monitor.takes]
    done = [f"cut the learning rate {monitor.cuts} time{'s' * (monitor.cuts > 1)}"] if monitor.cuts else []
    done += ["stopped the training"] if monitor.stopped else []
    done += ["set the network back to the epoch that it took for the best"] if monitor.restored else []
    value, best = float(monitor.value or 0.0), float(monitor.best or 0.0)
    return Finding(
        message=f'{monitor.kind} watches {monitor.quantity} with mode="{given}", so it takes the worse for the better: it '
        f"{' and '.join(done)} at {value:.4g}, with {best:.4g} for the best.",
        locus=Locus(
            "learning-rate" if monitor.cuts else "training-loop",
            source=monitor.source or call_line(trace, "scheduler" if monitor.cuts else "fit", "fit"),
        ),
        evidence=(
            Evidence(
                f"{monitor.quantity} when it was acted on, against the one taken for the best",
                value,
                ">" if monitor.better == "up" else "<",
                best,
            ),
        ),
        remedies=(_remedy(trace, given, MODES[str(monitor.better)]),),
    )


def _remedy(trace: Trace, given: str, right: str) -> Remedy:
    if trace.run.framework == "torch":  # there the mode need not stand in the file
        return Remedy(f'Watch it with mode="{right}"', after=f'mode="{right}"')
    return Remedy(f'Watch it with mode="{right}", or leave mode out', f'mode="{given}"', f'mode="{right}"')
