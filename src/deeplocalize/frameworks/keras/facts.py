"""The Run and the layers of a training, put together from the model, its calls and what the steps showed."""

from __future__ import annotations

import dataclasses
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import keras

from deeplocalize.frameworks import lines
from deeplocalize.frameworks.data_lines import made_at
from deeplocalize.frameworks.keras import callback, describe, objectives
from deeplocalize.frameworks.keras.describe import Leaf, Leaves
from deeplocalize.frameworks.keras.evaluations import Evaluations, first_array
from deeplocalize.frameworks.keras.flow import PASSING, Term, Way
from deeplocalize.frameworks.keras.monitors import Monitors
from deeplocalize.frameworks.keras.sites import Sites, arguments, line
from deeplocalize.frameworks.source import CallSite, called, is_user_file, lines_with, place, shown_path
from deeplocalize.trace.schema import Head, Layer, Loss, Objective, Optimizer, Run, Softmax, Source

SCHEDULERS = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)

_POLICIES = ("set_dtype_policy", "set_global_policy", "set_floatx")

HARMLESS = (
    "CSVLogger History LearningRateScheduler ProgbarLogger ReduceLROnPlateau RemoteMonitor TensorBoard TerminateOnNaN"
).split()
"""Callbacks of Keras that neither keep weights nor end the training while all is well. Others may."""

_PACKAGES = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "jax": ("jax",), "torch": ("torch",)}


@dataclass
class Known:
    """What is known about a training besides the model itself.

    Attributes:
        filename: of the user's file that calls fit.
        terms: what each loss term was given, as the first step showed it.
        linear: the layers whose output is known to be linear in the inputs.
        used: the names of the optimizers that were applied.
        scheduler: the line of a callback that sets the learning rate.
        called: the call of the model in a train step of the user's own.
        backward: the call there that asks for gradients.
        model_built: the call that builds the model anew again and again.
        examples: the size of the arrays that fit was given.
        batches: the number of different batches that a data set of the user's own makes.
        fits: how often fit came to its start.
        too_late: the ids of variables that may be trained, but might not when the model was compiled for this fit.
        keeps_weights: a callback may keep weights, or end the training.
        evaluations: what the model was evaluated on.
        monitors: what the callbacks that watch a quantity did.
    """

    sites: Sites
    filename: str | None = None
    epochs: int | None = None
    steps_per_epoch: int | None = None
    batch_size: int | None = None
    shuffled: bool | None = None
    weighted: bool = False
    class_weights: tuple[float, ...] = ()
    terms: Sequence[Term] = ()
    linear: frozenset[int] = frozenset()
    optimizers: tuple[Optimizer, ...] = ()
    used: frozenset[str] = frozenset()
    scheduler: Source | None = None
    called: CallSite | None = None
    backward: CallSite | None = None
    inner_softmax: tuple[Leaf | None, Softmax] | None = None
    model_built: CallSite | None = None
    examples: int | None = None
    batches: int | None = None
    fits: int = 0
    too_late: frozenset[int] = frozenset()
    keeps_weights: bool = False
    evaluations: Evaluations = field(default_factory=Evaluations)

    def __post_init__(self) -> None:
        self.monitors = Monitors(self.sites)

    def take_fit(self, arguments: Mapping[str, Any], filename: str | None) -> None:
        """fit was called with these arguments."""
        self.filename = filename
        self.batch_size = arguments.get("batch_size") or self.batch_size
        self.shuffled = _shuffled(arguments.get("x"), arguments.get("shuffle", True))
        self.examples, self.batches = _size(arguments.get("x"))
        self.evaluations.fitted(arguments.get("x"))
        self.monitors.fitted(_callbacks(arguments.get("callbacks")))
        self.scheduler = _scheduler(arguments.get("callbacks"), filename)
        self.keeps_weights = self.keeps_weights or not all(map(_is_harmless, _callbacks(arguments.get("callbacks"))))
        self.weighted = any(arguments.get(name) is not None for name in ("class_weight", "sample_weight"))
        self.class_weights = objectives.class_weights(arguments.get("class_weight"))

    def take_calls(self, called: CallSite | None, backward: CallSite | None) -> bool:
        """A train step of the user's own made these calls. True if they were not known before."""
        known = self.called, self.backward
        self.called, self.backward = self.called or called, self.backward or backward
        return known != (self.called, self.backward)


def _scheduler(callbacks: Any, filename: str | None) -> Source | None:
    """The line in the file that calls fit on which a callback is built that sets the learning rate."""
    kinds = {type(each).__name__ for each in _callbacks(callbacks) if isinstance(each, SCHEDULERS)}
    found = lines_with(filename, kinds) if filename and kinds else []
    return place(filename, found[0]) if filename and found else None


def _callbacks(given: Any) -> list[Any]:
    """The callbacks that fit was given, alone, in a list or in a CallbackList."""
    listed = getattr(given, "callbacks", given)
    return list(listed) if isinstance(listed, list | tuple) else [] if listed is None else [listed]


def _is_harmless(each: Any) -> bool:
    return callback.is_ours(each) or (type(each).__module__.startswith("keras.") and type(each).__name__ in HARMLESS)


def layers(leaves: Leaves, known: Known, trained: bool = False) -> tuple[Layer, ...]:
    """The layers as facts; `trained`: a fit is over."""
    found = tuple(_layer(leaf, known, trained) for leaf in leaves.all)
    if all(each.source is None for each in found):
        found = lines.of_layers(found, known.filename)
    return found if known.terms else _in_order(found)


def _layer(leaf: Leaf, known: Known, trained: bool) -> Layer:
    found = describe.layer_facts(leaf, known.sites.get("built", leaf.layer), trained)
    source = line(known.sites.get("unfrozen", leaf.layer))
    if source is None or not any(id(each) in known.too_late for each in leaf.parameters):
        return found
    return dataclasses.replace(found, sources=found.sources | {"unfrozen": source})


def _in_order(found: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Before any step, the nonlinearity after a layer is taken from the order in which the user listed the layers."""
    told: list[Layer] = []
    after: str | None = None
    for each in reversed(found):
        if each.kind == "activation":
            after = each.activation
        elif each.kind not in PASSING:
            own = each.activation is not None or each.kind in ("custom", "other")
            told.append(each if own else dataclasses.replace(each, activation=after or "linear"))
            after = None
            continue
        told.append(each)
    return tuple(reversed(told))


def _data_lines(fit: CallSite | None) -> dict[str, Source | None]:
    """The lines that made the inputs and the targets; without an argument for targets, the first hands out both."""
    apart = fit is not None and "y" in fit.arguments(("x", "y"))
    return {
        "inputs": made_at(fit, 0, "x", None if apart else 0),
        "targets": made_at(fit, 1, "y", targets=True) if apart else made_at(fit, 0, "x", 1, targets=True),
    }


def _loss_line(gradient: CallSite | None) -> Source | None:
    """The line that made what a tape was asked for the gradient of."""
    call = gradient.call() if gradient is not None else None
    return made_at(gradient, 0, "target") if call is not None and called(call) == "gradient" else None


def _argument_lines(fit: CallSite | None) -> dict[str, Source | None]:
    given = fit.arguments() if fit is not None else {}
    # A data set is shuffled by a call of its own, before it is handed to fit.
    shuffled = lines.of_call("shuffle", fit.filename if fit is not None else None)
    return {name: given.get(name) for name in ("epochs", "class_weight")} | {
        "shuffle": given.get("shuffle") or (shuffled.source if shuffled is not None else None)
    }


def run(model: Any, leaves: Leaves, facts: Sequence[Layer], known: Known) -> Run:
    """The run as a fact."""
    sources = {what: line(known.sites.get(what, model)) for what in ("fit", "compile")} | {
        "model": line(known.sites.get("built", model)),
        "model_built": line(known.model_built),
        "scheduler": known.scheduler,
        "forward": line(known.called),
        "backward": line(known.backward),
        "loss": _loss_line(known.backward),
        "dtype": _policy_line(known.filename),
    }
    arguments_of_compile = _compile_lines(model, known)
    sources |= _data_lines(known.sites.get("fit", model)) | _argument_lines(known.sites.get("fit", model))
    sources["compile"] = sources["compile"] or arguments_of_compile.get("compile")
    known.optimizers = optimizers(model, known, arguments_of_compile.get("optimizer"))
    parameters = list({id(each): each for leaf in leaves.all for each in leaf.parameters}.values())
    held = {id(each) for each in _held(model, known)} or {id(each) for each in model.trainable_variables}
    return Run(
        framework="keras",
        backend=keras.backend.backend(),
        model=model.name,
        script=_script(),
        versions=_versions(),
        objectives=_objectives(model, facts, known, arguments_of_compile.get("loss")),
        optimizers=known.optimizers,
        batch_size=known.batch_size,
        epochs=known.epochs,
        steps_per_epoch=known.steps_per_epoch,
        parameters=describe.size(parameters),
        trainable=describe.size([each for each in parameters if each.trainable]),
        optimized=describe.size([each for each in parameters if each.trainable and id(each) in held]),
        shuffled=known.shuffled,
        examples=known.examples,
        batches=known.batches,
        loaded=known.sites.loads.of(model),
        keeps_weights=known.keeps_weights or known.fits != 1,
        evaluations=known.evaluations.found,
        inner_softmax=_inner_softmax(facts, known),
        monitors=known.monitors.found,
        sources={name: source for name, source in sources.items() if source is not None},
    )


def _inner_softmax(facts: Sequence[Layer], known: Known) -> Softmax | None:
    if known.inner_softmax is None:
        return None
    carrier, found = known.inner_softmax
    if carrier is None:
        return found
    layer = facts[carrier.index]
    return dataclasses.replace(found, source=layer.sources.get("activation", layer.source))


def _policy_line(filename: str | None) -> Source | None:
    """The line in the file that calls fit that sets the numbers all layers are made of."""
    found = lines_with(filename, _POLICIES) if filename else []
    return place(filename, found[-1]) if filename and found else None


def _held(model: Any, known: Known) -> list[Any]:
    found = objectives.optimizers(model, known.used)
    return [each for optimizer in found for each in objectives.held_by(optimizer)]


def _compile_lines(model: Any, known: Known) -> dict[str, Source]:
    site = known.sites.get("compile", model)
    if site is not None:
        return arguments(site, type(model).compile)
    found = lines.of_call("compile", known.filename, ("optimizer", "loss"))
    return {"compile": found.source, **found.arguments} if found is not None else {}


def optimizers(model: Any, known: Known, argument: Source | None) -> tuple[Optimizer, ...]:
    """The optimizers as facts. In the middle of an epoch the values are not in jax's variables: then as before."""
    found = objectives.optimizers(model, known.used)
    if not all(_readable(each) for optimizer in found for each in optimizer.variables):
        return known.optimizers
    compiled = known.sites.get("compile", model)
    return tuple(objectives.optimizer_facts(each, known.sites, compiled, argument) for each in found)


def _readable(variable: Any) -> bool:
    value = getattr(variable, "_value", variable)
    return value is not None and not (hasattr(value, "is_deleted") and value.is_deleted())


def _objectives(model: Any, facts: Sequence[Layer], known: Known, argument: Source | None) -> tuple[Objective, ...]:
    losses = objectives.losses(model, known.sites, argument, known.weighted)
    if len(known.terms) != len(losses):
        return tuple(Objective(loss, _listed_head(facts) if len(losses) == 1 else Head()) for loss in losses)
    if len(losses) == 1:  # Keras allows them for a single output only
        losses = [dataclasses.replace(losses[0], class_weights=known.class_weights)]
    found = zip(losses, known.terms, strict=True)
    heads = [(loss, term, _head(term.shape, term.way, facts)) for loss, term in found]
    return tuple(
        Objective(_as_called(loss, term), dataclasses.replace(head, linear=head.layer in known.linear))
        for loss, term, head in heads
    )


def _as_called(loss: Loss, term: Term) -> Loss:
    return dataclasses.replace(loss, broadcasts=loss.targets == "elementwise" and term.broadcasts)


def _head(shape: tuple[int | None, ...], way: Way | None, facts: Sequence[Layer]) -> Head:
    units = shape[-1] if len(shape) > 1 else 1
    if way is None:
        return Head(units=units, shape=shape[1:])
    carrier = way.carrier if way.carrier is not None else way.layer if not way.activations else None
    return Head(way.layer, way.activation, carrier, units, shape[1:], _activation_source(carrier, facts), way.axis)


def _activation_source(carrier: int | None, facts: Sequence[Layer]) -> Any:
    if carrier is None:
        return None
    return facts[carrier].sources.get("activation") or facts[carrier].source


def _listed_head(facts: Sequence[Layer]) -> Head:
    """The head as far as the list of layers tells, where no step was seen."""
    last = next((each for each in reversed(facts) if each.kind not in PASSING), None)
    if last is None:
        return Head()
    after = [each.index for each in facts[last.index + 1 :] if each.kind == "activation"]
    carrier = after[-1] if after else last.index
    shape = facts[-1].output_shape
    return Head(
        last.index, last.activation, carrier, shape[-1] if shape else None, shape, _activation_source(carrier, facts)
    )


def _shuffled(x: Any, shuffle: Any) -> bool | None:
    """Whether examples come in another order in each epoch; None where the data is in charge of that."""
    if type(x).__name__ == "DataLoader":
        return type(x.sampler).__name__ == "RandomSampler"
    if isinstance(x, dict | list | tuple) or hasattr(x, "__array__"):
        return bool(shuffle)
    return None


def _size(x: Any) -> tuple[int | None, int | None]:
    """The number of examples in arrays, and that of different batches in a data set that counts them."""
    if isinstance(x, keras.utils.PyDataset):
        count = x.num_batches
        return None, int(count) if count else None
    first = first_array(x)
    shape = getattr(first, "shape", None) if hasattr(first, "__array__") else None
    return (int(shape[0]) if shape else None), None


def _script() -> str | None:
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return shown_path(path) if path and is_user_file(path) else None


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "keras": keras.__version__}
    for name in _PACKAGES.get(keras.backend.backend(), ()):
        try:
            found[keras.backend.backend()] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
