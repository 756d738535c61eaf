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
- it has at least `least` = 20 rows, and two or more in each pass: a policy is asked for one at a time.
- none of its passes came between the forward pass and the update of a step.
The rule fires if there are `blocks` = 2 or more between the steps that are given the same rows as one before, and no
pass in evaluation mode comes between them; or if the run ended by itself and the only passes after the last step are such
an evaluation. It looks at a model whose dropout drops something, or whose batch normalization keeps averages; and not
at two that are trained in turns, as generators are often looked at in training mode on purpose.

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


@rule(code="V801", severity=Severity.LOW, needs=("steps", "layers", "evaluations"))
def check(
    trace: Trace, *, trained: float = 0.05, repeated: float = 0.5, least: int = 20, blocks: int = 2
) -> Iterator[Finding]:
    """Yield one finding if the network is shown data it is not trained on while in training mode."""
    if in_turns(trace):
        return
    seen = trace.run.evaluations
    shown = [each for each in seen if _is_evaluation(each, trained, repeated, least)]
    during = [each for each in shown if each.again]
    if len(during) < blocks or any(each.proper for each in seen if each.step < steps_seen(trace)):
        after = [each for each in seen if each.step >= steps_seen(trace)]
        if trace.run.ended != "completed" or not after or any(each not in shown for each in after):
            return
        shown = after
    first = shown[0]
    layer = layer_at(trace, first.layers[0])
    if layer is None or layer.kind not in EFFECTS:
        return
    others = f", and so on in {len(first.layers) - 1} more" if len(first.layers) > 1 else ""
    rows = sum(each.examples for each in shown)
    yield Finding(
        message=f"The network is evaluated in training mode, first after {first.step} steps: for {first.examples:,} examples "
        f"that it is not trained on, {called(trace, layer.index)} {EFFECTS[layer.kind]}{others}, so the results are not its own.",
        locus=Locus("training-loop", source=first.source or call_line(trace, "forward", "step")),
        evidence=(
            Evidence("examples given to it without gradients, in training mode", float(rows), ">=", float(least)),
            Evidence(
                "share of the examples trained on that are among them",
                max(_trained(each) for each in shown),
                "<=",
                trained,
            ),
        ),
        remedies=(
            Remedy(
                "Call model.eval() before the evaluation, and model.train() before the training goes on",
                after="model.eval()",
            ),
        ),
        first_step=first.step,
    )


def _is_evaluation(each: Evaluation, trained: float, repeated: float, least: int) -> bool:
    return (
        each.passes > 0
        and not each.proper
        and bool(each.layers)
        and each.examples >= max(least, 2 * each.passes)
        and _trained(each) <= trained
        and each.repeated is not None
        and each.repeated <= repeated
    )


def _trained(each: Evaluation) -> float:
    """The share of the rows trained on that it was given; all of them if that is not known."""
    return 1.0 if each.trained is None else each.trained
