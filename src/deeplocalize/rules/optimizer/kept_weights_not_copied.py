"""The weights that were kept to go back to were not copied: they changed with the model.

What it means
`state_dict()` does not copy. What it returns are the weights themselves, and each further step changes them where they were
kept, too. Loading them later gives the model the weights that it has already.

Why it hurts
The best weights are lost: what is evaluated, saved or trained further in their name are the latest ones, however much the model
had over-fitted or how far it had strayed by then. Where every fold or trial is to begin with the same weights, it begins with
those of the one before. Nothing is said of it: the load succeeds, and what was printed of the best epoch is right.

How it is recognized
All tensors given to `load_state_dict` lie where the model's own parameters lie, so that loading them changes nothing. They were
kept by an earlier call of `state_dict`, and since then at least `least` = 1 optimizer step, or a loading of other weights,
changed them: there was something to go back to.

How to fix it
Copy what is kept: `copy.deepcopy(model.state_dict())`, or save it to a file.

When it is wrong
A state that is taken and loaded without a step in between changes nothing that mattered, and one that the program itself
changed in place after the last step (an average, a pruned weight) was loaded for that: both are left alone. So is a model that
is given the state of another one.

References
PyTorch, Saving and Loading Models: "you must serialize best_model_state or use best_model_state = deepcopy(model.state_dict())".
https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Source, Trace


@rule(code="O313", severity=Severity.MEDIUM, explains=("overfitting",))
def check(trace: Trace, *, least: int = 1) -> Iterator[Finding]:
    """Yield one finding for the first weights that were given back to the model although they are its own."""
    for restoring in trace.run.restored:
        if restoring.changes < least:
            continue
        yield Finding(
            message=f"The weights that the model is given back{_at(restoring.source)} are the ones it has: they were kept without "
            "a copy and changed with it.",
            locus=Locus("training-loop", source=restoring.kept or restoring.source or call_line(trace, "step", "fit")),
            evidence=(
                Evidence("tensors given back that are the model's own parameters", restoring.tensors, ">", 0),
                Evidence("steps and loadings that changed them since they were kept", restoring.changes, ">=", least),
            ),
            remedies=(
                Remedy(
                    "Copy the weights that are kept (import copy)",
                    "best = model.state_dict()",
                    "best = copy.deepcopy(model.state_dict())",
                ),
            ),
        )
        return


def _at(source: Source | None) -> str:
    return f" in line {source.line}" if source is not None else ""
