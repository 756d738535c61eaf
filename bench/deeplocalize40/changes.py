"""Single changes to a buggy program: each declared one by itself, and those that a practitioner would try.

A change is tried by training with and without it from the same seeds. What cures the program by itself is, beside or in
place of the declared faults, a locus where the program can be mended.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from bench.deeplocalize40.data import plan_of, recipe_of
from bench.deeplocalize40.facts import Case
from bench.deeplocalize40.plan import Plan, allowed_steps
from bench.deeplocalize40.programs import script

MORE_EPOCHS = 5
"""More epochs means so many times as many at least, and as many as the plan allows where the program takes fewer steps."""


ONLY_TARGETS, BOTH = "only y: standard on y", "standardized on x and on y"
"""Scalings that no program of the facts has."""


class Change(NamedTuple):
    """A change of one thing: where it is made, in words, and the case whose buggy program is the changed one."""

    kind: str
    layer: int | None
    what: str
    declared: bool
    case: Case


def changes(case: Case) -> Iterator[Change]:
    """Every single change, the declared ones first; one that makes the same program as an earlier one is left out."""
    seen = {_program(case)}
    for change in (*_declared(case), *_plausible(case)):
        if (program := _program(change.case)) not in seen:
            seen.add(program)
            yield change


def pairs(case: Case, firsts: list[Change]) -> Iterator[tuple[Change, Change]]:
    """Some single changes, each with every other of another kind; the case of the second has both."""
    seen = {_program(change.case) for change in changes(case)} | {_program(case)}
    for first in firsts:
        if first.kind == "batchnorm":
            continue  # it moves the layers that the second would change; it comes second itself
        for second in changes(first.case):
            if second.kind != first.kind and (program := _program(second.case)) not in seen:
                seen.add(program)
                yield first, second


def _program(case: Case) -> tuple[str, Plan]:
    # Where epochs are folded into copies of the rows, more of them show in the plan alone.
    return script(case, "buggy").text, plan_of(case, "buggy")


def _declared(case: Case) -> Iterator[Change]:
    for fault in case["faults"]:
        new = copy.deepcopy(case)
        if _apply(new, fault):
            yield Change(fault["kind"], fault["layer_index"], f"{fault['from']} -> {fault['to']}", True, new)


def _apply(new: Case, fault: dict[str, Any]) -> bool:
    """Make one declared change; False if it cannot be made by itself."""
    buggy, fixed, layer = new["buggy"], new["fixed"], fault["layer_index"]
    match fault["kind"]:
        case "activation-output" | "activation-hidden":
            buggy["layers"][layer]["activation"] = fault["to"]
        case "loss":
            buggy["loss"] = fixed["loss"]
        case "optimizer":
            buggy["optimizer"] = fixed["optimizer"]
        case "learning-rate":
            buggy["optimizer"]["learning_rate"] = fixed["optimizer"]["learning_rate"]
        case "batch-size":
            buggy["batch_size"] = fixed["batch_size"]
        case "epochs":
            buggy["epochs"] = fixed["epochs"]
        case "input-scaling" if "scaling" in fixed.get("data", {}):
            new["data"]["scaling"] = fixed["data"]["scaling"]
        case "initializer":
            buggy["layers"][layer]["kernel_initializer"] = fault["to"]
        case "batchnorm" if fault["from"] is None:
            buggy["layers"].insert(layer, {"type": "BatchNormalization", "momentum": 0.99, "epsilon": 0.001})
        case "dropout" if isinstance(fault["to"], float) and fault["from"] is not None:
            buggy["layers"][layer]["rate"] = fault["to"]
        case "layer-width":
            buggy["layers"][layer]["units"] = fault["to"]
        case _:
            return False
    return True


def _plausible(case: Case) -> Iterator[Change]:
    yield from _rates(case)
    if case["buggy"]["optimizer"]["name"] != "Adam":
        adam = {"name": "Adam", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999}
        yield _changed(case, "optimizer", None, "Adam(0.001)", ("buggy", "optimizer"), adam)
    scaling = case["data"]["scaling"]
    if scaling.startswith("none") or scaling == ONLY_TARGETS:
        both = BOTH if scaling == ONLY_TARGETS else "standardized"
        yield _changed(case, "input-scaling", None, "standardized inputs", ("data", "scaling"), both)
    if case["task"] == "regression" and "on y" not in scaling:
        both = BOTH if scaling.lower().startswith("standard") else ONLY_TARGETS
        yield _changed(case, "target-scaling", None, "standardized targets", ("data", "scaling"), both)
    yield from _outputs(case)
    yield from _hidden(case)
    times = max(MORE_EPOCHS, _times(case))
    yield _changed(case, "epochs", None, f"{times} times the epochs", ("buggy", "more_epochs"), times)


def _times(case: Case) -> int:
    """How often the steps that the buggy program takes go into those it may take."""
    plan = plan_of(case, "buggy")
    batch = min(case["buggy"]["batch_size"], plan.rows)
    steps = math.ceil(plan.rows * plan.copies / batch) * plan.epochs
    return allowed_steps(case, "buggy", batch, recipe_of(case).image) // steps


def _rates(case: Case) -> Iterator[Change]:
    rate = case["buggy"]["optimizer"]["learning_rate"]
    for factor, name in ((0.1, "learning rate / 10"), (10, "learning rate * 10")):
        yield _changed(case, "learning-rate", None, name, ("buggy", "optimizer", "learning_rate"), rate * factor)


OUTPUTS = {
    "multiclass": ("softmax", "categorical_crossentropy"),
    "binary": ("sigmoid", "binary_crossentropy"),
    "multilabel": ("sigmoid", "binary_crossentropy"),
    "regression": ("linear", "mean_squared_error"),
    "image-to-image": ("sigmoid", "mean_squared_error"),
}


def _outputs(case: Case) -> Iterator[Change]:
    """The output activation and the loss that belong to the task."""
    activation, loss = OUTPUTS[case["task"]]
    if case["data"]["target_encoding"] == "one-hot":
        activation, loss = OUTPUTS["multiclass"]
    last = len(case["buggy"]["layers"]) - 1
    if (case["buggy"]["layers"][last].get("activation") or "linear") != activation:
        path = ("buggy", "layers", last, "activation")
        yield _changed(case, "activation-output", last, f"{activation} output", path, activation)
    if case["buggy"]["loss"] not in (loss, f"sparse_{loss}"):
        yield _changed(case, "loss", None, loss, ("buggy", "loss"), loss)


def _hidden(case: Case) -> Iterator[Change]:
    """All hidden nonlinearities replaced: what saturates or is missing by ReLU, ReLU by ELU. The first is the locus."""
    new = copy.deepcopy(case)
    layers = new["buggy"]["layers"]
    places = [
        index
        for index, layer in enumerate(layers[:-1])
        if layer["type"] == "Activation"
        or (
            layer["type"] in ("Dense", "Conv2D")
            and (layer["activation"] or not any(each["type"] == "Activation" for each in layers[index + 1 : index + 3]))
        )
    ]
    for index in places:
        layers[index]["activation"] = "elu" if layers[index]["activation"] == "relu" else "relu"
    if places:
        now = layers[places[0]]["activation"]
        yield Change("activation-hidden", places[0], f"{now} in all hidden layers", False, new)


def _changed(case: Case, kind: str, layer: int | None, what: str, path: tuple[str | int, ...], value: Any) -> Change:
    new = copy.deepcopy(case)
    place: Any = new
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return Change(kind, layer, what, False, new)
