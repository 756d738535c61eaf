"""The weights have 16 bits, and most updates are lost when they are added to them.

What it means
A bfloat16 number has 8 binary digits. What is smaller than a 512th of a weight disappears when it is added to it: the sum
is rounded back to the weight. Here that happens to most of them, step after step, so no number of steps adds up to anything.

Why it hurts
Most weights keep their random start, however long the training goes on, though gradients and learning rate are fine. The
same program learns with weights of 32 bits.

How it is recognized
All of this holds for the kernels of 16 bits that are trained:
- Of the elements whose gradient is not zero, more than `stuck` = 0.5 did not change, in the middle of the recorded steps and
  of the layers (the medians). With 32 bits these are none.
- Harm: the network does not learn although it had time to; or its loss has levelled off where it leaves `left` = 0.5 of the
  constant answer's error more than the five nearest neighbors, each row left out of its own answer.
- The learning rate is not what is wrong: unrounded, the updates that it asks for (the rate times the gradient for SGD, the
  rate itself for Adam and its kin) would have moved the weights by more than `path` = 0.1 of their size over the run.
  Networks show that they learn when that is between a fifth and once, and the sum counts no momentum.

How to fix it
Keep the weights in 32 bits and compute with 16: torch.autocast in PyTorch, the policy mixed_bfloat16 in Keras. Or keep a copy of
the weights in 32 bits that the optimizer works on. A larger learning rate helps only if the network bears it.

When it is wrong
A network that learns well is never accused, so fine-tuning large models in bfloat16 is not. Elements without a gradient (words
that did not occur, dead units) do not count. An optimizer that rounds at random moves few elements in each step on purpose;
of optimizers that are not PyTorch's or Keras's own, nothing is said.

References
P. Micikevicius et al.: Mixed Precision Training, section 3.1, 2018. https://arxiv.org/abs/1710.03740
P. Zamirai et al.: Revisiting BFloat16 Training, 2020. https://arxiv.org/abs/2010.06192
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.movement import distance
from deeplocalize.signals.over_depth import finite, meant_to_change, middle
from deeplocalize.signals.potential import falls_short, has_levelled_off
from deeplocalize.signals.quality import learns_well, recent_loss, steps_seen
from deeplocalize.signals.settings import call_line, learning_rate
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import FloatArray, IntArray, Source, Trace

ZEROS = Series("weight_update", "zeros")

HALVES = ("bfloat16", "float16")

ADAPTIVE = ("adam", "adamw", "nadam", "radam", "adamax", "rmsprop")
"""Optimizers whose steps are about as long as the learning rate, whatever the size of the gradient."""


@rule(
    code="O308",
    severity=Severity.HIGH,
    needs=("steps", "loss", "optimizer", ZEROS, Series("weight_gradient", "zeros"), Series("weight", "rms")),
    explains=("learning-rate-too-low", "loss-no-better-than-constant", "weights-never-change"),
)
def check(trace: Trace, *, stuck: float = 0.5, path: float = 0.1, left: float = 0.5) -> Iterator[Finding]:
    """Yield one finding if most updates of a network that does not learn are lost."""
    layers = np.array([at for at in meant_to_change(trace) if trace.layers[at].dtype in HALVES], np.int64)
    if not len(layers) or np.isinf(recent_loss(trace).value):
        return
    share, wanted = _stuck(trace, layers), _wanted_path(trace, layers)
    if not share > stuck or not wanted > path or not _does_harm(trace, left):
        return
    dtype, optimizer = trace.layers[layers[0]].dtype, trace.run.optimizers[0]
    yield Finding(
        message=f"{share:.0%} of the weights that have a gradient do not change in a step: they are {dtype}, and "
        f"the updates of {optimizer.name} are rounded away. The loss is {recent_loss(trace).value:.4g}.",
        locus=Locus("optimizer", source=_line(trace, int(layers[0])) or optimizer.source),
        evidence=(
            Evidence("share of the weights with a gradient that a step leaves as they are", share, ">", stuck, ZEROS),
            Evidence("path of the weights, over their size, if nothing were rounded", wanted, ">", path),
        ),
        remedies=(_remedy(trace, str(dtype)),),
        first_step=int(trace.sampled[0]),
    )


def _does_harm(trace: Trace, left: float) -> bool:
    well = learns_well(trace)
    return well is False or falls_short(trace, left, None if has_levelled_off(trace) else well) is not None


def _stuck(trace: Trace, layers: IntArray) -> float:
    """Share of the elements with a gradient that did not change: the median over steps with a rate, and layers."""
    still, idle = (finite(trace, role, "zeros")[:, layers] for role in ("weight_update", "weight_gradient"))
    active = (idle < 1) & _rates(trace)[:, None].astype(bool)
    return middle(np.where(active, (still - idle) / np.where(active, 1 - idle, 1.0), np.nan))


def _rates(trace: Trace) -> FloatArray:
    """The learning rate in each recorded step, [samples]; that of the optimizer where it was not recorded."""
    known = dict(zip(trace.steps.tolist(), trace.scalar("learning_rate").tolist(), strict=True))
    usual = learning_rate(trace) or 0.0
    rates = np.array([known.get(step, usual) for step in trace.sampled.tolist()])
    return np.where(np.isfinite(rates), rates, usual)


def _wanted_path(trace: Trace, layers: IntArray) -> float:
    """How far the weights would have come, in units of their size; NaN for an optimizer that is not known."""
    kind = trace.run.optimizers[0].kind
    size, slope = finite(trace, "weight", "rms")[:, layers], finite(trace, "weight_gradient", "rms")[:, layers]
    if kind != "sgd" and kind not in ADAPTIVE:
        return float("nan")
    asked = _rates(trace)[:, None] * (slope if kind == "sgd" else (slope > 0))
    lengths = np.array([middle(row) for row in np.where(size > 0, asked / np.where(size > 0, size, 1.0), np.nan)])
    return float(distance(trace, lengths, np.array([steps_seen(trace)]))[0])


def _line(trace: Trace, layer: int) -> Source | None:
    """The line that gives the weights 16 bits."""
    return trace.layers[layer].sources.get("dtype") or call_line(trace, "dtype")


def _remedy(trace: Trace, dtype: str) -> Remedy:
    if trace.run.framework == "keras":
        text = "Keep the weights in 32 bits, and compute with 16"
        return Remedy(text, f'set_dtype_policy("{dtype}")', f'set_dtype_policy("mixed_{dtype}")')
    text = f"Keep the weights in 32 bits, and compute under torch.autocast(device_type, dtype=torch.{dtype})"
    return Remedy(text, f"model.to(torch.{dtype})", "model.to(torch.float32)")
