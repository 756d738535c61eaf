"""The examples come sorted by class, so each batch holds one class, or little else.

What it means
The data lie in the order of their classes (folder after folder, table after table) and are not shuffled, or only among a few
neighbors (`Dataset.shuffle(32)`). For many steps in a row the network sees one class, and then for many steps another.

Why it hurts
Always answering the class of the moment is the quickest way to a low loss, so the network learns that, and forgets the
other classes. With each change of class the loss jumps up. At the end it answers with the class that came last.

How it is recognized
All of this holds:
- In `pure` = 0.5 of the recorded steps, and at least `least` = 10 of them, one class has far more labels in the batch than
  the most frequent one has in all: its share is `way` = 0.5 of the way from there to 1, or more. Shuffled batches of
  `batch` = 8 or more examples of which at most `common` = 0.7 belong to one class get there in a quarter of the cases at most.
- It does harm: the network does not learn well, or it forgets. That shows in batches on which it is worse than a constant
  answer, as it is sure of another class: 3 steps and `forgets` = 0.01 of all steps in the last two thirds of the run. A
  small learning rate and many epochs can average over the classes; then hardly any batch stays that bad. Where validation
  data are answered better than by a constant, `often` = 0.2 of those steps must be.
- The batches are not so by design: nothing shuffles or samples the examples, no other training takes turns with this one
  (a discriminator gets real batches and generated ones), and the loss is a plain mean over one label for each example.

How to fix it
Shuffle the examples anew in each epoch: `DataLoader(..., shuffle=True)`; `fit` of Keras does so if it is left to; a
`tf.data.Dataset` needs `.shuffle(n)` with n as large as the data set, before `.batch()`.

When it is wrong
Learning class after class may be what is studied (continual learning); then the forgetting is the result.

References
Y. Bengio, Practical Recommendations for Gradient-Based Training of Deep Architectures. https://arxiv.org/abs/1206.5533
PyTorch, DataLoader. https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.labels import alone, is_one_label, most_common
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.quality import CLEAR_GAP, expected_loss, learns_well, loss_curve, recent_loss
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace


@rule(
    code="D105",
    severity=Severity.HIGH,
    needs=("steps", "targets", "baseline", "target.majority", "batch_size"),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "no-generalization",
        "saturated-units",
        "vanishing-gradient",
    ),
)
def check(
    trace: Trace,
    *,
    pure: float = 0.5,
    least: int = 10,
    way: float = 0.5,
    batch: int = 8,
    common: float = 0.7,
    forgets: float = 0.01,
    often: float = 0.2,
) -> Iterator[Finding]:
    """Yield one finding if most batches hold one class, and the network forgets the others."""
    shares, overall = recorded(trace.scalar("target.majority")), most_common(trace)
    if overall is None or overall > common or np.median(recorded(trace.scalar("batch_size"))) < batch:
        return
    if trace.run.shuffled or not alone(trace) or not is_one_label(trace):
        return
    limit = overall + way * (1 - overall)
    of_one = shares >= limit
    if of_one.sum() < least or of_one.mean() < pure:
        return
    harm = _harm(trace, forgets, often)
    if harm is None:
        return
    lowest = float(shares[of_one].min())
    holds = "the batch holds only one class" if lowest == 1 else f"one class has {lowest:.0%} of the batch or more"
    yield Finding(
        message=f"In {of_one.mean():.0%} of the recorded steps {holds}, while the most frequent class has {overall:.0%} of all "
        "labels: the examples come sorted by class.",
        locus=Locus("data", source=call_line(trace, "shuffle", "loader", "inputs", "fit", "forward", "step")),
        evidence=(
            Evidence(
                f"share of the recorded batches of which one class has {limit:.0%} or more",
                float(of_one.mean()),
                ">=",
                pure,
            ),
            harm,
        ),
        remedies=(_remedy(trace),),
        strength=0.5 + 0.5 * float(of_one.mean()),
    )


def _harm(trace: Trace, forgets: float, often: float) -> Evidence | None:
    """How the run suffers from it; None if it does not."""
    baseline = trace.data.baseline_loss or 0.0
    curve = recorded(loss_curve(trace))
    late = curve[len(curve) // 3 :]
    worse = late > baseline
    validation = recorded(trace.scalar("validation.loss"))
    if len(validation) and validation[-1] < (1 - CLEAR_GAP) * baseline and not worse.mean() >= often:
        return None
    if worse.sum() >= 3 and worse.mean() >= forgets:
        share = float(worse.mean())
        return Evidence("share of later steps that are worse than a constant answer", share, ">=", forgets)
    expected, now = expected_loss(trace), recent_loss(trace).value
    if learns_well(trace) is False and expected is not None:
        return Evidence("loss over the last fifth of the run", now, ">=", expected)
    return None


def _remedy(trace: Trace) -> Remedy:
    if trace.run.framework == "torch":
        if "loader" in trace.run.sources:
            return Remedy("Let the loader shuffle the examples", "shuffle=False", "shuffle=True")
        return Remedy("Draw the examples of each epoch in a new order", after="torch.randperm(len(x))")
    if trace.run.shuffled is False:
        return Remedy("Leave out shuffle=False", "shuffle=False", "shuffle=True")
    return Remedy("Shuffle the whole data set before it is cut into batches", after=".shuffle(number of examples)")
