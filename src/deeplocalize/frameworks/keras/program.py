"""A Keras model and its loss as data: the operations that calling them with symbolic tensors notes, see tracing.py."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import random
import warnings
from collections.abc import Iterable, Iterator
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


def variable_names(model: Any) -> dict[int, str]:
    """The names of a model's variables, by their ids: their paths in it."""
    names = Names()
    return {id(each): names.new(each.path.removeprefix(f"{model.name}/")) for each in model.variables}


def array(value: Any) -> np.ndarray:
    """A tensor as an array. Raises CannotStoreError for one of no numbers."""
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


def leaves(batch: Any) -> Iterator[tuple[str, Any]]:
    """The tensors of a batch by the names that the program gives them."""
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


def as_data(model: Any, batch: Any, names: dict[int, str], sites: Sites) -> tuple[Tracer, dict[str, Any]]:
    """What training the model on a batch consists of, and the same as JSON values; `names`: of its variables, by their ids.

    Raises:
        CannotStoreError: it cannot be taken apart into operations of Keras.
    """
    with _unseen():
        tracer, traced = _traced(model, batch, names)
        return tracer, _program(tracer, traced, names, sites)


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
