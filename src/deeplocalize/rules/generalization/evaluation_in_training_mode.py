"""The network is evaluated in training mode.

What it means
Validation or test examples go through the network while its dropout still drops units and its batch normalization still
goes by the batch at hand. `model.eval()` was not called before.

Why it hurts
The numbers shown are not those of the network: with dropout they are too low and change from one call to the next, and
with batch normalization the answer to an example depends on what else is in its batch. Batch normalization also takes the
validation data into the averages that it answers by later.

How it is recognized
The trace knows the passes without gradients, between the steps and after the last one, and which layers answered in them as
in training. A stretch of such passes is an evaluation if
- its rows are not among those that the network is trained on: no more than `trained` = 5 % of these are found there, which
  leaves room for the duplicates that data sets have. So rollouts, pseudo-labels and collecting averages anew are none.
- it has no row twice, up to `repeated` = half of them: to ask the same again and again is Monte Carlo dropout.
- it has at least `least` = 20 rows, and two or more in each pass, as a policy is asked for one at a time between the steps.
  Where no such passes came between the steps, a test after the last one may do so as well.
- none of its passes came between the forward pass and the update of a step.
The rule fires if there are `blocks` = 2 or more between the steps that are given the same rows as one before, and no
pass in evaluation mode comes between them; or if the run ended by itself and the only passes after the last step are such
an evaluation. It looks at a model whose dropout drops something, or whose batch normalization keeps averages; and not
at two that are trained in turns, as generators are often looked at in training mode on purpose.

Dropout that is a function call (`F.dropout(x)`) knows no mode. Where the program's own call does not say `training=`, an
evaluation in evaluation mode has it on, too, and is judged by the same marks.

How to fix it
Call `model.eval()` before the evaluation and `model.train()` before the training goes on. `torch.no_grad()` alone changes
nothing about dropout and batch normalization.

When it is wrong
Some want a single noisy answer for each example, or normalize test data by their own statistics on purpose.

References
PyTorch, Evaluation Mode. https://docs.pytorch.org/docs/stable/notes/autograd.html#evaluation-mode-nn-module-eval
Y. Gal and Z. Ghahramani, Dropout as a Bayesian Approximation, ICML 2016. https://arxiv.org/abs/1506.02142
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.places import called, layer_at
from deeplocalize.signals.quality import in_turns, steps_seen
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Evaluation, Trace

EFFECTS = {"dropout": "drops units", "batch-norm": "goes by the batch and learns from it"}


@rule(code="V801", severity=Severity.LOW, needs=("steps", "layers", "evaluations"), explains=("no-generalization",))
def check(
    trace: Trace, *, trained: float = 0.05, repeated: float = 0.5, least: int = 20, blocks: int = 2
) -> Iterator[Finding]:
    """Yield one finding if the network is shown data it is not trained on while in training mode."""
    if in_turns(trace):
        return
    seen = trace.run.evaluations
    fresh = [each for each in seen if _is_fresh(each, trained, repeated, least)]
    before = [each for each in seen if each.step < steps_seen(trace)]
    after = [each for each in seen if each.step >= steps_seen(trace)]
    shown = [each for each in fresh if each.layers and not each.proper]
    shown = [each for each in shown if each.examples >= 2 * each.passes or not before]
    if sum(each.again for each in shown) < blocks or any(each.proper for each in before):
        shown = after if trace.run.ended == "completed" and all(each in shown for each in after) else []
    if shown:
        yield from _in_training(trace, shown, trained, least)
    elif "dropout" in trace.run.sources and (quiet := [each for each in fresh if each.proper and not each.passes]):
        yield _untold(trace, quiet, trained, least)


def _in_training(trace: Trace, shown: list[Evaluation], trained: float, least: int) -> Iterator[Finding]:
    first = shown[0]
    layer = layer_at(trace, first.layers[0])
    if layer is None or layer.kind not in EFFECTS:
        return
    others = f", and so on in {len(first.layers) - 1} more" if len(first.layers) > 1 else ""
    yield Finding(
        message=f"The network is evaluated in training mode, first after {first.step} steps: for {first.examples:,} examples "
        f"that it is not trained on, {called(trace, layer.index)} {EFFECTS[layer.kind]}{others}, so the results are not its own.",
        locus=Locus("training-loop", source=first.source or call_line(trace, "forward", "step")),
        evidence=_evidence(shown, "training", trained, least),
        remedies=(
            Remedy(
                "Call model.eval() before the evaluation, and model.train() before the training goes on",
                after="model.eval()",
            ),
        ),
        first_step=first.step,
    )


def _untold(trace: Trace, shown: list[Evaluation], trained: float, least: int) -> Finding:
    rows = sum(each.examples for each in shown)
    return Finding(
        message=f"Dropout is on in evaluation, too: this call is not told whether the model is trained, and {rows:,} examples "
        "that it is not trained on went through it in evaluation mode, so the results are not its own.",
        locus=Locus("dropout", source=trace.run.sources["dropout"]),
        evidence=_evidence(shown, "evaluation", trained, least),
        remedies=(
            Remedy("Tell it in which mode the model is", "F.dropout(x)", "F.dropout(x, training=self.training)"),
        ),
        first_step=shown[0].step,
    )


def _evidence(shown: list[Evaluation], mode: str, trained: float, least: int) -> tuple[Evidence, ...]:
    rows, known = float(sum(each.examples for each in shown)), max(map(_trained, shown))
    return (
        Evidence(f"examples given to it without gradients, in {mode} mode", rows, ">=", float(least)),
        Evidence("share of the examples trained on that are among them", known, "<=", trained),
    )


def _is_fresh(each: Evaluation, trained: float, repeated: float, least: int) -> bool:
    """True if the passes show the network enough rows that it is not trained on, and mostly others."""
    known = each.repeated is not None and each.repeated <= repeated
    return known and each.examples >= least and _trained(each) <= trained


def _trained(each: Evaluation) -> float:
    """The share of the rows trained on that it was given; all of them if that is not known."""
    return 1.0 if each.trained is None else each.trained
