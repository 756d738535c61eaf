"""Classes are learned with a squared or absolute error, and it shows.

What it means
The labels are classes, the output is a probability (sigmoid or softmax) or has no bounds at all, and the loss is the mean
squared or absolute error between the two.

Why it hurts
The slope of sigmoid and softmax is p (1 - p). A cross-entropy cancels it; a squared error does not. An answer that is
wrong and sure (p = 0.99 for the wrong side) therefore gets a gradient 50 times smaller than under a cross-entropy, and
stays wrong. The absolute error has this too, and its best answer to doubt is the most frequent class.

How it is recognized
The network clearly does not learn (final loss against the best constant answer, after enough steps), and the harm that
this loss does is seen: at least a `share` = 0.1 of the latest predictions are wrong and sure, their true class below
1 - `sure` = 0.05. From there on the gradient is less than a tenth of the cross-entropy's. One wrong and sure answer in
ten is more than noisy labels cause in a network that has learned nothing. Under an absolute error it is enough that
the network answers nearly the same for all: a spread over examples below `spread` = 0.05, a tenth of what a coin flip has.
A loss that, after enough steps, has left less than 5 % of the constant answer's behind is found as well, though a few
answers may be right, if the gradient is what is too small: under plain SGD, whose steps are as long as the gradient, and
if that at the output is less than `weak` = 0.1 of what the cross-entropy's would be for the same answers.

Outputs without bounds are another matter: a squared error of one-hot labels is sound (least squares) as long as it stays
small. If the network does not learn and an output went `wide` = 10 or more beyond 0..1, the labels' whole range, it is
found too: softmax with a cross-entropy keeps answers and gradients within 1, whatever comes before them.

How to fix it
Use a cross-entropy: binary with sigmoid, over classes with softmax.

When it is wrong
A squared error on probabilities (the Brier score) is a sound measure and often trains well; a network that learns with it
is left alone, and so are least-squares GANs and autoencoders. If the network fails for another reason,
such as a learning rate that drove the output into its flat parts, that reason is reported beside this.

References
Golik, Doetsch, Ney: Cross-entropy vs. squared error training, Interspeech 2013. https://www.isca-archive.org/interspeech_2013/golik13_interspeech.html
Mao et al.: Least squares generative adversarial networks. https://arxiv.org/abs/1611.04076
Hui, Belkin: Evaluation of neural architectures trained with square loss vs cross-entropy. https://arxiv.org/abs/2006.07322
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import CannotEvaluate, rule
from deeplocalize.rules.loss import outputs
from deeplocalize.signals import places
from deeplocalize.signals.output import nonlinearities
from deeplocalize.signals.over_time import level, recent
from deeplocalize.signals.quality import CLEAR_GAP, baseline_gap, has_had_time, learns_well
from deeplocalize.signals.squares import gradient_share, wrong_and_sure
from deeplocalize.signals.task import Task
from deeplocalize.signals.wording import in_framework
from deeplocalize.trace.schema import Trace


@rule(
    code="L207",
    severity=Severity.LOW,
    needs=("objective", "targets"),
    explains=("loss-no-better-than-constant", "saturated-units", "vanishing-gradient"),
)
def check(
    trace: Trace, *, share: float = 0.1, sure: float = 0.95, spread: float = 0.05, weak: float = 0.1, wide: float = 10.0
) -> Iterator[Finding]:
    """Find classes learned with a squared or absolute error in a network that does not learn, or hardly."""
    suspects = [task for task in outputs(trace) if task.family == "values" and _is_classification(task)]
    well = learns_well(trace)
    for task in suspects:
        if not _is_bounded(task):
            evidence = _far_out(task, wide) if well is False else None
        else:
            harm = _harm(trace, task, share, sure, spread) if well is False else None
            evidence = harm or _held_back(trace, task, weak)
        if evidence is None and well is None:
            raise CannotEvaluate("it cannot be told yet whether the network learns")
        if evidence is not None:
            yield _finding(trace, task, evidence)


def _is_classification(task: Task) -> bool:
    """One label for each example, answered with probabilities, or one-hot and answered with any numbers."""
    if task.target is None or len(task.target.shape) > 1:
        return False
    several = task.encoding == "one-hot" and (task.units or 0) > 1
    if nonlinearities(task) == ():
        return several
    return _is_bounded(task) and (several or (task.encoding == "binary" and task.units == 1))


def _is_bounded(task: Task) -> bool:
    return (nonlinearities(task) or ())[-1:] in (("sigmoid",), ("hard_sigmoid",), ("softmax",))


def _far_out(task: Task, wide: float) -> Evidence | None:
    """Evidence that answers to labels of 0 and 1 went far from both."""
    beyond = max(-task.low, task.high - 1)
    return (
        Evidence("farthest that an output went beyond 0..1, the labels' range", beyond, ">=", wide)
        if beyond >= wide
        else None
    )


def _harm(trace: Trace, task: Task, share: float, sure: float, spread: float) -> Evidence | None:
    wrong = wrong_and_sure(task, sure)
    if wrong >= share:
        return Evidence(f"share of the latest predictions that are wrong and {sure:.0%} sure", wrong, ">=", share)
    now = level(recent(trace.scalar("prediction.spread"))).value
    if task.loss.kind == "mean-absolute-error" and now < spread:
        return Evidence("spread of the latest predictions over the examples", now, "<", spread)
    return None


def _held_back(trace: Trace, task: Task, weak: float) -> Evidence | None:
    """Evidence that a loss which hardly moves has too small a gradient."""
    gap, kinds = baseline_gap(trace), [each.kind for each in trace.run.optimizers]
    if gap is None or gap >= CLEAR_GAP or not has_had_time(trace) or kinds != ["sgd"]:
        return None
    share = gradient_share(task)
    what = "gradient at the output, as a share of that under a cross-entropy"
    return Evidence(what, share, "<", weak) if share < weak else None


def _finding(trace: Trace, task: Task, evidence: Evidence) -> Finding:
    loss = "categorical_crossentropy" if (task.units or 1) > 1 else "binary_crossentropy"
    after, change = in_framework(trace, loss), Intervention("set-loss", f"objective {task.index}", loss)
    return Finding(
        message=f"The labels are classes, but {task.loss.name} measures them as quantities, and the network "
        f"{'hardly learns' if learns_well(trace) else 'does not learn'}.",
        locus=Locus("loss", source=places.loss_line(trace, task.loss)),
        evidence=(evidence,),
        remedies=(Remedy(f"Use {after}.", task.loss.name, after, change),),
        strength=0.6,
    )
