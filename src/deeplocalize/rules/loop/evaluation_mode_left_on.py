"""The model is trained in evaluation mode.

What it means
Layers that behave differently in training are told that this is no training: dropout drops nothing, batch normalization
uses the averages it has and no longer renews them. Mostly `model.eval()` was called for a validation pass, and
`model.train()` stands before the loop over the epochs instead of in it; or a step calls the model with `training=False`.

Why it hurts
The regularization that was asked for is off, without a word, from the first validation on; and activations are normalized
by averages of the past, which the weights have long left behind.

How it is recognized
For each layer the trace says whether it ran in training mode in each recorded step. The rule looks at models with dropout
or batch normalization of which all layers ran in evaluation mode, in the last `least` = 5 recorded steps or more, up to the
end. If they ran in training mode before, the mode was left on. If they never did, the rule fires only where that does harm:
the network does not learn well, or there is dropout and the validation loss has risen by a quarter from its best.

How to fix it
Call `model.train()` at the start of each epoch, or after each evaluation. With Keras, call the model with `training=True`
in a `train_step` of your own.

When it is wrong
Freezing batch normalization on purpose puts these layers alone into evaluation mode; the others tell that, so it is not
accused. A model that is fine-tuned in evaluation mode from the start, and does well, is not accused either.

References
PyTorch, Module.train. https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.train
Keras, the training argument. https://keras.io/guides/making_new_layers_and_models_via_subclassing/
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.places import called
from deeplocalize.signals.quality import learns_well, overfits
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

MODE = Series("layer", "training")
EFFECTS = {"dropout": "drops nothing", "batch-norm": "goes by its old averages"}


@rule(
    code="T403",
    severity=Severity.MEDIUM,
    needs=("layers", MODE),
    explains=("loss-no-better-than-constant", "overfitting"),
)
def check(trace: Trace, *, least: int = 5) -> Iterator[Finding]:
    """Yield one finding if training ends in evaluation mode and was not meant to."""
    affected = [layer.index for layer in trace.layers if layer.kind in EFFECTS and layer.order is not None]
    modes = trace.series(*MODE)
    known = np.isfinite(modes).any(axis=1)
    on = np.nanmax(modes[known], axis=1, initial=0.0) > 0
    since = len(on) - int(np.argmax(on[::-1])) if on.any() else 0
    left_on = len(on) - since
    if not affected or left_on < least or not (on.any() or _does_harm(trace, affected)):
        return
    step, first = int(trace.sampled[known][since]), trace.layers[affected[0]]
    others = f", and so on in {len(affected) - 1} more" if len(affected) > 1 else ""
    what = f"From step {step} on the model is" if on.any() else "The model is"
    yield Finding(
        message=f"{what} trained in evaluation mode: {called(trace, first.index)} {EFFECTS[first.kind]}{others}.",
        locus=Locus("training-loop", source=call_line(trace, "eval", "forward", "fit", "step")),
        evidence=(Evidence("latest recorded steps without any layer in training mode", left_on, ">=", least, MODE),),
        remedies=(_remedy(trace),),
        strength=0.5 if learns_well(trace) else 1.0,
        first_step=step if on.any() else None,
    )


def _does_harm(trace: Trace, affected: list[int]) -> bool:
    drops = any(trace.layers[at].kind == "dropout" for at in affected)
    return learns_well(trace) is False or (drops and overfits(trace))


def _remedy(trace: Trace) -> Remedy:
    if trace.run.framework == "torch":
        return Remedy(
            "Call model.train() at the start of every epoch, after the evaluation before it", after="model.train()"
        )
    return Remedy("Call the model with training=True where it is trained", "training=False", "training=True")
