"""What a replay found, in words."""

from __future__ import annotations

import math
import textwrap

from deeplocalize.frameworks.replay import Replayed, Value
from deeplocalize.reports.text import clean, counted, number
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

_HEADS = {
    "data": "{what} was not finite when the step was given it.",
    "weights": "{what} was not finite before the step began: an earlier update, or the program itself, made it so.",
    "forward": "{operation} made the first value that is not finite.",
    "backward": "{operation} made the first gradient that is not finite, in the backward pass.",
    "update": "The update by {operation} made the first value that is not finite.",
}

GROWN = 100.0
"""A weight so many times its largest value at the first record is called grown."""


def render(found: Replayed, trace: Trace, width: int) -> str:
    """A replay as text."""
    loss = number(found.loss) if math.isfinite(found.loss) else "not finite"
    lines = [f"Step {found.step:,} replayed" + ("" if found.where == "update" else f": its loss is {loss}") + ".", ""]
    if found.where is None:
        lines += ["Every value was finite this time."]
    else:
        what = clean(found.made[0].name, 80) if found.made else ""
        lines += [_HEADS[found.where].format(what=what, operation=_operation(found))]
    if found.source is not None:
        lines += [
            f"  {clean(found.source.path, 300, 300)}:{found.source.line}",
            f"    {clean(found.source.text or '', 200)}",
        ]
    if found.where == "data":
        lines += [f"  It is read first by {_operation(found)}."]
    for title, values in (("It was given", found.inputs), ("It made", found.made)):
        if values:
            shown = title if found.where not in ("data", "weights") else "It has"
            lines += ["", f"{shown}:", *(f"  {_value(each)}" for each in values)]
    notes = [*found.notes, *_grown(found, trace)]
    lines += [""] * bool(notes) + notes
    return "".join(
        textwrap.fill(line, width, subsequent_indent=" " * (len(line) - len(line.lstrip()) + 2)) + "\n"
        for line in lines
    )


def _operation(found: Replayed) -> str:
    if found.target.startswith("layer:"):
        return f"the layer '{clean(found.target.removeprefix('layer:'), 80)}'"
    name = clean(found.operation, 80)
    if found.where == "update":
        return name
    short = clean(found.target.removesuffix(".__get__"), 80)
    return f"{short} ({name})"


def _value(value: Value) -> str:
    shape = "x".join(map(str, value.shape)) or "one number"
    parts = []
    if value.nans:
        parts.append(f"{value.nans:,} NaN")
    if value.infinities:
        parts.append(f"{value.infinities:,} infinite")
    if not math.isnan(value.low):
        rest = "" if value.is_finite else "the rest "
        parts.append(
            rest + (f"{number(value.low)} to {number(value.high)}" if value.low < value.high else number(value.low))
        )
    if value.zeros and value.shape:
        parts.append(counted(value.zeros, "zero").replace("zeros", "zeros"))
    return f"{clean(value.name, 80)} ({shape}): {', '.join(parts)}"


def _grown(found: Replayed, trace: Trace) -> list[str]:
    """What became of the weights of the layers involved, if they grew."""
    before = trace.sampled <= found.step
    low, high = (trace.columns.get(Series("weight", stat)) for stat in ("min", "max"))
    if low is None or high is None or found.where not in ("forward", "backward", "update") or not before.any():
        return []
    largest = abs(low[before]).clip(abs(high[before]))
    steps = trace.sampled[before]
    for layer in trace.layers:
        sizes = largest[:, layer.index]
        first, last = sizes[0], sizes[-1]
        if first > 0 and last > GROWN * first:
            return [
                f"The weights of layer {layer.index} '{clean(layer.name, 60)}' grew from at most {number(first)} in step "
                f"{steps[0]:,} to {number(last)} in step {steps[-1]:,}: the updates are too large, and the operation is "
                "only where that overflows."
            ]
    return []
