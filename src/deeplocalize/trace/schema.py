"""The vocabulary of a trace: what a training run looks like when nobody knows which framework ran it.

A :class:`Trace` is a value. A probe fills it through :class:`~deeplocalize.trace.recorder.Recorder`, a file holds
it, and everything to the right of it (signals, rules, diagnosis) only reads it. Arrays are numpy, facts are frozen
dataclasses that survive a round trip through JSON.

Steps are optimizer steps, counted from 0. A value that was not recorded is NaN in an array and ``None`` in a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.monitors import Monitor
from deeplocalize.trace.names import Series
from deeplocalize.trace.source import Source as Source
from deeplocalize.trace.weights import Loading, Restoring

FORMAT_VERSION = 1

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Layer:
    """One of the model's own layers, in the order the user listed them; input layers are left out.

    `kind` is one of KINDS. `activation` is the nonlinearity that this layer's output passes through before the next
    layer sees it, wherever it is written (in the layer, as a layer of its own, as a function), by its common name
    (`relu`, `sigmoid`, `softmax`, ...), `linear` if there is none, None if that is not known.
    `order` is the place in the first forward pass, None if the layer took no part in it.
    `settings` are numbers, flags and names that the layer was built with, by their common names: `rate` of a dropout,
    `stddev` of noise, `bias`, `axis`, `epsilon`, `momentum`, `batch_first`, `l1` and `l2` of a penalty on its kernel.
    `dtype` is that of its kernels.
    `registered` is False for a layer that the model calls but does not list as its own, such as one in a plain list.
    `unplaced` is, of a self-attention without a mask, the index of the embedding whose vectors it is given as they are, without
    anything that says where in the sequence they stand; None if that is not so, or not known.
    Shapes leave out the batch axis; None stands for an axis of varying length.
    """

    index: int
    name: str
    type: str
    kind: str
    activation: str | None = None
    initializer: str | None = None
    input_shape: tuple[int | None, ...] | None = None
    output_shape: tuple[int | None, ...] | None = None
    parameters: int = 0
    trainable: bool = True
    order: int | None = None
    registered: bool = True
    settings: dict[str, float | bool | str | None] = field(default_factory=dict)
    dtype: str | None = None
    source: Source | None = None
    sources: dict[str, Source] = field(default_factory=dict)  # lines of single arguments, such as "activation"
    unplaced: int | None = None


KINDS = [
    "dense",
    "conv",
    "recurrent",
    "attention",
    "embedding",
    "norm",
    "batch-norm",
    "activation",
    "dropout",
    "pooling",
    "reshape",
    "merge",
    "rescaling",
    "noise",
    "custom",
    "other",
]


@dataclass(frozen=True)
class Loss:
    """A loss term.

    `kind` is the loss by its common name: cross-entropy (over classes), binary-cross-entropy, negative-log-likelihood,
    mean-squared-error, mean-absolute-error, huber, hinge, kl-divergence, poisson, other.
    `takes` says what it reads from the prediction: logits, probabilities, log-probabilities, values; None if unknown.
    `targets` says how it reads a target: class-index, one-hot (one number for each class), elementwise.
    `ignore_index` is the class index that it leaves out, None if there is none. `broadcasts`: it was given a prediction
    and a target of different shapes and compared them by broadcasting. `factor` is what the program multiplied it with
    before it was minimized, so below 0 it was maximized. `class_weights` are the weights of the classes, by class.
    `multiplies_all`: it is the mean of a number of each example times the factors of all, (examples) times (examples, 1).
    """

    kind: str
    name: str
    takes: str | None = None
    targets: str | None = None
    reduction: str | None = "mean"
    label_smoothing: float = 0.0
    weighted: bool = False
    ignore_index: int | None = None
    broadcasts: bool = False
    factor: float = 1.0
    class_weights: tuple[float, ...] = ()
    source: Source | None = None
    multiplies_all: bool = False


@dataclass(frozen=True)
class Head:
    """Where a loss gets its prediction from.

    `layer` is the last layer with parameters before the loss; `activation` the nonlinearities between that layer and
    the loss, joined by ``+`` in order (``linear`` if none, None if unknown); `activation_layer` the layer that carries
    the last of them (the layer itself, a layer of its own, or None when it is a function call); `source` its line.
    `units` is the length of the prediction's class or feature axis. `normalized_axis` is the axis over which its softmax
    adds up to 1, the batch axis being 0; None if there is none, or it is not known. `linear`: what that layer puts out is known
    to be linear in the inputs, all layers before it included.
    """

    layer: int | None = None
    activation: str | None = None
    activation_layer: int | None = None
    units: int | None = None
    shape: tuple[int | None, ...] | None = None
    source: Source | None = None
    normalized_axis: int | None = None
    linear: bool = False


@dataclass(frozen=True)
class Objective:
    """A loss term with the head it judges. A multi-task program has several."""

    loss: Loss
    head: Head = Head()


@dataclass(frozen=True)
class Optimizer:
    """An optimizer by its common name (`sgd`, `adam`, ...) and the settings it was built with.

    `misplaced`: it holds what another one holds, and steps after gradients for a model that none holds.
    """

    kind: str
    name: str
    settings: dict[str, float | bool | str | None] = field(default_factory=dict)
    parameters: int = 0
    source: Source | None = None
    sources: dict[str, Source] = field(default_factory=dict)  # lines of single arguments, such as "learning_rate"
    misplaced: bool = False


@dataclass(frozen=True)
class Crash:
    """The exception that ended the run. `layer` is the index of the layer it came from, `during` the stage
    (forward, loss, backward, update, other).

    Where backward came upon the graph of an earlier step, `carried` is the name of what leads there, and `carried_as` says
    what that is: an input of the model, a variable, an attribute of a module, a sum of losses, or the loss itself.
    """

    type: str
    message: str
    during: str = "other"
    layer: int | None = None
    source: Source | None = None
    carried: str | None = None
    carried_as: str | None = None


@dataclass(frozen=True)
class Origin:
    """The operation that made the first value that is not finite, where it is neither a layer nor a known loss.

    `operation` is its common name (log, sqrt, division, ...); `after` the layer whose output went into it, None if
    none is known; `source` the user's line.
    """

    step: int
    operation: str
    after: int | None = None
    source: Source | None = None


@dataclass(frozen=True)
class PassedOver:
    """Batches in training that the program passed over: the model's answer to them holds NaN, and no gradient was computed.

    `batches` counts them, `used` those from which a gradient was computed, `of_inputs` those passed over whose inputs were not
    finite themselves. Of the first of them, `layer` is the layer at which NaN or infinity is first seen, None if it is behind
    all layers; `given` is True if it was in what that layer was given; `origin` the operation that made it, where it is known.
    """

    batches: int
    used: int
    of_inputs: int = 0
    layer: int | None = None
    given: bool = False
    origin: Origin | None = None

    @property
    def share(self) -> float:
        """The share of all batches that they are."""
        return self.batches / max(1, self.batches + self.used)


@dataclass(frozen=True)
class Softmax:
    """A softmax inside of a model over a single number, where several are to be weighed, or over the examples. `shape` is that of its
    output, `axis` its own (0: the examples), `after` the layer whose output it is given, if it is one."""

    shape: tuple[int | None, ...]
    axis: int
    after: int | None = None
    source: Source | None = None


@dataclass(frozen=True)
class Evaluation:
    """Passes without gradients of the trained model, between two steps or after the last one.

    `step` is the number of steps before them. `passes` counts those with layers that answered as in training (dropout
    dropped units, batch normalization went by the batch), `layers` are the indices of these; `proper` counts the passes
    without such layers. `examples` is the number of rows they were given, `repeated` the share of rows that were given
    before among them, `trained` the share of the rows trained on that is found among them (None: not known), `again` is
    True if an earlier evaluation was given the same rows. `scale` is the RMS of its inputs over that of the inputs trained on.
    """

    step: int
    passes: int
    proper: int = 0
    examples: int = 0
    layers: tuple[int, ...] = ()
    repeated: float | None = None
    trained: float | None = None
    again: bool = False
    source: Source | None = None
    scale: float | None = None


@dataclass(frozen=True)
class Scaling:
    """Optimizer steps that were asked of what scales the loss against underflow, and how many it skipped since the gradient
    was not finite. Those are none of the trace's steps.

    `latest` counts the last of them, up to a bound, and `latest_skipped` what was skipped of these. `first` is the scale
    at the beginning, `scale` the latest. `lost`: the loss was not finite either when one was skipped.
    """

    asked: int
    skipped: int
    latest: int
    latest_skipped: int
    first: float
    scale: float
    lost: bool = False


@dataclass(frozen=True)
class Run:
    """What was run and with which settings.

    `sources` holds the lines of calls: compile, fit, forward, loss, backward, step, zero_grad, scheduler, eval, model, clip,
    idle_clip (the one that clips before there are gradients), empty_clip (one that is given none), loader (the one that built it), workers (its argument that says
    how they begin, else how many they are), batch (the user's own that takes batches from it), shuffle, dtype (what gives the
    weights 16 bits), scaler (its first scale, or else what built it), scheduler_built, backward_again, model_built (the one in
    the loop that builds models anew), where known. `ended` is running, completed, interrupted, raised or stopped (by us, at
    the user's wish). `parameters` counts all parameters of the model, `trainable` those that may be trained, `optimized` those
    that an optimizer holds. `examples` is the size of the data set, `batches` the number of different batches that it makes,
    where the program says so; `workers` the number of processes that load them. `shuffled` is True too if a sampler of the
    user's own decides on the order, and only then is `own_order` True. `unapplied` counts the backward passes of a training
    whose optimizer never took a step, as long as nothing else changed the weights either. `evaluations` are the first few and
    the latest. `keeps_weights` is True if the program may go back to the weights of an earlier step: it saves or copies them
    as it trains, or stops by itself; None if that is not known. `restored` are its own weights that it was given back.
    """

    framework: str
    backend: str
    model: str = "model"
    script: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()
    optimizers: tuple[Optimizer, ...] = ()
    batch_size: int | None = None
    epochs: int | None = None
    steps_per_epoch: int | None = None
    parameters: int = 0
    trainable: int = 0
    optimized: int = 0
    unapplied: int = 0
    shuffled: bool | None = None
    examples: int | None = None
    loaded: tuple[Loading, ...] = ()
    sources: dict[str, Source] = field(default_factory=dict)
    ended: str = "running"
    crash: Crash | None = None
    origin: Origin | None = None
    batches: int | None = None
    workers: int | None = None
    own_order: bool | None = None
    evaluations: tuple[Evaluation, ...] = ()
    keeps_weights: bool | None = None
    scaling: Scaling | None = None
    inner_softmax: Softmax | None = None
    restored: tuple[Restoring, ...] = ()
    passed_over: PassedOver | None = None
    monitors: tuple[Monitor, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Something of ours that went wrong while watching. Training went on without it."""

    stage: str
    message: str
    step: int | None = None


@dataclass(frozen=True)
class Sample:
    """A bounded number of rows really trained on: input [rows, features], target [rows, ...], prediction [rows, ...].

    Rows are from the latest steps recorded; `steps` [rows] says which.
    """

    steps: IntArray
    inputs: FloatArray
    targets: FloatArray
    predictions: FloatArray


@dataclass(frozen=True)
class Trace:
    """The record of one training: of one model, or of several that share an optimizer.

    Attributes:
        steps: [steps] the optimizer steps, ascending.
        scalars: by name, [steps] each; NaN = not recorded in that step. See SCALARS.
        sampled: [samples] the steps in which layers were recorded.
        columns: by series, [samples, layers] each; NaN = not recorded.
        orders: the distinct orders of events within a step, as letters: f forward, b backward, z zero_grad,
            s optimizer step, c scheduler step, e forward without gradients.
        order: [steps] an index into `orders`, -1 = not recorded.
        kept: the steps that a replay can carry out again.
        complete: False if the file ends before the run did (the process was killed, or is still running).
    """

    run: Run
    layers: tuple[Layer, ...]
    data: DataCard
    steps: IntArray
    scalars: Mapping[str, FloatArray]
    sampled: IntArray
    columns: Mapping[Series, FloatArray]
    orders: tuple[str, ...] = ()
    order: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    sample: Sample | None = None
    failures: tuple[Failure, ...] = ()
    kept: tuple[int, ...] = ()
    complete: bool = True

    def has(self, *needs: str | Series) -> bool:
        """True if every need is there: a series or scalar with at least one number, or a fact named in FACTS."""
        return not self.missing(*needs)

    def missing(self, *needs: str | Series) -> tuple[str, ...]:
        """The needs that this trace cannot meet, as text."""
        return tuple(str(need) for need in needs if not self._met(need))

    def _met(self, need: str | Series) -> bool:
        if isinstance(need, Series):
            return bool(np.isfinite(self.columns.get(need, np.zeros(0))).any())
        if need in FACTS:
            return bool(FACTS[need](self))
        return bool(np.isfinite(self.scalars.get(need, np.zeros(0))).any())

    def series(self, role: str, stat: str) -> FloatArray:
        """A column by name, [samples, layers]; all NaN if it was never recorded."""
        blank = np.full((len(self.sampled), len(self.layers)), np.nan)
        return self.columns.get(Series(role, stat), blank)

    def scalar(self, name: str) -> FloatArray:
        """A quantity of the step by name, [steps]; all NaN if it was never recorded."""
        return self.scalars.get(name, np.full(len(self.steps), np.nan))


FACTS: dict[str, Callable[[Trace], object]] = {
    "steps": lambda trace: len(trace.steps) > 0,
    "layers": lambda trace: trace.layers,
    "objective": lambda trace: trace.run.objectives,
    "optimizer": lambda trace: trace.run.optimizers,
    "inputs": lambda trace: trace.data.inputs,
    "targets": lambda trace: trace.data.targets,
    "baseline": lambda trace: trace.data.baseline_loss is not None,
    "sample": lambda trace: trace.sample is not None,
    "evaluations": lambda trace: trace.run.evaluations,
}
"""Facts a rule may need, by name."""
