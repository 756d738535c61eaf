"""From records to traces: the same code serves the file that is read and the run that is still going."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from deeplocalize.errors import TraceError
from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.file import Record, read_records
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Failure, FloatArray, IntArray, Layer, Run, Sample, Trace


def read_traces(path: str | Path) -> tuple[Trace, ...]:
    """Read every training recorded in a trace file, in the order in which they began.

    Raises:
        TraceError: the file cannot be read or is damaged; the message names the file and says what is wrong.
    """
    path = Path(path)
    builders: dict[int, TraceBuilder] = {}
    for record in read_records(path):
        try:
            builders.setdefault(record.training, TraceBuilder()).add(record)
        except (msgspec.ValidationError, ValueError, KeyError, IndexError, TypeError) as error:
            raise TraceError(
                f"{path} is damaged: a '{record.kind}' record cannot be read ({error}): record it again"
            ) from None
    return tuple(builders[key].trace() for key in sorted(builders))


class TraceBuilder:
    """Gathers the records of one training and makes a Trace of them at any time."""

    def __init__(self) -> None:
        self._run = Run(framework="unknown", backend="unknown")
        self._layers: tuple[Layer, ...] = ()
        self._data = DataCard()
        self._steps: list[tuple[list[str], IntArray, FloatArray, IntArray]] = []
        self._samples: list[tuple[list[str], IntArray, FloatArray]] = []
        self._orders: list[str] = []
        self._sample: Sample | None = None
        self._failures: list[Failure] = []
        self._kept: list[int] = []
        self._complete = False

    def add(self, record: Record) -> None:
        """Take one record. Unknown kinds are passed over, so that a newer writer does no harm."""
        match record.kind:
            case "facts":
                self._add_facts(record.facts)
            case "steps":
                steps, values, order = record.arrays
                _expect(
                    values.shape == (len(steps), len(record.facts["names"])), "the table of steps has another shape"
                )
                self._orders += record.facts.get("orders", [])
                self._steps.append((record.facts["names"], steps, values, order))
            case "samples":
                steps, values = record.arrays
                _expect(
                    values.ndim == 3 and values.shape[:2] == (len(steps), len(record.facts["series"])),
                    "the table of samples has another shape",
                )
                self._samples.append((record.facts["series"], steps, values))
            case "rows":
                self._sample = Sample(*record.arrays)
            case "failure":
                self._failures.append(msgspec.convert(record.facts["failure"], Failure))
            case "kept" if record.facts["missing"] is None:
                self._kept.append(int(record.facts["step"]))
            case "end":
                self._run = dataclasses.replace(self._run, ended=record.facts["ended"])
                self._complete = True

    def _add_facts(self, facts: dict[str, Any]) -> None:
        if "run" in facts:
            self._run = msgspec.convert(facts["run"], Run)
        if "layers" in facts:
            self._layers = msgspec.convert(facts["layers"], tuple[Layer, ...])
        if "data" in facts:
            self._data = msgspec.convert(facts["data"], DataCard)

    def trace(self) -> Trace:
        """The trace so far."""
        steps, scalars, order = _join_steps(self._steps)
        sampled, columns = _join_samples(self._samples, len(self._layers))
        return Trace(
            run=self._run,
            layers=self._layers,
            data=self._data,
            steps=steps,
            scalars=scalars,
            sampled=sampled,
            columns=columns,
            orders=tuple(self._orders),
            order=order,
            sample=self._sample,
            failures=tuple(self._failures),
            kept=tuple(self._kept),
            complete=self._complete,
        )


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)


def _frozen(array: Any) -> Any:
    array.flags.writeable = False
    return array


def _join_steps(
    blocks: Iterable[tuple[list[str], IntArray, FloatArray, IntArray]],
) -> tuple[IntArray, dict[str, FloatArray], IntArray]:
    blocks = list(blocks)
    total = sum(len(steps) for _, steps, _, _ in blocks)
    steps, order = np.zeros(total, np.int64), np.full(total, -1, np.int64)
    scalars: dict[str, FloatArray] = {}
    at = 0
    for names, block_steps, values, block_order in blocks:
        here = slice(at, at + len(block_steps))
        steps[here], order[here] = block_steps, block_order
        for column, name in enumerate(names):
            scalars.setdefault(name, np.full(total, np.nan))[here] = values[:, column]
        at = here.stop
    return _frozen(steps), {name: _frozen(values) for name, values in scalars.items()}, _frozen(order)


def _join_samples(
    blocks: Iterable[tuple[list[str], IntArray, FloatArray]], layers: int
) -> tuple[IntArray, dict[Series, FloatArray]]:
    blocks = list(blocks)
    total = sum(len(steps) for _, steps, _ in blocks)
    sampled = np.zeros(total, np.int64)
    columns: dict[Series, FloatArray] = {}
    at = 0
    for names, steps, values in blocks:
        here = slice(at, at + len(steps))
        sampled[here] = steps
        width = min(layers, values.shape[2])
        for column, name in enumerate(names):
            target = columns.setdefault(Series.parse(name), np.full((total, layers), np.nan))
            target[here, :width] = values[:, column, :width]
        at = here.stop
    return _frozen(sampled), {series: _frozen(values) for series, values in columns.items()}
