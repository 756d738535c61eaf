"""The only writer of traces. A probe holds one Recorder for each training it watches."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.definitions import LAYERS_DENSE, SCALARS_DENSE, Schedule
from deeplocalize.trace.file import Record, TraceWriter
from deeplocalize.trace.kept import Kept
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Failure, Layer, Run, Sample, Trace
from deeplocalize.trace.store import TraceBuilder

FLUSH_SECONDS = 0.5
"""Scalars of fast steps are gathered for at most this long before they are written."""

MAX_FAILURES = 20
"""So many different failures of ours are kept; a hook that fails in every step must not fill the disk."""


class TraceLog:
    """Everything recorded in one process: a file (if one is wanted) and one Recorder for each training.

    Attributes:
        path: of the file, None without one.
        layers_dense: how densely layers are recorded; see Schedule.
        recorders: one for each training, in the order in which they began.
        steps: optimizer steps of all trainings so far.
    """

    def __init__(self, path: str | Path | None = None, layers_dense: int = LAYERS_DENSE) -> None:
        """Record to `path`, a file that must not exist yet (TraceError otherwise), or in memory alone."""
        self.layers_dense = layers_dense
        self.path = Path(path) if path is not None else None
        self._writer = TraceWriter(self.path) if self.path else None
        self.recorders: list[Recorder] = []
        self.steps = 0

    def recorder(self) -> Recorder:
        """A recorder for one more training."""
        recorder = Recorder(self, len(self.recorders))
        self.recorders.append(recorder)
        return recorder

    def write(self, record: Record) -> None:
        """Append a record to the file, if there is one. A disk that fails ends the file, not the training."""
        if self._writer is None:
            return
        try:
            self._writer.write(record)
        except OSError as error:
            self._writer.close()
            self._writer = None
            if self.recorders:
                self.recorders[0].failure("trace file", error)

    def traces(self) -> tuple[Trace, ...]:
        """The trainings recorded so far, as traces."""
        return tuple(recorder.trace() for recorder in self.recorders)

    def close(self) -> None:
        """Write what is left and close the file."""
        for recorder in self.recorders:
            recorder.flush()
        if self._writer is not None:
            self._writer.close()


class Recorder:
    """Takes what a probe saw of one training, keeps it in memory and appends it to the log's file."""

    def __init__(self, log: TraceLog, training: int) -> None:
        self._log = log
        self._training = training
        self._builder = TraceBuilder()
        self._stepped = log.steps
        self._names: list[str] = []
        self._rows: list[tuple[int, dict[str, float], int]] = []
        self._orders: dict[str, int] = {}
        self._new_orders: list[str] = []
        self._flushed = time.monotonic()
        self._began = time.monotonic()
        self._failures: set[tuple[str, str]] = set()
        self._late: dict[str, float] = {}
        self._layer_schedule = Schedule(log.layers_dense)
        self._scalar_schedule = Schedule(SCALARS_DENSE)
        self._sampled: set[int] = set()
        self.run: Run | None = None
        self.layers: tuple[Layer, ...] = ()

    def due(self, step: int) -> bool:
        """True if the layers are to be recorded in this step. Ask once for each step, in ascending order."""
        return self._layer_schedule.due(step)

    def describe(
        self, run: Run | None = None, layers: Sequence[Layer] | None = None, data: DataCard | None = None
    ) -> None:
        """State facts; a later statement replaces an earlier one. Layers keep their index once stated."""
        facts: dict[str, Any] = {}
        if run is not None and run != self.run:
            self.run = run
            facts["run"] = run
        if layers is not None and tuple(layers) != self.layers:
            self.layers = tuple(layers)
            facts["layers"] = self.layers
        if data is not None:
            facts["data"] = data
        if facts:
            self._emit(Record("facts", self._training, _json_ready(facts)))

    def step(self, step: int, scalars: Mapping[str, float], order: str = "") -> None:
        """Record a finished optimizer step: its scalars (see schema.SCALARS) and the order of its events.

        Long runs are thinned: see Schedule. A step whose loss is not finite, or whose layers were recorded, is kept. What
        validation said in a step that is not is recorded with the next one.
        """
        others, self._stepped = self._log.steps - self._stepped, self._log.steps + 1
        self._log.steps += 1
        notable = step in self._sampled or scalars.get("loss.nonfinite", 0) > 0
        if not self._scalar_schedule.due(step) and not notable:
            self._late |= {name: value for name, value in scalars.items() if name.startswith("validation.")}
            return
        if order and order not in self._orders and len(self._orders) < 64:
            self._orders[order] = len(self._orders)
            self._new_orders.append(order)
        values = {"time": time.monotonic() - self._began, "other_steps": float(others)} | self._late | dict(scalars)
        self._late = {}
        self._rows.append((step, values, self._orders.get(order, -1)))
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def sample(self, step: int, columns: Mapping[Series, Any]) -> None:
        """Record statistics of the layers in a step: for each series one number a layer, NaN where there is none."""
        if not columns:
            return
        self._sampled.add(step)
        width = max(len(np.atleast_1d(values)) for values in columns.values())
        table = np.full((1, len(columns), width), np.nan, np.float32)
        with np.errstate(over="ignore"):
            for row, values in enumerate(columns.values()):
                table[0, row, : len(np.atleast_1d(values))] = values
        names = [str(series) for series in columns]
        self._emit(Record("samples", self._training, {"series": names}, (np.array([step], np.int64), table)))

    def rows(self, sample: Sample) -> None:
        """Keep a bounded number of rows really trained on, in place of those kept before."""
        arrays = (sample.steps, sample.inputs, sample.targets, sample.predictions)
        self._emit(Record("rows", self._training, {}, tuple(np.asarray(array) for array in arrays)))

    @property
    def keeps(self) -> bool:
        """True if there is a file that a step can be kept in."""
        return self._log.path is not None

    def keep(self, kept: Kept) -> None:
        """Keep a step whole in the file, for `replay`."""
        self._emit(dataclasses.replace(kept, training=self._training).record())

    def failure(self, stage: str, error: BaseException | str, step: int | None = None) -> None:
        """Note something of ours that went wrong. The same failure is noted once."""
        message = one_line(error)
        if (stage, message) in self._failures or len(self._failures) >= MAX_FAILURES:
            return
        self._failures.add((stage, message))
        failure = _json_ready({"failure": Failure(stage, message, step)})
        self._emit(Record("failure", self._training, failure))

    def finish(self, ended: str) -> None:
        """Say how the training ended: completed, interrupted, raised or stopped."""
        self.flush()
        self._emit(Record("end", self._training, {"ended": ended}))

    def flush(self) -> None:
        """Write the scalars gathered so far."""
        self._flushed = time.monotonic()
        if not self._rows:
            return
        names = list(dict.fromkeys(name for _, values, _ in self._rows for name in values))
        table = np.array([[values.get(name, math.nan) for name in names] for _, values, _ in self._rows])
        steps = np.array([step for step, _, _ in self._rows], np.int64)
        order = np.array([index for _, _, index in self._rows], np.int64)
        facts = {"names": names, "orders": self._new_orders}
        self._rows, self._new_orders = [], []
        self._emit(Record("steps", self._training, facts, (steps, table, order)))

    def trace(self) -> Trace:
        """Everything recorded so far, as a Trace."""
        self.flush()
        return self._builder.trace()

    def _emit(self, record: Record) -> None:
        self._builder.add(record)
        self._log.write(record)


def one_line(error: BaseException | str) -> str:
    """An error as one line of bounded length."""
    message = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return message.split("\n")[0][:500]


def _json_ready(facts: dict[str, Any]) -> dict[str, Any]:
    """Plain JSON values; a number that is not finite becomes null."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(facts))
    return plain
