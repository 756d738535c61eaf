"""Weights were loaded, and none of them found its place: the network keeps its random start.

What it means
A checkpoint was loaded in a way that passes over names that do not fit, and (almost) no name fitted. Mostly the names have
a prefix on one side only: `module.` from DataParallel, `_orig_mod.` from torch.compile, `model.` from a class around the
network. In Keras, layers without names of their own are numbered anew for each model of a process, and `skip_mismatch`
passes over layers that were built with other sizes than those saved.

Why it hurts
The training begins from random weights and not from those that were paid for, and says nothing about it. What was frozen
because it is trained already stays random for ever.

How it is recognized
By the loading itself: of the tensors that the model has, at most `few` = 0.1 were found in what was loaded, and of those
that were loaded, at most `few` have a place in the model. In PyTorch, a module that is not trained itself counts as well,
if it has the form of one that was: it was to go on with what was learned. Two networks that really share a part have more
in common than a tenth, and a load that was meant to do nothing is not known.

How to fix it
Rename the loaded tensors, or load them into the module that was saved, with the sizes that it had. Load strictly wherever everything should fit: then
names that do not fit raise an error.

When it is wrong
A new head on a loaded backbone, adapters alone (all that was loaded fits), and a selection of what fits are not accused, nor
is a model into which weights were loaded by another call afterwards.

References
PyTorch, load_state_dict. https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
Keras, weights saving and loading. https://keras.io/api/models/model_saving_apis/weights_saving_and_loading/
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace
from deeplocalize.trace.weights import Loading


@rule(
    code="O307",
    severity=Severity.HIGH,
    explains=("learning-rate-too-low", "loss-no-better-than-constant"),
)
def check(trace: Trace, *, few: float = 0.1) -> Iterator[Finding]:
    """Yield one finding for the first loading that had no effect."""
    for loading in trace.run.loaded:
        had, given = loading.found + loading.missing, loading.found + loading.unexpected
        if not loading.missing or not loading.unexpected or loading.found > few * min(had, given):
            continue
        yield Finding(
            message=f"The weights that were loaded are not used: {loading.found or 'none'} of the model's {had} tensors "
            f"{'was' if loading.found < 2 else 'were'} found among the {given} loaded{_for_instance(loading)}.",
            locus=Locus("training-loop", source=loading.source or call_line(trace, "model", "fit", "step")),
            evidence=(
                Evidence("share of the model's tensors that were found", loading.found / had, "<=", few),
                Evidence("share of the loaded tensors that have a place", loading.found / given, "<=", few),
            ),
            remedies=(_remedy(trace, loading),),
        )
        return


def _for_instance(loading: Loading) -> str:
    if loading.wanted and not loading.given:
        return f" (nothing there fits {loading.wanted})"
    if not loading.wanted:
        return ""
    return f" (loaded is {loading.given}, the model has {loading.wanted})"


def _remedy(trace: Trace, loading: Loading) -> Remedy:
    given, wanted = loading.given or "", loading.wanted or ""
    if trace.run.framework == "keras":
        if not given:
            return Remedy("Build the model with the sizes of the one that was saved, and load without skip_mismatch")
        return Remedy(
            "Give the layers the same names in both models (name=...), or load without by_name and skip_mismatch"
        )
    if wanted and given.endswith(f".{wanted}"):
        prefix = given.removesuffix(wanted)
        return Remedy(
            f"Take {prefix} off the names, and load strictly",
            "load_state_dict(state, strict=False)",
            f'load_state_dict({{name.removeprefix("{prefix}"): value for name, value in state.items()}})',
        )
    if given and wanted.endswith(f".{given}"):
        part = wanted.removesuffix(f".{given}")
        return Remedy(
            f"Load into {part}, the part of the model that was saved, and strictly",
            "model.load_state_dict(state, strict=False)",
            f"model.{part}.load_state_dict(state)",
        )
    return Remedy("Make the names fit, and leave strict=False out, so that names that do not fit raise an error")
