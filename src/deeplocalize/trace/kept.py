"""A step that was kept whole, so that it can be carried out once more: the program as data, and its arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deeplocalize.errors import TraceError
from deeplocalize.trace.file import Record, read_records

KIND = "kept"

MAX_BYTES = 64 * 2**20
"""Weights and batch of a step that is kept have at most so many bytes together; a larger step is not kept."""


@dataclass(frozen=True)
class Kept:
    """The first step of a training in which a value was not finite.

    Attributes:
        step: the optimizer step.
        framework: whose `replay` understands the program.
        program: what is needed to carry the step out, as JSON values; empty if the step could not be kept.
        arrays: the weights, the batch and what else the program reads, by name.
        missing: why the step could not be kept, None if it was.
        training: which training of the process it belongs to.
    """

    step: int
    framework: str
    program: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    missing: str | None = None
    training: int = 0

    def record(self) -> Record:
        """The step as a record of a trace file."""
        facts = {
            "step": self.step,
            "framework": self.framework,
            "program": dict(self.program),
            "names": list(self.arrays),
            "missing": self.missing,
        }
        return Record(KIND, self.training, facts, tuple(self.arrays.values()))


def read_kept(path: str | Path) -> Iterator[Kept]:
    """The steps that a trace file keeps, in the order in which they were kept.

    Raises:
        TraceError: the file cannot be read or is damaged; the message names the file and says what is wrong.
    """
    for record in read_records(Path(path)):
        if record.kind == KIND:
            yield _kept(record, path)


def _kept(record: Record, path: str | Path) -> Kept:
    facts = record.facts
    try:
        arrays = dict(zip(map(str, facts["names"]), record.arrays, strict=True))
        missing = facts["missing"]
        return Kept(
            int(facts["step"]),
            str(facts["framework"]),
            dict(facts["program"]),
            arrays,
            None if missing is None else str(missing),
            record.training,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise TraceError(
            f"{path} is damaged: the step that it keeps cannot be read ({error}): record it again"
        ) from None
