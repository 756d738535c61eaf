"""One training: an optimizer (or several that step together), its models, and the record of its steps."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from deeplocalize.frameworks.session import Session, TrainingStopped
from deeplocalize.frameworks.source import CallSite
from deeplocalize.frameworks.torch import describe, facts, origin, rebuilt, scaling, stats
from deeplocalize.frameworks.torch.batches import CARD_SAMPLES, Batches, count_nonfinite
from deeplocalize.frameworks.torch.columns import activation_columns, add_trouble, table
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.frameworks.torch.loaders import Feed
from deeplocalize.frameworks.torch.loop import Loop, counts
from deeplocalize.frameworks.torch.models import Model
from deeplocalize.frameworks.torch.objective import Reading, steady, value_factor
from deeplocalize.frameworks.torch.optimizers import Owned
from deeplocalize.frameworks.torch.parameters import Parameters, held_by, share
from deeplocalize.frameworks.torch.record import StepRecord, fetch, numbers, padded, tensors_of
from deeplocalize.frameworks.torch.scaling import Scaled
from deeplocalize.frameworks.torch.unheld import Unheld
from deeplocalize.trace.schema import Layer, Origin, Run

FETCH_EVERY = 16
"""On an accelerator values stay on the device for so many steps before one copy brings them all to the host."""

MAX_ORDER = 24

DESCRIBE_SECONDS = 1.0
"""What is known of the run is written again after this long, so that a killed program loses no more."""


@dataclass
class Backward:
    """A backward pass since the last step: the loss (a number, or still on its device), what it was made of, and the
    operation that made it not finite."""

    loss: float | Tensor
    factor: float
    readings: list[Reading] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    origin: origin.Found | None = None


class Training:
    """Takes the events of one training and writes its trace."""

    def __init__(self, session: Session, versions: dict[str, str], loose: bool = False) -> None:
        """`loose`: what its optimizer holds are parameters of no model, such as tensors that the program made itself."""
        self.session = session
        self.loose = loose
        self.recorder = session.log.recorder()
        self.models: list[Model] = []
        self.optimizers: list[Owned] = []
        self.calls: dict[str, CallSite] = {}
        self.step = 0
        self.sampling = self.recorder.due(0)
        self.backwards: list[Backward] = []
        self.stale = False
        self.events = ""
        self.batch_size: int | None = None
        self.unapplied = 0
        self.origin: origin.Found | None = None
        self.feed = Feed()
        self.loop = Loop()
        self.unheld = Unheld()
        self._versions = versions
        self.cleared_backwards: list[Backward] = []
        self._readings: list[Reading] = []
        self._batches = Batches()
        self._pending: list[StepRecord] = []
        self._stepped: set[int] = set()
        self._parameters = Parameters()
        self._facts: Run | None = None
        self._since = 0
        self._described = time.monotonic()
        self.on_accelerator = False
        self.scaled: list[Scaled] = []
        self._lost = False

    # ---- membership -------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[LayerState]:
        """The layers of all models, in order; their place in this list is their index in the trace."""
        return [layer for model in self.models for layer in model.layers]

    def add_model(self, model: Model) -> None:
        """A model belongs to this training from now on."""
        if model not in self.models:
            self.models.append(model)
            model.sampling = self.sampling
        self._parameters.belong_to(self.layers)

    @property
    def is_gone(self) -> bool:
        """True if there is nothing left that could be trained."""
        return not self.live_optimizers() and all(model.is_gone for model in self.models)

    @property
    def was_brief(self) -> bool:
        """True if its models were trained for one step so far."""
        return self.step - self._since == 1

    def is_continued_by(self, models: Sequence[Model]) -> bool:
        """True if these models were built in place of the training's own, after the one step that those were trained."""
        return self.was_brief and not self.loop.restored and rebuilt.take_the_place(models, self.models)

    def continue_with(self, models: Sequence[Model], built: CallSite | None) -> None:
        """These models, which a call built anew, are trained from now on."""
        self.models, self.optimizers, self._since = [], [], self.step
        self.loop.rebuilt_models += len(models)
        if built is not None:
            self.calls["model_built"] = built

    def add_optimizer(self, optimizer: torch.optim.Optimizer, site: CallSite | None, held: frozenset[int]) -> None:
        """An optimizer belongs to this training from now on, in place of one that the same call built before it."""
        if self.owns(optimizer):
            return
        self.optimizers = [each for each in self.optimizers if not each.is_continued_by(site, held)]
        self.optimizers.append(Owned.of(optimizer, site, held))
        self.on_accelerator = any(
            not stats.on_host(each) for group in optimizer.param_groups for each in group["params"]
        )

    def live_optimizers(self) -> list[torch.optim.Optimizer]:
        """The optimizers that still exist."""
        return [optimizer for each in self.optimizers if (optimizer := each.reference()) is not None]

    def owns(self, optimizer: torch.optim.Optimizer) -> bool:
        """True if the optimizer belongs to this training."""
        return any(each.reference() is optimizer for each in self.optimizers)

    def take_batch_size(self) -> None:
        """Count the examples of the batch that the models were given last."""
        given = next((model.last_inputs for model in self.models if model.last_inputs), None)
        self.batch_size = len(given[0][1]) if given else self.batch_size

    # ---- events -----------------------------------------------------------------------------------------------

    def event(self, letter: str) -> None:
        """Note an event of the loop."""
        if letter == "z":
            self.cleared_backwards = self.backwards or self.cleared_backwards
            self.backwards, self.stale = [], self.stale and bool(self._stepped)  # of what is applied already
            self.loop.cleared()
        self.events += letter

    def close_open_step(self) -> None:
        """Finish a step of several optimizers, now that the next one has begun."""
        if self._stepped:
            self._finish_step()

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        """The optimizer is about to change the weights."""
        if id(optimizer) in self._stepped:
            self._finish_step()
        if self.sampling and not self._stepped:
            self.loop.step_begins(self.live_optimizers(), self.step > 0)
        self.stale |= self.loop.left.applied_again(optimizer)
        self.unheld.stepped(optimizer, self.backwards[-1].models if self.backwards else ())
        self._take_gradients(optimizer)
        if self.sampling:
            self._parameters.take_weights()

    def after_step(self, optimizer: torch.optim.Optimizer, recompute_gradients: bool) -> None:
        """The optimizer changed the weights."""
        if recompute_gradients:
            self._take_gradients(optimizer)
        if self.sampling:
            self._parameters.take_updates()
        self.loop.unused.forget()
        self.events += "s"
        self.loop.left.applied(optimizer, recompute_gradients)
        self._stepped.add(id(optimizer))
        if len(self.live_optimizers()) == 1:
            self._finish_step()

    def skipped(self, count: int) -> None:
        """A step was asked for and skipped, `count` in all. It is none, but where no other follows it is all that is seen."""
        self._take_origin(self.backwards)
        if count & (count - 1):
            return
        self._lost = not all(math.isfinite(float(each.loss)) for each in self.backwards)
        if not self.step:
            self.take_readings()
            self._facts = self._run_now()
            self.recorder.describe(self.run(), self.layer_facts())

    def _take_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        if self.sampling or self.on_accelerator:
            self._parameters.take_norms(optimizer, bool(self._stepped))
        if self.sampling:
            self._parameters.take_gradients(optimizer)

    # ---- the end of a step ------------------------------------------------------------------------------------

    def _finish_step(self) -> None:
        backwards = self.backwards or self.cleared_backwards
        readings = next((each.readings for each in reversed(backwards) if each.readings), [])
        self._take_origin(backwards)
        self.feed.step()
        scalars = self._scalars(backwards)
        quiet = not self.sampling and not self.on_accelerator and all(math.isfinite(each.loss) for each in backwards)
        if self.sampling:
            scalars |= self._batches.look(self.models, readings, self.step)
        elif any(isinstance(each.loss, float) and not math.isfinite(each.loss) for each in backwards):
            scalars |= count_nonfinite(self.models, readings)
        record = StepRecord(
            self.step,
            self.events[:MAX_ORDER],
            scalars,
            {} if quiet else activation_columns(self.layers) | self._parameters.columns,
            self._layer_states() if self.sampling else {},
            {} if quiet else {at: layer.sentinels for at, layer in enumerate(self.layers) if layer.sentinels},
            {} if quiet else {at: layer.entrances for at, layer in enumerate(self.layers) if layer.entrances},
            [each for model in self.models for each in model.entrances],
            self._parameters.norms,
            self.sampling,
        )
        self._pending.append(record)
        self._describe(readings)
        if self.sampling or not self.on_accelerator or len(self._pending) >= FETCH_EVERY:
            self.drain()
        self._next_step()

    def _take_origin(self, backwards: Sequence[Backward]) -> None:
        found = next((each.origin for each in backwards if each.origin is not None), None)
        if self.origin is None and found is not None:
            self.origin = dataclasses.replace(found, step=self.step - found.steps_ago)

    def _next_step(self) -> None:
        step, self.step = self.step, self.step + 1
        self.sampling = self.recorder.due(self.step)
        self.backwards, self.cleared_backwards, self.events, self.stale = [], [], "", False
        self._stepped = set()
        self._parameters.next_step()
        for model in self.models:
            model.clear()
            model.sampling = self.sampling
        if self.session.stepped(self.recorder, step):
            raise TrainingStopped

    def _scalars(self, backwards: Sequence[Backward]) -> dict[str, Any]:
        optimizers = self.live_optimizers()
        rate = optimizers[0].param_groups[0].get("lr") if optimizers and optimizers[0].param_groups else None
        return {
            "loss": [each.loss for each in backwards],
            "loss_factors": [abs(each.factor) for each in backwards],
            "learning_rate": float(rate) if isinstance(rate, int | float) else rate if rate is not None else math.nan,
            "batch_size": float(self.batch_size) if self.batch_size else math.nan,
            "stale_gradient": float(self.stale),
            "accumulated": float(max(1, len(backwards))),
            "cleared_gradient": self._parameters.cleared,
            **facts.validation(self.models),
            **counts(self.events),
            **self.loop.taken(),
        }

    def _layer_states(self) -> dict[str, list[float]]:
        held, layers = held_by(*self.live_optimizers()), self.layers
        return {
            "training": [math.nan if layer.training is None else float(layer.training) for layer in layers],
            "graph": [layer.graph for layer in layers],
            "trainable": [share(each.requires_grad for each in layer.parameters) for layer in layers],
            "optimized": [share(id(each) in held for each in layer.parameters) for layer in layers],
            "reached": self._parameters.reached or [math.nan] * len(layers),
        } | self._axes()

    def _axes(self) -> dict[str, list[float]]:
        axes = [layer.axes or (math.nan, math.nan) for layer in self.layers]
        names = ("time_axis", "batch_axis") if any(layer.axes for layer in self.layers) else ()
        return {name: [float(each[at]) for each in axes] for at, name in enumerate(names)}

    # ---- writing ----------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Bring pending values to the host, in one copy a device, and record them."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        fetched = fetch([tensor for record in pending for tensor in tensors_of(record)])
        for record in pending:
            self._write(record, fetched)

    def _write(self, record: StepRecord, fetched: dict[int, Tensor]) -> None:
        scalars = numbers(record, fetched)
        columns = {key: padded(row, fetched) for key, row in record.columns.items()}
        trouble = add_trouble(record, columns, fetched)
        if trouble and record.inputs:
            scalars["input.nonfinite"] = float(
                not all(math.isfinite(float(fetched[id(each)])) for each in record.inputs)
            )
        if record.sampled or trouble or scalars.get("loss.nonfinite"):
            self.recorder.sample(record.step, table(columns, record.states, len(self.layers)))
        self.recorder.step(record.step, scalars, record.order)

    # ---- facts ------------------------------------------------------------------------------------------------

    def _describe(self, readings: Sequence[Reading]) -> None:
        if readings:
            self._readings = steady(readings, self._readings)
        if not self.sampling or not self._is_time_to_describe():
            return
        data = None
        if self._batches.seen <= CARD_SAMPLES or self._batches.seen % 8 == 0:
            data = self._batches.card(self._readings)
            if (sample := self._batches.sample()) is not None and self._batches.seen & (self._batches.seen - 1) == 0:
                self.recorder.rows(sample)
        if self._facts is None or not (self._gone() or len(self.live_optimizers()) < len(self.optimizers)):
            self._facts = self._run_now()
        self.recorder.describe(self.run(), self.layer_facts(), data)

    def _is_time_to_describe(self) -> bool:
        """True in the recorded steps 1, 2, 4, 8, ... and otherwise not more often than once a second."""
        now = time.monotonic()
        if self._batches.seen & (self._batches.seen - 1) and now - self._described < DESCRIBE_SECONDS:
            return False
        self._described = now
        return True

    def layer_facts(self) -> tuple[Layer, ...]:
        """The layers as facts, with their index in this training."""
        return facts.layers(self.models, self._filename())

    def _filename(self) -> str | None:
        """The user's file that trains."""
        return next((self.calls[call].filename for call in ("step", "backward", "forward") if call in self.calls), None)

    def run(self, ended: str = "running", crash: Any = None) -> Run:
        """The run as facts: as they were in the last recorded step, for a program may change the model afterwards; only
        what broke the program is told as it was then."""
        self._facts = self._facts or self._run_now()
        told = dataclasses.replace(
            self._facts,
            ended=ended,
            crash=crash,
            origin=self._origin(),
            scaling=scaling.merged(self.scaled, self._lost),
            monitors=self.loop.plateaus.found,
            **facts.seen(self.models, self._facts.loaded),
        )
        return dataclasses.replace(told, trainable=facts.trainable(self.models)) if crash and not self._gone() else told

    def _origin(self) -> Origin | None:
        return self.origin.fact({id(layer): at for at, layer in enumerate(self.layers)}) if self.origin else None

    def _gone(self) -> bool:
        return any(model.root is None for model in self.models)

    def _run_now(self) -> Run:
        index = {id(layer): at for at, layer in enumerate(self.layers)}
        return Run(
            framework="torch",
            backend="torch",
            model=" + ".join(model.name for model in self.models) or "model",
            versions=self._versions,
            objectives=tuple(reading.objective(index) for reading in self._readings),
            optimizers=describe.optimizers(self.optimizers, self._filename(), self.unheld.place(self.optimizers)),
            batch_size=self.batch_size,
            unapplied=self.unapplied,
            **facts.of_models(self.models, held_by(*self.live_optimizers())),
            sources={name: site.source for name, site in self.calls.items()}
            | facts.data_lines(self.calls, self.models)
            | self.feed.lines()
            | {what: line for each in self.scaled for what, line in each.lines().items()},
            **self.feed.facts(),
        )

    def last_factor(self) -> float | None:
        """By what the loss was multiplied when it was last looked at; None if it never was."""
        return value_factor(self._readings) if self._readings else None

    def finish(self, ended: str, crash: Any = None) -> None:
        """The run is over: write what is left."""
        self.close_open_step()
        self.drain()
        if (sample := self._batches.sample()) is not None:
            self.recorder.rows(sample)
        self.recorder.describe(self.run(ended, crash), self.layer_facts(), self._batches.card(self._readings))
        self.recorder.finish(ended)

    def take_readings(self) -> None:
        """Take what the loss was made of from the latest backward pass, in a training that has no step."""
        self._readings = next((each.readings for each in reversed(self.backwards) if each.readings), self._readings)

    def look_at_crash(self, readings: list[Reading]) -> None:
        """Take the inputs and targets of a step that never came to its end."""
        if readings:
            self._readings = readings
        self._batches.look(self.models, readings, self.step)
