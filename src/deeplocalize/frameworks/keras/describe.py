"""Keras objects as program facts: which layers a model has, and what the trace says of each."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from deeplocalize.frameworks.keras.sites import arguments, line
from deeplocalize.frameworks.keras.untracked import holder, is_untracked
from deeplocalize.frameworks.source import CallSite, is_user_file
from deeplocalize.trace.schema import Layer, Source

_KINDS = {
    "dense": "Dense EinsumDense",
    "conv": "BaseConv BaseConvTranspose BaseDepthwiseConv BaseSeparableConv",
    "recurrent": "RNN Bidirectional",
    "attention": "Attention MultiHeadAttention GroupedQueryAttention",
    "embedding": "Embedding",
    "batch-norm": "BatchNormalization",
    "norm": "LayerNormalization GroupNormalization UnitNormalization RMSNormalization",
    "activation": "Activation ReLU LeakyReLU PReLU ELU Softmax",
    "noise": "GaussianNoise GaussianDropout",
    "dropout": "Dropout AlphaDropout",
    "pooling": "BasePooling BaseGlobalPooling BaseAdaptivePooling",
    "reshape": (
        "Flatten Reshape Permute RepeatVector Cropping1D Cropping2D Cropping3D ZeroPadding1D ZeroPadding2D ZeroPadding3D "
        "UpSampling1D UpSampling2D UpSampling3D Identity Masking"
    ),
    "merge": "Merge",
    "rescaling": "Rescaling Normalization",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}

_ACTIVATION_LAYERS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "prelu", "ELU": "elu", "Softmax": "softmax"}
_ACTIVATION_NAMES = {"swish": "silu", "hard_swish": "hard_silu", "hardtanh": "hard_tanh"}


@dataclass
class Shown:
    """What a step showed of a layer: shapes without the batch axis, its place in the forward pass, what comes next.

    `behind_operation`: its input is not another layer's output, nor the model's input. `unplaced`: see Layer.
    """

    input_shape: tuple[int | None, ...] | None = None
    output_shape: tuple[int | None, ...] | None = None
    order: int | None = None
    activation_after: str | None = None
    behind_operation: bool = False
    unplaced: int | None = None


@dataclass
class Leaf:
    """A layer as the user listed it.

    `own_only`: the layer is a container of the user's own that also holds parameters itself; they alone are meant.
    `registered`: the model has it among its own; else `held_at` is the line of the class whose object has it, where known.
    `fresh`: its moving averages were as they begin when it was first looked at; None if it has none.
    """

    index: int
    name: str
    layer: Any
    own_only: bool
    shown: Shown
    registered: bool = True
    held_at: Source | None = None

    def __post_init__(self) -> None:
        self.kind = kind_of(self.layer)
        self.activation = activation_of(self.layer)
        self.fresh = _is_fresh(self.layer)
        self._parameters: list[Any] | None = None

    @property
    def parameters(self) -> list[Any]:
        """Its keras Variables that are trained unless someone freezes them; statistics that a layer keeps are none."""
        if self._parameters is not None:
            return self._parameters
        layers = [self.layer] if self.own_only else self.layer._flatten_layers()
        found = list({id(each): each for layer in layers for each in layer._trainable_variables}.values())
        if all(each.built for each in layers):
            self._parameters = found
        return found

    @property
    def kernels(self) -> list[Any]:
        """The parameters of two or more axes, or all if there are none such."""
        parameters = self.parameters
        return [each for each in parameters if len(each.shape) >= 2] or parameters


class Leaves:
    """The layers of a model, in the order in which the user listed them. A layer keeps its index once it has one.

    Attributes:
        all: the layers.
        takes_untracked: a layer that the model calls without having it is taken in, too, behind the others.
    """

    def __init__(self, model: Any, shown: dict[int, Shown]) -> None:
        self.all: list[Leaf] = []
        self.takes_untracked = True
        self._shown = shown
        self._by_id: dict[int, Leaf | None] = {}
        self._model = model
        self.refresh()

    def find(self, layer: Any, by_model: bool = False) -> Leaf | None:
        """The leaf of a layer, None if it is not one. Layers built since the last look are taken in. `by_model`: the model
        is calling it."""
        if id(layer) not in self._by_id:
            self.refresh()
            if by_model and self.takes_untracked and not _is_container(layer) and is_untracked(self._model, layer):
                self._take(layer.name, layer, registered=False, held_at=holder(self._model, layer))
            self._by_id.setdefault(id(layer), None)
        return self._by_id[id(layer)]

    def refresh(self) -> None:
        """Look at the model again."""
        for name, layer, own_only in _walk(self._model, "", set()):
            if self._by_id.get(id(layer)) is None:
                self._take(name, layer, own_only)

    def _take(self, name: str, layer: Any, own_only: bool = False, **more: Any) -> None:
        shown = self._shown.setdefault(len(self.all), Shown())
        self._by_id[id(layer)] = leaf = Leaf(len(self.all), name, layer, own_only, shown, **more)
        self.all.append(leaf)


def _walk(parent: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, Any, bool]]:
    for layer in _children(parent):
        if id(layer) in seen or isinstance(layer, keras.layers.InputLayer):
            continue
        seen.add(id(layer))
        name = prefix + layer.name
        if not _is_container(layer):
            yield name, layer, False
            continue
        yield from _walk(layer, name + "/", seen)
        if not isinstance(layer, keras.Model) and layer._trainable_variables:
            yield name, layer, True


def _children(parent: Any) -> list[Any]:
    if isinstance(parent, keras.Model):
        return list(parent.layers)
    return list(parent._flatten_layers(include_self=False, recursive=False))


def _is_container(layer: Any) -> bool:
    """True for what only holds layers: a model, or a class of the user's own with layers inside."""
    if isinstance(layer, keras.Model):
        return True
    return kind_of(layer) == "custom" and _is_users(type(layer)) and bool(_children(layer))


def _is_users(cls: type) -> bool:
    try:
        return is_user_file(inspect.getfile(cls))
    except (TypeError, OSError):
        return cls.__module__ == "__main__"


def _library_names(layer: Any) -> list[str]:
    return [cls.__name__ for cls in type(layer).__mro__ if cls.__module__.split(".")[0] == "keras"]


def kind_of(layer: Any) -> str:
    """The layer's kind, one of schema.KINDS."""
    names = _library_names(layer)
    if kind := next((_KIND_OF[name] for name in names if name in _KIND_OF), None):
        return kind
    if "Wrapper" in names and getattr(layer, "layer", None) is not None:
        return kind_of(layer.layer)
    from_library = type(layer).__module__.split(".")[0] == "keras" and type(layer).__name__ != "Lambda"
    return "other" if from_library else "custom"


def activation_of(layer: Any) -> str | None:
    """The layer's own nonlinearity by its common name; `linear` if it has none, None if that is not known."""
    names = _library_names(layer)
    if "ReLU" in names and getattr(layer, "max_value", None) == 6:
        return "relu6"
    if "ReLU" in names and getattr(layer, "negative_slope", 0):
        return "leaky_relu"
    if found := next((_ACTIVATION_LAYERS[name] for name in names if name in _ACTIVATION_LAYERS), None):
        return found
    inner = getattr(layer, "forward_layer", None) or (getattr(layer, "layer", None) if "Wrapper" in names else None)
    if inner is not None:
        return activation_of(inner)
    if not hasattr(layer, "activation"):
        return "linear" if kind_of(layer) not in ("custom", "other") else None
    return function_name(layer.activation)


def function_name(function: Any) -> str | None:
    """The common name of a nonlinearity that a library defines; None for one of the user's own."""
    if function is None:
        return "linear"
    if isinstance(function, keras.layers.Layer):
        return activation_of(function)
    name = getattr(function, "__name__", None)
    module = (getattr(function, "__module__", None) or "").split(".")[0]
    if name is None or module not in ("keras", "tensorflow", "jax", "torch"):
        return None
    return _ACTIVATION_NAMES.get(name, name)


def initializer_of(layer: Any) -> str | None:
    """The initializer of the layer's kernel by its common name; None if the layer has no such argument."""
    inner = getattr(layer, "forward_layer", None) or (layer.layer if isinstance(layer, keras.layers.Wrapper) else None)
    if inner is not None:
        return initializer_of(inner)
    for name in ("kernel_initializer", "embeddings_initializer", "depthwise_initializer", "_kernel_initializer"):
        if (initializer := getattr(layer, name, None)) is not None:
            return _initializer_name(initializer)
    return None


def _initializer_name(initializer: Any) -> str | None:
    if isinstance(initializer, keras.initializers.Constant):
        return "zeros" if _is_zero(initializer.value) else "constant"
    name = type(initializer).__name__ if isinstance(initializer, keras.initializers.Initializer) else None
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() if name else getattr(initializer, "__name__", None)


def _is_zero(value: Any) -> bool:
    return isinstance(value, int | float) and value == 0


def channel_axis(layer: Any, rank: int) -> int:
    """The axis of a layer's output [examples, ...] of that rank that counts its units."""
    axis = getattr(layer, "axis", None)
    if kind_of(layer) in ("batch-norm", "norm") and isinstance(axis, int):
        return axis
    image = rank >= 4 and kind_of(layer) in ("activation", "dropout", "noise", "merge", "other", "custom")
    layout = getattr(layer, "data_format", None) or (keras.config.image_data_format() if image else None)
    return 1 if layout == "channels_first" and rank >= 3 else -1


def input_names(model: Any) -> list[str]:
    """The names of a functional model's inputs, none for another model."""
    inputs = getattr(model, "inputs", None) or []
    return [tensor._keras_history.operation.name for tensor in inputs if hasattr(tensor, "_keras_history")]


def size(variables: list[Any]) -> int:
    """The number of elements in the variables."""
    return sum(math.prod(each.shape) for each in variables)


def layer_facts(leaf: Leaf, site: CallSite | None, trained: bool = False) -> Layer:
    """The facts of a layer; `site` is the call that built it, None if it was not seen. `trained`: a fit is over."""
    layer, parameters = leaf.layer, leaf.parameters
    input_shape, output_shape = _symbolic_shapes(layer)
    leaf.fresh = _is_fresh(layer) if leaf.fresh is None else leaf.fresh
    averages = {} if leaf.fresh is None else {"fresh": leaf.fresh}
    if trained and leaf.fresh and _is_fresh(layer, 0.0):
        averages["unmoved"] = True
    return Layer(
        index=leaf.index,
        name=leaf.name,
        type=type(layer).__name__,
        kind=leaf.kind,
        activation=leaf.activation if leaf.activation not in (None, "linear") else leaf.shown.activation_after,
        initializer=initializer_of(layer),
        input_shape=leaf.shown.input_shape or input_shape,
        output_shape=leaf.shown.output_shape or output_shape,
        parameters=size(parameters),
        trainable=bool(layer.trainable) and (not parameters or any(each.trainable for each in parameters)),
        order=leaf.shown.order,
        registered=leaf.registered,
        settings=settings_of(layer) | averages,
        dtype=str(parameters[0].dtype) if parameters else None,
        source=line(site),
        sources=arguments(site, type(layer)) | ({} if leaf.held_at is None else {"held": leaf.held_at}),
        unplaced=leaf.shown.unplaced,
    )


_SETTINGS = {
    "mask_zero": "mask_zero",
    "rate": "rate",
    "dropout": "rate",
    "stddev": "stddev",
    "epsilon": "epsilon",
    "momentum": "momentum",
    "axis": "axis",
    "use_bias": "bias",
}


FRESH = 0.1
"""Moving averages that are so near to the mean of 0 and the variance of 1 that they begin with have hardly moved."""


def _is_fresh(layer: Any, apart: float = FRESH) -> bool | None:
    """True if a layer's moving averages are as they begin, or a step or two away (no more than `apart`); None if it has none
    that can be read now."""
    averages = [getattr(layer, name, None) for name in ("moving_mean", "moving_variance")]
    if any(each is None for each in averages):
        return None
    try:
        mean, variance = (keras.ops.convert_to_numpy(each) for each in averages)
    except Exception:  # not made yet, or in JAX handed over to the step that is being computed
        return None
    return bool(abs(mean).mean() <= apart and abs(variance - 1).mean() <= apart)


def settings_of(layer: Any) -> dict[str, float | bool | str | None]:
    """What a layer was built with, under common names."""
    found = {common: getattr(layer, name) for name, common in _SETTINGS.items() if hasattr(layer, name)}
    found |= _penalties(layer)
    return {
        name: value for name, value in found.items() if value is None or isinstance(value, bool | int | float | str)
    }


_REGULARIZERS = ("kernel_regularizer", "embeddings_regularizer", "depthwise_regularizer")


def _penalties(layer: Any) -> dict[str, float]:
    """The factors of an L1 and an L2 penalty on the layer's kernel, where it has one that Keras defines."""
    given = next((each for name in _REGULARIZERS if (each := getattr(layer, name, None)) is not None), None)
    if not isinstance(given, keras.regularizers.L1 | keras.regularizers.L2 | keras.regularizers.L1L2):
        return {}
    return {name: float(getattr(given, name)) for name in ("l1", "l2") if getattr(given, name, None)}


def _symbolic_shapes(layer: Any) -> tuple[tuple[int | None, ...] | None, ...]:
    """Shapes without the batch axis, of a layer that is used once in a functional model."""
    shapes = []
    for name in ("input", "output"):
        try:
            shapes.append(tuple(getattr(layer, name).shape[1:]))
        except (AttributeError, ValueError, TypeError):
            shapes.append(None)
    return tuple(shapes)
