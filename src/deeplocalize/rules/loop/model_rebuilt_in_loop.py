"""The model is built anew in every step.

What it means
The line that builds the network stands in the training loop, or in a function that is called for each batch. Each step trains a
fresh network, which is thrown away for the next.

Why it hurts
Nothing is ever learned: what is left in the end is a random network after one step. The loss stays where it began, and no
learning rate, no architecture and no number of epochs changes that.

How it is recognized
A model that is gone after a single step was followed by another that the same call built, with the same layers and an optimizer
of its own. That was so in more than `share` = 0.5 of the steps, and in at least `least` = 20 of them. And the network
does not learn well: its loss does not come clearly below that of a constant answer.

How to fix it
Build the model and its optimizer once, before the loop.

When it is wrong
Cross-validation, a search for hyper-parameters, an ensemble and a probe that is fitted again and again build models in a loop,
too, but train each of them for many steps. Meta-learning, federated learning and adaptation to each example begin anew on purpose:
a model that is loaded, copied, or begins with the weights of the one before it does not count.

References
PyTorch, Optimizing Model Parameters: the model is built before the loop. https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
Keras, Model.train_on_batch. https://keras.io/api/models/model_training_apis/
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace


@rule(
    code="T407",
    severity=Severity.HIGH,
    needs=("loss", "rebuilt_models"),
    explains=(
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "optimizer-rebuilt-each-step",
        "too-few-steps",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, share: float = 0.5, least: int = 20) -> Iterator[Finding]:
    """Yield one finding if most steps trained a model that was built for them, and the network does not learn."""
    rebuilt = recorded(trace.scalar("rebuilt_models")) > 0
    count, seen = int(rebuilt.sum()), float(rebuilt.mean())
    if not seen > share or count < least or learns_well(trace):
        return
    yield Finding(
        message=f"The model is built anew before {seen:.0%} of the steps, by the same line: each of them trains a network that "
        "has learned nothing yet.",
        locus=Locus("training-loop", source=call_line(trace, "model_built", "step", "fit")),
        evidence=(
            Evidence("share of the steps before which the model was built anew", seen, ">", share),
            Evidence("steps before which the model was built anew", count, ">=", least),
        ),
        remedies=(Remedy("Build the model and its optimizer once, before the training loop"),),
        first_step=int(trace.steps[0]),
    )
