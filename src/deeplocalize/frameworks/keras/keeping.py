"""Keeping what it takes to replay the first step of a Keras training in which a value was not finite.

A compiled step hands out its weights only when they are changed already. So now and then they are copied before a step, and
the batches since are held on to. Once a loss, a gradient or a weight is not finite, the copy and those batches are written
into the trace, with the program: its layers and operations as data, see tracing.py and stored.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import math
import random
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops, tree

from deeplocalize.frameworks.keras import objectives, origin
from deeplocalize.frameworks.keras.plan import Planned
from deeplocalize.frameworks.keras.sites import Sites, line
from deeplocalize.frameworks.keras.stored import stored_object, stored_target
from deeplocalize.frameworks.keras.tracing import Tracer
from deeplocalize.frameworks.keras.vjp import random_state
from deeplocalize.frameworks.operations import Names
from deeplocalize.frameworks.stored import CannotStoreError, stored, stored_operation, stored_source
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
        names = _names(model)
        variables = [*trained, *others]
        arrays = {
            f"variable/{names[id(each)]}": _array(value)
            for each, value in zip(variables, stretch.values, strict=False)  # the optimizer's follow
        }
        arrays |= {f"optimizer/{at}": _array(value) for at, value in enumerate(stretch.values[len(variables) :])}
        if stretch.random is not None:
            arrays["random"] = stretch.random
        batches = stretch.batches[: step - stretch.start + 1]
        for at, batch in enumerate(batches):
            arrays |= {f"batch/{at}/{name}": _array(value) for name, value in _leaves(batch)}
        with _unseen(), self._on.with_values([*variables, *optimizer.variables], stretch.values):
            stored_optimizer = stored_object(optimizer, "optimizer")
            tracer, traced = _traced(model, batches[-1], names)
            self.candidates = origin.candidates(tracer)
            program = _program(tracer, traced, names, sites)
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


# ---- as data ----------------------------------------------------------------------------------------------------------


def _names(model: Any) -> dict[int, str]:
    """The names of a model's variables, by their ids: their paths in it."""
    names = Names()
    return {id(each): names.new(each.path.removeprefix(f"{model.name}/")) for each in model.variables}


def _array(value: Any) -> np.ndarray:
    array = np.array(ops.convert_to_numpy(value))
    if array.dtype.kind not in "biuf":
        raise CannotStoreError(f"it has a tensor of {array.dtype}")
    return array


def _parts(batch: Any) -> Iterator[tuple[str, Any]]:
    x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
    yield from (("x", x), ("y", y), ("weight", weight))


def _named(name: str, value: Any) -> list[tuple[str, Any]]:
    leaves = [each for each in tree.flatten(value) if each is not None]
    return [(name if len(leaves) == 1 else f"{name}.{at}", each) for at, each in enumerate(leaves)]


def _leaves(batch: Any) -> Iterator[tuple[str, Any]]:
    for name, part in _parts(batch):
        yield from _named(name, part)


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """The user's functions are called once more while this is entered: without a word, and without effect on random numbers."""
    python, numbers, backend = random.getstate(), np.random.get_state(), random_state()
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)
        if backend is not None:
            import torch

            torch.set_rng_state(torch.from_numpy(backend))


class Traced(NamedTuple):
    """References to a model's answer, and the terms of its loss."""

    prediction: Any
    terms: list[dict[str, Any]]


def _traced(model: Any, batch: Any, names: dict[int, str]) -> tuple[Tracer, Traced]:
    """Call the model and its loss with symbolic tensors. Raises CannotStoreError if that does not go."""
    tracer = Tracer(names)
    x, y, weight = (_symbolic(tracer, name, part) for name, part in _parts(batch))
    try:
        with tracer.running():
            prediction = tracer.call_model(model, x)
            terms = [_term(tracer, *each) for each in _terms(model, prediction, y, weight)]
    except CannotStoreError:
        raise
    except Exception as error:
        where = "its model or its loss cannot be taken apart"
        raise CannotStoreError(f"{where} ({type(error).__name__}: {str(error).splitlines()[0][:200]})") from None
    if not terms:
        raise CannotStoreError("its loss is not known")
    return tracer, Traced(prediction, terms)


def _program(tracer: Tracer, traced: Traced, names: dict[int, str], sites: Sites) -> dict[str, Any]:
    targets = list({id(each.target): each for each in tracer.planned}.values())
    places = {id(each.target): at for at, each in enumerate(targets)}
    operations = [
        stored_operation(dataclasses.replace(each.operation, target=_target(each)))
        | {
            "source": stored_source(where or line(sites.get("built", each.target))),
            "object": places[id(each.target)],
            "split": each.split,
            "variables": list(each.variables),
        }
        for each, where in zip(tracer.planned, tracer.lines, strict=True)
    ]
    objects = [
        stored_target(each)
        | {"variables": [names[id(one)] for one in each.target.variables] if _is_layer(each.target) else []}
        for each in targets
    ]
    return {
        "operations": operations,
        "objects": objects,
        "prediction": stored(tracer.refer(traced.prediction)),
        "terms": traced.terms,
        "added": stored([tracer.refer(each) for each in tracer.added]),
    }


def _is_layer(target: Any) -> bool:
    return isinstance(target, keras.layers.Layer)


def _target(planned: Planned) -> str:
    if _is_layer(planned.target):
        return f"layer:{planned.operation.name.split('#')[0]}"
    if isinstance(planned.target, keras.Operation):
        return f"keras.ops.{keras.src.utils.naming.to_snake_case(type(planned.target).__name__)}"
    return f"keras.activations.{planned.target.__name__}"


def _symbolic(tracer: Tracer, name: str, part: Any) -> Any:
    leaves = iter([tracer.give(each, tuple(value.shape), _dtype(value)) for each, value in _named(name, part)])
    return tree.map_structure(lambda each: None if each is None else next(leaves), part)


def _dtype(value: Any) -> str:
    """The type of a tensor as the model is given it: numbers with a fraction are of the type that Keras trains in."""
    name = keras.backend.standardize_dtype(value.dtype)
    return keras.config.floatx() if "float" in name else name


def _terms(model: Any, prediction: Any, y: Any, weight: Any) -> Iterable[tuple[Any, Any, Any, Any, Any]]:
    """For each loss: it, its factor, what it judges, what that is compared with, and the weights of the examples."""
    outputs = getattr(model, "output_names", None)
    for at, (path, loss, factor, _) in enumerate(model._compile_loss._flat_losses or ()):
        shares = weight if not tree.is_nested(weight) else objectives.judged(path, at, weight, outputs)
        yield (
            *(loss, factor, objectives.judged(path, at, prediction, outputs)),
            *(objectives.judged(path, at, y, outputs), shares),
        )


def _term(tracer: Tracer, loss: Any, factor: Any, prediction: Any, y: Any, weight: Any) -> dict[str, Any]:
    facts = {
        "prediction": stored(tracer.refer(prediction)),
        "y": stored(tracer.refer(y)),
        "weight": None if weight is None else stored(tracer.refer(weight)),
        "factor": None if factor is None else float(factor),
    }
    try:
        return facts | {"loss": stored_object(loss, "loss")}
    except CannotStoreError:
        function = getattr(loss, "fn", loss)
        if home := _plain_name(function, loss):
            return facts | {"function": home}
        with tracer.inside(origin.LOSS):
            values = loss.call(ops.convert_to_tensor(y, loss.dtype), ops.convert_to_tensor(prediction, loss.dtype))
        return facts | {"values": stored(tracer.refer(values)), "reduction": loss.reduction}


def _plain_name(function: Any, loss: Any) -> str | None:
    """The name of a loss that is a function of Keras's own, such as `mean_squared_error`."""
    name = getattr(function, "__name__", "")
    plain = getattr(keras.losses, name, None) is function and not getattr(loss, "_fn_kwargs", None)
    return name if plain and loss.reduction == "sum_over_batch_size" else None
