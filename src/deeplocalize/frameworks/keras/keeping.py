"""Keeping what it takes to replay the first step of a Keras training in which a value was not finite.

A compiled step hands out its weights only when they are changed already. So now and then they are copied before a step, and
the batches since are held on to. Once a loss, a gradient or a weight is not finite, the copy and those batches are written
into the trace, with the program: its layers and operations as data, see program.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import tree

from deeplocalize.frameworks.keras import origin
from deeplocalize.frameworks.keras.program import array, as_data, leaves, variable_names
from deeplocalize.frameworks.keras.sites import Sites, line
from deeplocalize.frameworks.keras.stored import stored_object
from deeplocalize.frameworks.keras.vjp import random_state
from deeplocalize.frameworks.stored import CannotStoreError, stored_source
from deeplocalize.trace.kept import MAX_BYTES, Kept

FEWEST, MOST = 16, 64
"""Steps between two copies of the weights: at least so many, so that it costs little, and at most, for the replay's sake."""


@dataclass
class Stretch:
    """Steps from one copy of the weights to the next.

    Attributes:
        start: the first step.
        values: of the model's trained variables, its others, and the optimizer's, before it.
        random: the state of the backend's random generator, if it has one.
        batches: of each step.
        size: bytes of all that.
        largest: bytes of its largest batch.
    """

    start: int
    values: Sequence[Any]
    random: np.ndarray | None
    size: int
    batches: list[Any] = field(default_factory=list)
    largest: int = 0

    def take(self, batch: Any, size: int) -> None:
        """One more batch, of so many bytes."""
        self.batches.append(batch)
        self.size += size
        self.largest = max(self.largest, size)


class Keeping:
    """Keeps at most one step of a training.

    Attributes:
        refused: why none can be kept, None if it can.
        candidates: once a step was kept, the operations that may have made what was not finite.
    """

    def __init__(self, model: Any, on: Any) -> None:
        self.refused = _refusal(model, on)
        self.candidates: tuple[origin.Candidate, ...] = ()
        self._on = on
        self._stretches: list[Stretch] = []
        self._new = True
        self._done = False

    @property
    def wanted(self) -> bool:
        """True as long as batches are to be held on to."""
        return self.refused is None and not self._done

    def begin_epoch(self) -> None:
        """Callbacks may have changed weights and learning rate."""
        self._new = True

    def begin_step(self, step: int, model: Any, state: tuple[Any, ...], recorded: bool) -> None:
        """A step begins; on jax the values of the variables are in `state`."""
        if not (self.wanted and model.built and model.optimizer.built):
            return
        if not (self._new or not self._stretches or self._is_over(self._stretches[-1], step, recorded)):
            return
        self._new = False
        size = sum(map(_size, (*model.variables, *model.optimizer.variables)))
        if size > MAX_BYTES:
            self.refused = f"its weights have {size / 2**20:.0f} MB, and at most {MAX_BYTES // 2**20} MB are kept"
            self._stretches.clear()
            return
        self._stretches.append(Stretch(step, self._on.copies(model, state), random_state(), size))

    def _is_over(self, stretch: Stretch, step: int, recorded: bool) -> bool:
        count = len(stretch.batches)
        missed = count != step - stretch.start
        full = stretch.size + stretch.largest > MAX_BYTES
        return missed or full or count >= MOST or (recorded and count >= FEWEST)

    def took(self, batch: Any) -> None:
        """The step that is going on is of this batch."""
        if self.wanted and self._stretches:
            batch = tree.map_structure(lambda each: each.copy() if isinstance(each, np.ndarray) else each, batch)
            self._stretches[-1].take(batch, sum(map(_size, tree.flatten(batch))))

    def settled(self, step: int) -> None:
        """All values of a step, and of those before it, were finite."""
        while len(self._stretches) > 1 and self._stretches[1].start <= step:
            del self._stretches[0]

    def keep(self, step: int, model: Any, sites: Sites) -> Kept | None:
        """A value of a step was not finite: the step as data, None if one was kept before."""
        if self._done:
            return None
        self._done = True
        stretch = next((each for each in reversed(self._stretches) if each.start <= step), None)
        try:
            if self.refused is not None:
                raise CannotStoreError(self.refused)
            if stretch is None or len(stretch.batches) <= step - stretch.start:
                raise CannotStoreError("its batch was not seen")
            return self._kept(step, stretch, model, sites)
        except CannotStoreError as error:
            return Kept(step, "keras", missing=str(error))
        finally:
            self._stretches.clear()

    def _kept(self, step: int, stretch: Stretch, model: Any, sites: Sites) -> Kept:
        trained, others, optimizer = model.trainable_variables, model.non_trainable_variables, model.optimizer
        names = variable_names(model)
        variables = [*trained, *others]
        arrays = {
            f"variable/{names[id(each)]}": array(value)
            for each, value in zip(variables, stretch.values, strict=False)  # the optimizer's follow
        }
        arrays |= {f"optimizer/{at}": array(value) for at, value in enumerate(stretch.values[len(variables) :])}
        if stretch.random is not None:
            arrays["random"] = stretch.random
        batches = stretch.batches[: step - stretch.start + 1]
        for at, batch in enumerate(batches):
            arrays |= {f"batch/{at}/{name}": array(value) for name, value in leaves(batch)}
        with self._on.with_values([*variables, *optimizer.variables], stretch.values):
            stored_optimizer = stored_object(optimizer, "optimizer")
            tracer, program = as_data(model, batches[-1], names, sites)
        self.candidates = origin.candidates(tracer)
        arrays |= {f"constant/{name}": value for name, value in tracer.constants.items()}
        size = sum(each.nbytes for each in arrays.values())
        if size > MAX_BYTES:
            raise CannotStoreError(
                f"its weights and batches have {size / 2**20:.0f} MB, and at most {MAX_BYTES // 2**20} MB are kept"
            )
        site = sites.get("built", optimizer) or sites.get("compile", model)
        facts = {
            "backend": keras.backend.backend(),
            "start": stretch.start,
            "trained": [names[id(each)] for each in trained],
            "optimizer": stored_optimizer,
            "step": stored_source(line(site)),
        }
        return Kept(step, "keras", facts | program, arrays)


def _size(value: Any) -> int:
    """Bytes of a tensor, of which a dimension may be ragged; few numbers have more than 4."""
    return 4 * math.prod(size or 1 for size in getattr(value, "shape", ()))


def _refusal(model: Any, on: Any) -> str | None:
    own = [name for name in ("train_step", "compute_loss") if not _is_of_keras(getattr(type(model), name, None))]
    if own:
        return f"its {own[0]} is the program's own"
    if int(getattr(model, "steps_per_execution", 1) or 1) > 1:
        return "several steps are executed at once"
    if not on.is_on_cpu():
        return "it is done on the CPU alone"
    if getattr(model.optimizer, "inner_optimizer", None) is not None:
        return "its loss is scaled for mixed precision"
    return None


def _is_of_keras(function: Any) -> bool:
    return getattr(function, "__module__", "keras.").startswith("keras.")
