"""One model's training: takes what the steps returned and writes the trace."""

from __future__ import annotations

import dataclasses
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np

from deeplocalize.frameworks.keras import decode, describe, facts, origin
from deeplocalize.frameworks.keras.batches import Batches
from deeplocalize.frameworks.keras.describe import Leaves, Shown
from deeplocalize.frameworks.keras.flow import linear_layers
from deeplocalize.frameworks.keras.guard import Guard
from deeplocalize.frameworks.keras.keeping import Keeping
from deeplocalize.frameworks.keras.sites import Sites, line, same_call
from deeplocalize.frameworks.session import Session, TrainingStopped
from deeplocalize.frameworks.source import CallSite
from deeplocalize.trace.schema import Crash, Origin, Run

if TYPE_CHECKING:
    from deeplocalize.frameworks.keras.dispatcher import Dispatcher

FETCH_EVERY = 16
"""Where reading a value means waiting for the device, so many steps are read at a time."""

TROUBLED = 8
"""Of so many unrecorded steps with values that are not finite it is recorded in which layers they were."""


@dataclass
class Pending:
    """A step whose values are still on the device. `more` are scalars that are known already."""

    step: int
    full: bool
    more: dict[str, float]
    keys: tuple[Any, ...] = ()
    vector: Any = None
    rows: Mapping[str, Any] = field(default_factory=dict)


class Compiled(NamedTuple):
    """For what a model was compiled: its optimizer, the call, and the ids of the variables that are trained."""

    optimizer: Callable[[], Any]
    site: CallSite | None
    trained: frozenset[int]


class Made(NamedTuple):
    """How a model came about: the call that built it, its layers, and the number of their parameters, if they are built."""

    site: CallSite | None
    layers: list[type]
    parameters: int | None

    def is_like(self, other: Made) -> bool:
        """True if the same call built the other, with the same layers."""
        counts = {self.parameters, other.parameters} - {None}
        return self.layers == other.layers and len(counts) < 2 and same_call(self.site, other.site)


class Training:
    """The record of one model's training, over all calls of fit and train_on_batch.

    Attributes:
        known: what is known besides the model.
        shown: by layer, what its steps showed of it.
        epoch: of the fit that is going on, None outside of one.
        fitting: fit was called and has not come to its end.
        stage: where the step was that raised an exception; None if none did.
        restored: weights were set since the last step, so that an optimizer built anew is meant to be.
    """

    def __init__(self, session: Session, model: Any, sites: Sites, on: Any) -> None:
        self.session = session
        self.safe = Guard(session)
        self.recorder = session.log.recorder()
        self.model = weakref.ref(model)
        self.known = facts.Known(sites)
        self.shown: dict[int, Shown] = {}
        self.epoch: int | None = None
        self.fitting = False
        self.stage: tuple[str, int | None] | None = None
        self.finished = False
        self.restored = False
        self._given: tuple[Any, Any] = (None, None)
        self._on = on
        self._step = self._since = self._stepped = 0
        self._rebuilt = False
        self._made: Made | None = None
        self._batches = Batches()
        self._pending: deque[Pending] = deque()
        self._began = time.monotonic()
        self._asked = -1
        self._sampling = False
        self._described = False
        self._troubled = 0
        self._stop = False
        self._means: tuple[float, int] = (0.0, 0)
        self._compiled: Compiled | None = None
        self._keeping: Keeping | None = None
        self._origin: Origin | None = None

    def is_replaced(self, model: Any) -> bool:
        """True if the model was compiled since its first step: by another call, or for other parameters.

        What is compiled again by the same call for the same parameters, as in every round of a loop, is continued.
        """
        if self._compiled is None:
            return False
        before, now = self._compiled, self._compiled_as(model)
        return before.optimizer() is not now.optimizer() and before[1:] != now[1:]

    def is_continued_by(self, model: Any) -> bool:
        """True if the model was built in place of the training's own, by the same call, after the one step that this one was
        trained. Weights that were set meanwhile are a copy, and meant to be."""
        if self._step - self._since != 1 or self._made is None or self.restored or self.finished:
            return False
        return self.known.sites.is_after("built", model, self._stepped) and self._made.is_like(self._made_as(model))

    def _made_as(self, model: Any) -> Made:
        layers = [type(leaf.layer) for leaf in Leaves(model, {}).all]
        return Made(self.known.sites.get("built", model), layers, model.count_params() if model.built else None)

    def continue_with(self, model: Any, built: CallSite | None) -> None:
        """This model, which a call built anew, is trained from now on."""
        self.model, self.known.model_built = weakref.ref(model), built
        self._since, self._compiled, self._keeping, self._described = self._step, None, None, False
        self._rebuilt = True

    def _is_rebuilt(self, model: Any) -> bool:
        """True if the model was compiled again since the step before, so that what its optimizer had gathered is gone."""
        before, restored, self.restored = self._compiled, self.restored, False
        if before is None or before.optimizer() is not getattr(model, "optimizer", None):
            self._compiled = self._compiled_as(model)
        return before is not None and before is not self._compiled and not restored

    def _compiled_as(self, model: Any) -> Compiled:
        optimizer = getattr(model, "optimizer", None)
        reference = weakref.ref(optimizer) if optimizer is not None else lambda: None
        trained = frozenset(id(each) for each in model.trainable_variables)
        return Compiled(reference, self.known.sites.get("compile", model), trained)

    def failed(self, stage: str, error: BaseException | str) -> None:
        """Note a failure of ours."""
        self.session.failed(stage, error, self.recorder)

    @property
    def began(self) -> bool:
        """True once a step came to its end."""
        return self._step > 0

    # ---- steps --------------------------------------------------------------------------------------------------

    def stop_if_asked(self) -> None:
        """End the training between two steps if a listener wants that; between, since then jax's state is whole.

        Raises:
            TrainingStopped: a listener wants that.
        """
        if self._stop:
            self._stop = False
            raise TrainingStopped

    def begin_step(self) -> bool:
        """A step begins; True if its layers are to be recorded."""
        self.stage = None
        if self._asked != self._step:
            self._asked = self._step
            self._sampling = bool(self.safe("step", self.recorder.due, self._step))
        return self._sampling

    def holds(self, model: Any) -> bool:
        """True if batches are to be held on to, for a replay."""
        if self._keeping is None and self.recorder.keeps:
            self._keeping = Keeping(model, self._on)
        return self._keeping is not None and self._keeping.wanted

    def hold(self, model: Any, state: tuple[Any, ...], batches: list[Any]) -> None:
        """Hold on to what it takes to replay the step that begins; on tensorflow its batch is known after it."""
        if self.holds(model) and self._keeping is not None:
            self._keeping.begin_step(self._step, model, state, self._sampling)
            if keras.backend.backend() != "tensorflow":
                for batch in batches[:1]:
                    self._keeping.took(batch)

    def end_step(self, dispatcher: Dispatcher, outputs: Any, extras: Mapping[str, Any] | None, full: bool) -> None:
        """The train function was executed, for one step or the several that Keras executes at once."""
        executed = max(1, int(getattr(dispatcher.model, "steps_per_execution", 1)))
        more = {
            "time": time.monotonic() - self._began,
            "forwards": 1.0,
            "backwards": 1.0,
            "optimizer_steps": float(executed),
        }
        if self.epoch is not None:
            more["epoch"] = float(self.epoch)
        more["rebuilt_optimizers"] = float(bool(self.safe("step", self._is_rebuilt, dispatcher.model)))
        more["rebuilt_models"], self._rebuilt = float(self._rebuilt), False
        if self._step == self._since:
            self._made = self.safe("step", self._made_as, dispatcher.model)
        self._stepped = self.known.sites.count
        self._step += executed
        pending = Pending(self._step - 1, full and extras is not None, more)
        self.safe("step", self._take, pending, dispatcher, outputs, extras)
        self._pending.append(pending)
        self.safe("step", self.drain, 1)

    def _take(self, pending: Pending, dispatcher: Dispatcher, outputs: Any, extras: Mapping[str, Any] | None) -> None:
        seen = dispatcher.last
        if extras is None:
            pending.more |= self._from_outside(outputs)
        elif seen is not None:
            pending.vector, pending.rows = extras["vector"], extras["rows"]
            pending.keys = dispatcher.keys_of
            self.known.weighted = self.known.weighted or seen.weighted
        if extras is not None and "batch" in extras and self._keeping is not None:
            self._keeping.took(extras["batch"])
        if seen is not None and seen.parameters.applied.keys() - self.known.used:
            self.known.used |= seen.parameters.applied.keys()
            self._described = False
        if seen is not None and self.known.take_calls(seen.layers.called, seen.taps.called):
            self._described = False
        if seen is not None and seen.terms and not self.known.terms:
            self.known.terms = seen.terms
            self.known.inner_softmax = seen.layers.flow.inner_softmax
            for leaf in dispatcher.leaves.all:
                leaf.shown.activation_after = seen.layers.flow.after.get(leaf.index)
            self.known.linear = linear_layers(dispatcher.leaves.all)
            dispatcher.leaves.takes_untracked = False
            self._described = False
        if not self._described:
            self.describe(dispatcher.model, dispatcher.leaves)

    def _from_outside(self, outputs: Any) -> dict[str, float]:
        """The loss of a step whose inside is not seen: from Keras's mean over the epoch, as if batches were of equal size."""
        logs = outputs[0] if isinstance(outputs, tuple) else outputs
        if not isinstance(logs, dict) or "loss" not in logs:
            return {}
        mean, (before, count) = float(keras.ops.convert_to_numpy(logs["loss"])), self._means
        self._means = (mean, count + 1) if self.epoch is not None else (0.0, 0)
        return {"loss": mean * (count + 1) - before * count}

    def drain(self, keep: int = 0) -> None:
        """Bring pending steps to the host and record them; the last `keep` wait for what the end of an epoch adds."""
        while len(self._pending) > keep:
            step = self._pending[0]
            if (
                keep
                and step.vector is not None
                and len(self._pending) < FETCH_EVERY
                and not self._on.ready(step.vector)
            ):
                return
            self._pending.popleft()
            self.safe("step", self._write, step)

    def _write(self, step: Pending) -> None:
        values = self._fetched(step)
        scalars = step.more | decode.scalars(values)
        scalars = decode.with_loss(scalars, scalars.pop("loss", None))
        if self.known.batch_size is None and "batch_size" in scalars:
            self.known.batch_size = int(scalars["batch_size"])
        if step.full or self._in_trouble(values):
            self.recorder.sample(step.step, decode.columns(values))
        if step.rows:
            loss = self.recorder.run.objectives[0].loss if self.recorder.run and self.recorder.run.objectives else None
            scalars |= self.safe("data", self._batches.add, step.step, step.rows, values, loss) or {}
        self.recorder.step(step.step, scalars, "fbs")
        if step.rows and self._batches.seen & (self._batches.seen - 1) == 0:  # after 1, 2, 4, 8, ... recorded steps
            self.safe("data", self.write_data)
        self.safe("replay", self._keep, step.step, scalars, values)
        self._stop = self.session.stepped(self.recorder, step.step) or self._stop

    def _keep(self, step: int, scalars: Mapping[str, float], values: decode.Values) -> None:
        """Keep a step, for a replay, if its loss, a gradient or a weight was not finite."""
        model = self.model()
        if self._keeping is None or model is None:
            return
        tensors = any(decode.nonfinite(values, role) for role in ("weight", "weight_gradient"))
        if scalars.get("loss.nonfinite", 0) == 0 and not tensors:
            self._keeping.settled(step)
        elif (kept := self._keeping.keep(step, model, self.known.sites)) is not None:
            self.recorder.keep(kept)
            self._origin = origin.find(self._keeping.candidates, step, scalars, values)

    def _fetched(self, step: Pending) -> dict[tuple[str, int, str], float]:
        if step.vector is None:
            return {}
        numbers = np.asarray(keras.ops.convert_to_numpy(step.vector), np.float64)
        return dict(zip(step.keys[int(numbers[0])], numbers[1:].tolist(), strict=True))

    def _in_trouble(self, values: decode.Values) -> bool:
        bad = decode.nonfinite(values)
        self._troubled += bad
        return bad and self._troubled <= TROUBLED

    # ---- fit ----------------------------------------------------------------------------------------------------

    def begin_fit(self, arguments: Mapping[str, Any], filename: str | None) -> None:
        """fit was called, with these arguments, in that file of the user's."""
        self.fitting = True
        self.known.take_fit(arguments, filename)
        self.known.too_late = self.safe("step", self._unfrozen_too_late) or frozenset()
        self._given = (arguments.get("x"), arguments.get("y"))

    def _unfrozen_too_late(self) -> frozenset[int]:
        """The ids of variables that may be trained now, but might not when a step was compiled that goes on to be used."""
        model = self.model()
        if (
            model is None
            or self._compiled is None
            or self._compiled.optimizer() is not getattr(model, "optimizer", None)
        ):
            return frozenset()
        return frozenset(id(each) for each in model.trainable_variables) - self._compiled.trained

    def take_params(self, params: Mapping[str, Any]) -> None:
        """Keras told the callbacks how many epochs and steps there will be."""
        self.known.epochs, self.known.steps_per_epoch = params.get("epochs"), params.get("steps")
        self.known.fits += 1
        self._described = False

    def end_fit(self, model: Any, more_may_come: bool) -> None:
        """fit is about to return. `more_may_come`: an evaluation after it would be seen, and adds to the last step."""
        self.drain(int(more_may_come))
        self.safe("callback", self.known.monitors.fit_ended, self.restored)
        self.fitting, self.epoch, self._given = False, None, (None, None)
        if isinstance(leaves := getattr(model.train_function, "leaves", None), Leaves):
            self.describe(model, leaves, trained=True)
        self.write_data()

    def begin_epoch(self, epoch: int) -> None:
        """An epoch of fit begins."""
        self.epoch, self._means = epoch, (0.0, 0)
        if self._keeping is not None:
            self._keeping.begin_epoch()

    def end_epoch(self, logs: Mapping[str, Any]) -> None:
        """An epoch of fit is over; its metrics are recorded with its last step."""
        self.safe("callback", self.known.monitors.epoch_ended, self.model(), logs)
        self.add_metrics({name[4:]: value for name, value in logs.items() if name.startswith("val_")}, "validation")
        self.add_metrics({name: value for name, value in logs.items() if not name.startswith("val_")}, "metric")

    def add_metrics(self, metrics: Mapping[str, Any], prefix: str) -> None:
        """Record metrics with the latest step."""
        for name, value in metrics.items():
            if self._pending and isinstance(value, int | float | np.number):
                self._pending[-1].more[f"{prefix}.{name}"] = float(value)

    def evaluated(self, x: Any, site: CallSite | None) -> None:
        """The model was evaluated on these inputs: by the call at `site`, or by fit."""
        given = site.arguments(("x", "y")) if site is not None else {}
        source = given.get("validation_data" if self.epoch is not None else "x", line(site))
        self.known.evaluations.evaluated(x, self._step, source)

    # ---- facts --------------------------------------------------------------------------------------------------

    def describe(self, model: Any, leaves: Leaves, trained: bool = False) -> None:
        """State what is known of the model and the run; `trained`: a fit is over."""
        self._described = True
        layers = facts.layers(leaves, self.known, trained)
        self.recorder.describe(facts.run(model, leaves, layers, self.known), layers)

    def write_data(self) -> None:
        """State what is known of the data."""
        objectives = self.recorder.run.objectives if self.recorder.run is not None else ()
        first = objectives[0] if objectives else None
        card = self._batches.card(first.loss if first else None, first.head.units if first else None)
        self.recorder.describe(data=card)
        if (sample := self._batches.sample()) is not None:
            self.recorder.rows(sample)

    def look_at_arrays(self) -> None:
        """Take the arrays that fit was given, if no step came so far as to show any data."""
        if not self._batches.seen:
            self._batches.add_arrays(*self._given, describe.input_names(self.model()))

    def finish(self, ended: str, crash: Crash | None = None) -> None:
        """The run is over: write what is left."""
        if self.finished:
            return
        self.finished = True
        self.safe("step", self.drain)
        self.safe("data", self.write_data)
        run = self.recorder.run or Run("keras", keras.backend.backend())
        evaluations = self.known.evaluations.found
        self.recorder.describe(
            dataclasses.replace(run, ended=ended, crash=crash, origin=self._origin, evaluations=evaluations)
        )
        self.recorder.finish(ended)
