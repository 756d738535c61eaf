"""The names of what is recorded: quantities of each layer, and quantities of a step as a whole."""

from __future__ import annotations

from typing import NamedTuple


class Series(NamedTuple):
    """The name of a quantity recorded for each layer, such as ``weight_gradient.rms``."""

    role: str
    stat: str

    def __str__(self) -> str:
        return f"{self.role}.{self.stat}"

    @classmethod
    def parse(cls, text: str) -> Series:
        """Read ``role.stat`` back. Raises ValueError if there is no dot in it."""
        role, stat = text.split(".", 1)
        return cls(role, stat)


TENSOR_ROLES = (
    "input",  # what the layer is given; only its nonfinite count, and only where something is not finite
    "preactivation",  # what goes into the layer's nonlinearity; only where the layer has one
    "activation",  # what the layer hands on, after its nonlinearity
    "activation_gradient",  # d loss / d activation
    "weight",  # the layer's kernels: its own parameters of two or more axes, or all of them if it has none such
    "weight_gradient",  # d loss / d weight, as the optimizer was given it
    "weight_update",  # weight after the optimizer step minus weight before it
)
"""Roles of tensors, in the order in which a value passes through them."""

TENSOR_STATS = (
    "nonfinite",  # number of NaN and infinite elements, exact over the whole tensor (for weights: all parameters)
    "mean",  # mean, RMS, minimum and maximum over the finite elements; NaN if there are none
    "rms",
    "min",
    "max",
    "zeros",  # share of elements that are exactly zero
    "dead",  # activation only: share of units that are zero for every example of the batch
    "saturated",  # activation only: share of units in the flat part of their nonlinearity for every example
    "spread",  # activation only: RMS over units of the standard deviation over the examples, 0 = same output for all
)

LAYER_STATES = (
    "training",  # 1 if the layer ran in training mode in this step, 0 if in evaluation mode
    "trainable",  # share of the layer's parameters that may be trained
    "optimized",  # share of the layer's parameters that an optimizer holds
    "reached",  # share of the layer's trainable parameters that got a gradient in this step
    "graph",  # 1 if the layer ran while gradients were recorded in this step, 0 if only while they were not
    "time_axis",  # length of the axis that a recurrent or attention layer takes for time; of others, and of a single
    "batch_axis",  # sequence, NaN; and of the axis that it takes for the batch
)

SCALARS = (
    "time",  # seconds since recording began, at the end of the step
    "epoch",  # counted from 0, where the framework knows it
    "loss",  # the value whose gradient trained the step; the mean over the backward passes of the step
    "loss.nonfinite",  # 1 if the loss was NaN or infinite (then `loss` is NaN), else 0
    "learning_rate",  # of the first parameter group
    "batch_size",  # examples in the step
    "gradient_norm",  # L2 norm over all optimized parameters, as the optimizer was given it
    "forwards",  # forward passes with gradients enabled
    "backwards",
    "zero_grads",  # calls that cleared gradients, where such a call exists
    "optimizer_steps",  # more than one when several optimizers step together
    "scheduler_steps",
    "stale_gradient",  # 1 if, when the step's first backward pass began, gradients of an applied step were left, or are applied again
    "cleared_gradient",  # 1 if the optimizer was given no gradient, or zeros only
    "input.nonfinite",  # number of NaN and infinite elements
    "target.nonfinite",
    "prediction.nonfinite",
    "prediction.min",  # of what the (first) loss was given, before anything the loss itself applies
    "prediction.max",
    "prediction.mean",
    "prediction.std",
    "prediction.spread",  # RMS over outputs of the standard deviation over examples: 0 = the same answer for all
    "prediction.row_sum_error",  # largest |sum over the last axis - 1|; NaN if that axis has one element
    "accuracy",  # share of the batch's examples classified right, for classification
    "other_steps",  # optimizer steps that other trainings of the same process took since this one's last
    "accumulated",  # number of backward passes the step gathers, where the program averages them itself
    "input.digest",  # a number in [0, 1) that two batches share only if their first inputs are the same
    "target.count",  # how many targets the first loss is given: the length of their first axis
    "target.majority",  # share of the batch's labels that are its most frequent one
    "target.ignored",  # share of the batch's labels that the loss leaves out
    "target.copied",  # share of the labels of a sequence that are the tokens in the same places of the input
    "clipped",  # by what gradient clipping multiplied the gradient, 1 = left it as it was; NaN without clipping
    "idle_clips",  # calls that clip gradients before there are any, or are given none
    "repeated_backwards",  # backward passes from a loss from which one had gone back before
    "unused_backwards",  # backward passes on other batches whose gradients were cleared before the step could use them
    "rebuilt_optimizers",  # optimizers that the same call built anew for the same parameters since the last step
    "rebuilt_schedulers",  # learning-rate schedulers that the same call built anew since the last step
    "loss_scale",  # by what the loss is multiplied against underflow, where a step that is skipped counts as one
    "rebuilt_models",  # models that the same call built in place of one that was trained for a single step
    "validation.loss",  # on data that are not trained on, where the program computes it
    "validation.target_rms",  # of targets that are quantities, there
)
"""Quantities recorded for a step as a whole. Besides these: ``metric.<name>`` and more of ``validation.<name>``."""
