"""What compile() was told: losses with the outputs they judge, and optimizers, as program facts."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import keras

from deeplocalize.frameworks.keras import describe
from deeplocalize.frameworks.keras.sites import Sites, arguments, line, same_call
from deeplocalize.frameworks.source import CallSite
from deeplocalize.trace.schema import Loss, Optimizer, Source

_LOSSES = {
    # function: (kind, takes, targets); where it may take logits, from_logits decides
    "binary_crossentropy": ("binary-cross-entropy", "probabilities", "elementwise"),
    "categorical_crossentropy": ("cross-entropy", "probabilities", "one-hot"),
    "sparse_categorical_crossentropy": ("cross-entropy", "probabilities", "class-index"),
    "mean_squared_error": ("mean-squared-error", "values", "elementwise"),
    "mean_absolute_error": ("mean-absolute-error", "values", "elementwise"),
    "huber": ("huber", "values", "elementwise"),
    "hinge": ("hinge", "values", "elementwise"),
    "squared_hinge": ("hinge", "values", "elementwise"),
    "categorical_hinge": ("hinge", "values", "one-hot"),
    "kl_divergence": ("kl-divergence", "probabilities", "one-hot"),
    "poisson": ("poisson", "values", "elementwise"),
}
_REDUCTIONS = {
    "sum_over_batch_size": "mean",
    "mean": "mean",
    "mean_with_sample_weight": "mean",
    "sum": "sum",
    None: "none",
}


def losses(model: Any, sites: Sites, argument: Source | None, weighted: bool) -> list[Loss]:
    """The model's loss terms. `argument` is the line of compile's loss; `weighted` says that examples have weights."""
    compiled = getattr(model, "_compile_loss", None)
    if built := getattr(compiled, "_flat_losses", None):
        given = [(each.loss, each.loss_weights not in (None, 1)) for each in built]
    else:
        given = (
            [(each, False) for each in _as_listed(getattr(model, "loss", None), model)] if compiled is not None else []
        )
    found = [loss_facts(each, sites, argument, weighted or factor) for each, factor in given if each is not None]
    return found or [Loss("other", "compute_loss", reduction=None, weighted=weighted, source=argument)]


def _as_listed(loss: Any, model: Any) -> list[Any]:
    names = getattr(model, "output_names", None)
    if isinstance(loss, dict):
        return [loss.get(name) for name in names] if names and set(loss) <= set(names) else list(loss.values())
    return list(loss) if isinstance(loss, list | tuple) else [loss]


def loss_facts(loss: Any, sites: Sites, argument: Source | None, weighted: bool) -> Loss:
    """The facts of a loss given as string, class, function or object."""
    own = isinstance(loss, keras.losses.Loss) and type(loss) is not _wrapper()
    function, settings = _resolved(loss)
    name = getattr(function, "__name__", None) or type(loss).__name__
    known = name in _LOSSES and (getattr(function, "__module__", None) or "").startswith("keras")
    kind, takes, targets = _LOSSES[name] if known else ("other", None, None)
    if loss in ("crossentropy", "ce"):
        kind, takes = "cross-entropy", "probabilities"
    if takes == "probabilities" and settings.get("from_logits"):
        takes = "logits"
    reduction = getattr(loss, "reduction", "sum_over_batch_size")
    return Loss(
        kind=kind,
        name=loss if isinstance(loss, str) else type(loss).__name__ if own else name,
        takes=takes,
        targets=targets,
        reduction=_REDUCTIONS.get(reduction, reduction) if known or isinstance(loss, keras.losses.Loss) else "mean",
        label_smoothing=float(settings.get("label_smoothing") or 0.0),
        weighted=weighted,
        ignore_index=settings.get("ignore_class"),
        source=(line(sites.get("built", loss)) if own else None) or argument,
    )


MAX_WEIGHTS = 1000


def class_weights(given: Any) -> tuple[float, ...]:
    """The weights of the classes as fit() was given them, by class; those it was not told weigh 1."""
    if not isinstance(given, dict) or not given or len(given) > MAX_WEIGHTS:
        return ()
    weights = {int(label): float(weight) for label, weight in given.items()}
    known = min(weights) >= 0 and max(weights) < MAX_WEIGHTS
    return tuple(weights.get(label, 1.0) for label in range(max(weights) + 1)) if known else ()


def _wrapper() -> type:
    """The class in which Keras holds a loss given as a function; it has no public name."""
    return keras.losses.MeanSquaredError.__mro__[1]


def _resolved(loss: Any) -> tuple[Any, dict[str, Any]]:
    """The function that computes a loss, and the settings it is called with."""
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return None, {}
    if isinstance(loss, type):
        return _resolved(loss()) if issubclass(loss, keras.losses.Loss) else (loss, {})
    return getattr(loss, "fn", loss), getattr(loss, "_fn_kwargs", {})


def optimizers(model: Any, used: Collection[str] = ()) -> list[Any]:
    """The optimizers that a model holds: the one of compile() first, then those in attributes of its own.

    Of several, only those whose names are in `used`, if any are: compile() makes one also for who does not use it.
    """
    found = [getattr(model, "optimizer", None), *vars(model).values()]
    unique = list({id(each): each for each in found if isinstance(each, keras.optimizers.Optimizer)}.values())
    return [each for each in unique if each.name in used] or unique


def optimizer_facts(optimizer: Any, sites: Sites, compiled: CallSite | None, argument: Source | None) -> Optimizer:
    """The facts of an optimizer, with its settings under their usual names. `argument` is the line of compile's."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    site = sites.get("built", optimizer)
    by_name = site is None or same_call(site, compiled)  # compile() built it, from a string
    return Optimizer(
        kind=type(optimizer).__name__.lower(),
        name=type(optimizer).__name__,
        settings=_settings(optimizer),
        parameters=describe.size(held_by(optimizer)),
        source=argument or line(compiled) if by_name else line(site),
        sources={} if by_name else arguments(site, type(optimizer)),
    )


def held_by(optimizer: Any) -> list[Any]:
    """The variables that an optimizer trains, none before it is built."""
    return list(getattr(optimizer, "_trainable_variables", ()))


def _settings(optimizer: Any) -> dict[str, float | bool | str | None]:
    config = optimizer.get_config()
    config.pop("name", None)
    rate = config.get("learning_rate")
    if isinstance(rate, dict):
        config["schedule"] = rate.get("class_name")
        start = rate.get("config", {}).get("initial_learning_rate")
        config["learning_rate"] = start if isinstance(start, int | float) else None
    return {
        name: _plain(value)
        for name, value in config.items()
        if value is None or isinstance(value, bool | int | float | str)
    }


def _plain(value: Any) -> Any:
    """A number without the digits that storing it in float32 added."""
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return value


def judged(path: tuple[Any, ...], position: int, given: Any, names: Sequence[str] | None) -> Any:
    """What a loss term is given of all predictions, or of all targets; None if it cannot be found.

    `path` and `position` are the term's in the compiled losses, `names` those of the model's outputs.
    """
    found = given
    try:
        for key in path:
            found = found[key]
    except (KeyError, IndexError, TypeError):
        found = None
    if found is not None and not isinstance(found, dict | list | tuple):
        return found
    by_name = isinstance(given, dict) and names and set(names) <= set(given)
    listed = (
        [given[name] for name in names or ()]
        if by_name
        else [each for each in keras.tree.flatten(given) if each is not None]
    )
    return listed[position] if position < len(listed) else None
