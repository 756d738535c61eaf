"""Who is right: pure functions from a tool's answer and the truth about a program to a score. The rule is in ../README.md."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, NamedTuple

from bench.deeplocalize40.facts import Case
from bench.deeplocalize40.programs import Script, Tag

Answer = dict[str, Any]

REAL, NOT_THE_CURE, MILD, NO_FAULT = (
    "real-fault",
    "real-fault-but-declared-fix-is-not-the-cure",
    "mild-fault",
    "no-fault-or-tuning",
)
CLASSES = (REAL, NOT_THE_CURE, MILD, NO_FAULT)


class Locus(NamedTuple):
    """Where a program can be mended: a kind, the layers that are right ({None}: it is in none), the right lines."""

    kind: str
    layers: frozenset[int | None]
    lines: frozenset[int]


class Score(NamedTuple):
    """What a tool got right on a program. `step` is when it noticed, None if it did not or does not say."""

    detected: bool
    top1: bool = False
    top3: bool = False
    line: bool = False
    step: int | None = None


NOTHING = Score(False)


def truth(case: Case, assessment: dict[str, Any], script: Script) -> list[Locus]:
    """Where the buggy program can be mended.

    The declared faults, unless they are not the cure, and every single change that was measured to cure the program.
    """
    found = [] if assessment["class"] in (NOT_THE_CURE, NO_FAULT) else list(case["faults"])
    found += [{"kind": cure["kind"], "layer_index": cure["layer"], "from": ""} for cure in assessment["cures"]]
    return [locus(fault, case, script) for fault in found if fault["kind"] not in ("other", "none")]


def locus(fault: dict[str, Any], case: Case, script: Script) -> Locus:
    """The locus of a fault of the facts, with every layer and line that is the same place."""
    kind, index = fault["kind"], fault["layer_index"]
    layers = {index} if index is None else _same_place(kind, index, case["buggy"]["layers"], fault["from"] is None)
    return Locus(
        kind, frozenset(layers), frozenset(line for tag in _tags(kind, layers) for line in script.lines.get(tag, ()))
    )


def _same_place(kind: str, index: int, layers: list[dict[str, Any]], missing: bool) -> set[int | None]:
    """A layer and those that are as right: the Activation that follows a layer and that layer; around a gap, both sides."""
    if kind.startswith("activation"):
        before = [place for place in range(index) if layers[place]["type"] in ("Dense", "Conv2D")]
        if layers[index]["type"] == "Activation" and before and _only_dropout(layers[before[-1] + 1 : index]):
            return {index, before[-1]}
        after = index + 1
        if layers[index].get("activation") is None and after < len(layers) and layers[after]["type"] == "Activation":
            return {index, after}
    if kind in ("layer-missing", "batchnorm") or (missing and kind == "dropout"):
        return {place for place in (index - 1, index) if 0 <= place < len(layers)}
    return {index}


def _only_dropout(layers: list[dict[str, Any]]) -> bool:
    return all(layer["type"] == "Dropout" for layer in layers)


_LINES: dict[str, tuple[Tag, ...]] = {
    "loss": ("loss",),
    "optimizer": ("optimizer", "learning-rate"),
    "learning-rate": ("optimizer", "learning-rate"),
    "batch-size": ("batch-size",),
    "epochs": ("epochs",),
    "input-scaling": ("x",),
    "target-scaling": ("y",),
    "label-encoding": ("y",),
    "data": ("load", "x", "y"),
    "training-loop": ("fit",),
}


def _tags(kind: str, layers: Iterable[int | None]) -> list[Tag]:
    return [("layer", layer) for layer in layers if layer is not None] or list(_LINES.get(kind, ()))


# ---- our tool ---------------------------------------------------------------------------------------------------------


def score_ours(report: Answer | None, true: list[Locus]) -> Score:
    """Score a JSON report of `deeplocalize run`."""
    if report is None or report["verdict"] != "faulty":
        return NOTHING
    causes = report["causes"][:3]
    matches = [[each for each in true if is_at(cause["locus"], each)] for cause in causes]
    first = causes[0] if causes else None
    line = first is not None and any(_line(first["locus"]) in each.lines for each in matches[0])
    step = first["first_step"] if first else None
    return Score(True, bool(matches and matches[0]), any(matches), line, step)


def is_at(said: dict[str, Any], true: Locus) -> bool:
    """True if the locus of a JSON report is that of a true fault."""
    layer = said["layer"]["index"] if said["layer"] else None
    return said["kind"] == true.kind and layer in true.layers


def _line(said: dict[str, Any]) -> int | None:
    source = said["source"]
    return source["line"] if source and PurePath(source["path"]).name == "train.py" else None


# ---- Algorithm 1 ------------------------------------------------------------------------------------------------------

_IN_A_LAYER = (
    "activation-output activation-hidden initializer output-units layer-missing layer-extra layer-width kernel-size "
    "dropout batchnorm regularizer"
)
IN_A_LAYER = frozenset(_IN_A_LAYER.split())
AT_THE_FIRST = frozenset({"input-scaling", "data"})
AT_THE_LAST = frozenset({"loss", "label-encoding", "target-scaling", "data"})
OF_WEIGHTS = frozenset({"learning-rate", "optimizer"})
OF_NO_LAYER = {
    "ELF": frozenset(
        {"loss", "learning-rate", "label-encoding", "target-scaling", "input-scaling", "activation-output"}
    ),
    "EAF": frozenset({"loss", "label-encoding", "activation-output", "output-units"}),
    "MDL": frozenset({"learning-rate", "optimizer", "epochs", "batch-size", "loss"}),
}


def score_icse21(message: Answer | None, true: list[Locus], case: Case) -> Score:
    """Score a message of Algorithm 1, which names a point and no cause: everything that it can stand for is right."""
    if message is None or message["message"] == "CM":
        return NOTHING
    localized = any(_stands_for(message["message"], message["layer"], each, case["buggy"]["layers"]) for each in true)
    return Score(True, localized, localized, False, message["step"])


def _stands_for(message: str, layer: int | None, true: Locus, layers: list[dict[str, Any]]) -> bool:
    if layer is None:
        return true.kind in OF_NO_LAYER[message]
    if true.kind in IN_A_LAYER:
        return layer in true.layers
    weighted = [place for place, each in enumerate(layers) if each["type"] in ("Dense", "Conv2D")]
    kinds = OF_WEIGHTS if message in ("EBDW", "EBW") else frozenset()
    kinds |= AT_THE_FIRST if layer <= weighted[0] + 1 else frozenset()
    kinds |= AT_THE_LAST if layer >= weighted[-1] else frozenset()
    return true.kind in kinds


# ---- Keras ------------------------------------------------------------------------------------------------------------


def score_keras(step: int | None) -> Score:
    """Score a callback, by the step at which it would have stopped. It never says where the fault is."""
    return Score(step is not None, step=step)


# ---- totals -----------------------------------------------------------------------------------------------------------


def is_false_alarm(version: str, detected: bool, assessment: dict[str, Any]) -> bool:
    """True for a verdict on a program that has no fault, or that was repaired and measurably trains well."""
    if not detected:
        return False
    if assessment["class"] == NO_FAULT:
        return True
    return version == "fixed" and bool(assessment["fixed_trains_well"])
