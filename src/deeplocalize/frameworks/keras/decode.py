"""From the numbers of a step, as the device computed them, to the scalars and columns of the trace."""

from __future__ import annotations

import math
from collections.abc import Mapping

from deeplocalize.frameworks.keras import statistics
from deeplocalize.trace.names import LAYER_STATES, Series

Values = Mapping[tuple[str, int, str], float]
"""By (role, index of the layer, statistic); see observation.Key."""


def scalars(values: Values) -> dict[str, float]:
    """The quantities of the step as a whole; a loss that is not finite is said to be so and left out."""
    found = {name: value for (role, _, name), value in values.items() if role == "step"}
    scale, total = found.pop("gradient.scale", None), found.pop("gradient.sum", None)
    if scale is not None and total is not None:
        found["cleared_gradient"] = float(scale == 0)
        if not nonfinite(values, "weight_gradient"):
            found["gradient_norm"] = scale * math.sqrt(total) / _loss_scale(values)
    inputs = [value for (role, _, _), value in values.items() if role == "batch"]
    return found | ({"input.nonfinite": sum(inputs)} if inputs else {})


def with_loss(found: dict[str, float], loss: float | None) -> dict[str, float]:
    """The scalars with a loss: its value if it is finite, and whether it is."""
    if loss is None:
        return found
    finite = math.isfinite(loss)
    return found | {"loss.nonfinite": float(not finite)} | ({"loss": loss} if finite else {})


def nonfinite(values: Values, role: str | None = None) -> bool:
    """True if any element that was looked at is not finite (of tensors of that role, if one is given).

    On an accelerator an unrecorded step tells that there are such elements by a count that is no finite number itself.
    """
    return any(role in (None, each) and stat == "nonfinite" and value != 0 for (each, _, stat), value in values.items())


def is_spoiled(values: Values, role: str) -> bool:
    """True if any element of tensors of that role is not finite, whether the step was recorded closely or not."""
    of_role = {(layer, stat): value for (each, layer, stat), value in values.items() if each == role}
    counted = any(stat == "finite" and value != of_role[layer, "read"] for (layer, stat), value in of_role.items())
    return counted or nonfinite(values, role)


def columns(values: Values) -> dict[Series, list[float]]:
    """Statistics of the layers, for each series one number a layer."""
    groups: dict[tuple[str, int], dict[str, float]] = {}
    for (role, layer, stat), value in values.items():
        if role not in ("step", "batch"):
            groups.setdefault((role, layer), {})[stat] = value
    for role, layer in [key for key in groups if key[0].endswith(statistics.REST)]:
        rest, own = groups.pop((role, layer)), groups[role.removesuffix(statistics.REST), layer]
        own["more nonfinite"] = own.get("more nonfinite", 0.0) + rest["read"] - rest["finite"]
    width = 1 + max((layer for _, layer in groups), default=0)
    table: dict[Series, list[float]] = {}
    for (role, layer), raw in groups.items():
        for stat, value in _row(role, raw, _loss_scale(values)).items():
            table.setdefault(Series(role, stat), [math.nan] * width)[layer] = value
    return table


def _row(role: str, raw: dict[str, float], loss_scale: float) -> dict[str, float]:
    if role == "layer":
        return {name: raw[name] for name in LAYER_STATES if name in raw}
    if "read" not in raw:
        count = raw["nonfinite"] if math.isfinite(raw["nonfinite"]) else 1.0
        return {"nonfinite": count} if count or role != "input" else {}
    return statistics.decoded(raw, 1 / loss_scale if role.endswith("gradient") else 1.0)


def _loss_scale(values: Values) -> float:
    """By how much the gradients are larger because the loss was scaled against underflow; NaN if nothing is left of them."""
    return values.get(("step", 0, "loss_scale"), 1.0) or math.nan
