"""PyTorch objects as program facts: modules to layers, optimizers and loss modules to what the trace says of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from deeplocalize.frameworks import lines, source
from deeplocalize.frameworks.source import CallSite
from deeplocalize.frameworks.torch import initial
from deeplocalize.frameworks.torch.optimizers import Owned
from deeplocalize.trace.schema import Layer, Loss, Optimizer, Source

COMPOSITES = (nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase)
"""Library modules that count as one layer although they may hold modules of their own."""

ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.LeakyReLU: "leaky_relu",
    nn.PReLU: "prelu",
    nn.ELU: "elu",
    nn.CELU: "celu",
    nn.SELU: "selu",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
    nn.Mish: "mish",
    nn.Sigmoid: "sigmoid",
    nn.LogSigmoid: "log_sigmoid",
    nn.Tanh: "tanh",
    nn.Softmax: "softmax",
    nn.Softmax2d: "softmax",
    nn.LogSoftmax: "log_softmax",
    nn.Softmin: "softmin",
    nn.Softplus: "softplus",
    nn.Softsign: "softsign",
    nn.Hardtanh: "hard_tanh",
    nn.Hardsigmoid: "hard_sigmoid",
    nn.Hardswish: "hard_swish",
    nn.Threshold: "threshold",
}

_KINDS: tuple[tuple[str, tuple[type[nn.Module], ...]], ...] = (
    ("dense", (nn.Linear, nn.Bilinear)),
    ("conv", (nn.modules.conv._ConvNd,)),
    ("recurrent", (nn.RNNBase, nn.RNNCellBase)),
    ("attention", (nn.MultiheadAttention,)),
    ("embedding", (nn.Embedding, nn.EmbeddingBag)),
    ("batch-norm", (nn.modules.batchnorm._BatchNorm,)),
    ("norm", (nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm, nn.RMSNorm)),
    ("dropout", (nn.modules.dropout._DropoutNd,)),
    (
        "pooling",
        (
            nn.modules.pooling._MaxPoolNd,
            nn.modules.pooling._AvgPoolNd,
            nn.modules.pooling._AdaptiveAvgPoolNd,
            nn.modules.pooling._AdaptiveMaxPoolNd,
        ),
    ),
    ("reshape", (nn.Flatten, nn.Unflatten, nn.Identity, nn.Upsample, nn.PixelShuffle)),
    ("activation", tuple(ACTIVATIONS)),
)

PURE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.LayerNorm, nn.GroupNorm, nn.Embedding)
"""Library layers whose forward is a function of input and parameters alone: no state, no randomness."""

LOSSES: dict[type[nn.Module], tuple[str, str | None, str | None]] = {
    nn.CrossEntropyLoss: ("cross-entropy", "logits", "class-index"),
    nn.NLLLoss: ("negative-log-likelihood", "log-probabilities", "class-index"),
    nn.BCELoss: ("binary-cross-entropy", "probabilities", "elementwise"),
    nn.BCEWithLogitsLoss: ("binary-cross-entropy", "logits", "elementwise"),
    nn.MSELoss: ("mean-squared-error", "values", "elementwise"),
    nn.L1Loss: ("mean-absolute-error", "values", "elementwise"),
    nn.SmoothL1Loss: ("huber", "values", "elementwise"),
    nn.HuberLoss: ("huber", "values", "elementwise"),
    nn.KLDivLoss: ("kl-divergence", "log-probabilities", "elementwise"),
    nn.PoissonNLLLoss: ("poisson", None, "elementwise"),
    nn.MultiLabelSoftMarginLoss: ("binary-cross-entropy", "logits", "elementwise"),
    nn.HingeEmbeddingLoss: ("hinge", None, "elementwise"),
    nn.MultiMarginLoss: ("hinge", "values", "class-index"),
}


def is_layer(module: nn.Module) -> bool:
    """True for what the user would call a layer: a module without modules inside, a library composite, or a
    module of the user's own that holds parameters itself."""
    if isinstance(module, nn.modules.loss._Loss):
        return False
    if isinstance(module, COMPOSITES) or not any(True for _ in module.children()):
        return not isinstance(
            module, nn.Sequential | nn.ModuleList | nn.ModuleDict | nn.ParameterList | nn.ParameterDict
        )
    return any(True for _ in module.parameters(recurse=False))


def layers_of(root: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers of a model with their dotted names, in the order in which they were registered, each once."""
    inside: tuple[str, ...] = ()
    for name, module in root.named_modules():
        if any(name.startswith(prefix) for prefix in inside):
            continue
        if isinstance(module, COMPOSITES):
            inside += (name + "." if name else "",)
        if is_layer(module):
            yield clean_name(name), module


def clean_name(name: str) -> str:
    """A dotted path without the wrappers of DistributedDataParallel and torch.compile."""
    parts = [part for part in name.split(".") if part != "_orig_mod"]
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] == "module" else parts)


def own_parameters(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that belong to a layer: its own, or all of them for a composite."""
    return list(module.parameters(recurse=isinstance(module, COMPOSITES)))


def kernels(parameters: list[nn.Parameter]) -> list[nn.Parameter]:
    """The parameters of two or more axes, or all if there are none such."""
    return [each for each in parameters if each.ndim >= 2] or parameters


def kind_of(module: nn.Module) -> str:
    """The layer's kind, one of schema.KINDS."""
    for kind, types in _KINDS:
        if isinstance(module, types):
            return kind
    return "custom" if own_parameters(module) else "other"


def channel_axis(module: nn.Module, output: Tensor) -> int:
    """The axis of a layer's output that counts its units: the second of an image, the last otherwise."""
    images = kind_of(module) in ("conv", "pooling") or isinstance(
        module, nn.modules.batchnorm._BatchNorm | nn.GroupNorm | nn.Softmax2d
    )
    if images:
        return 1 if output.ndim >= 2 else -1
    # A nonlinearity does not say what it is fed; channels come before two or more axes of positions.
    return 1 if output.ndim >= 4 and kind_of(module) in ("activation", "dropout", "other") else -1


def time_and_batch(facts: Layer, output: Tensor) -> tuple[int, int] | None:
    """The lengths of the axes that a layer takes for time and for the batch; None if it has no choice, or if its output is
    that of a single sequence."""
    batch_first = facts.settings.get("batch_first")
    if not isinstance(batch_first, bool) or output.ndim != 3:
        return None
    first, second = output.shape[:2]
    return (second, first) if batch_first else (first, second)


def layer(index: int, name: str, module: nn.Module, site: CallSite | None, **facts: Any) -> Layer:
    """The facts of a layer; `site` is the call that built it, None if it was not seen."""
    parameters = own_parameters(module)
    kind = kind_of(module)
    return Layer(
        index=index,
        name=name or type(module).__name__,
        type=type(module).__name__,
        kind=kind,
        initializer=initializer(kernels(parameters)),
        parameters=sum(each.numel() for each in parameters),
        trainable=any(each.requires_grad for each in parameters) if parameters else True,
        settings=settings_of(module),
        dtype=str(parameters[0].dtype).removeprefix("torch.") if parameters else None,
        source=site.source if site else None,
        sources=(site.arguments(_signature(type(module))) if site else {}) | initial.lines(kernels(parameters)),
        **facts,
    )


_SETTINGS = {"p": "rate", "dropout": "rate", "eps": "epsilon", "momentum": "momentum", "batch_first": "batch_first"}


def settings_of(module: nn.Module) -> dict[str, float | bool | str | None]:
    """What a layer was built with, under common names; `fresh`: its running averages are as they began."""
    found = {common: getattr(module, name) for name, common in _SETTINGS.items() if hasattr(module, name)}
    averages = getattr(module, "running_mean", None)
    found |= {"fresh": not bool(averages.any())} if isinstance(averages, Tensor) and not averages.is_meta else {}
    found |= {"axis": module.dim} if isinstance(module, nn.Softmax | nn.LogSoftmax) else {}
    found |= {"bias": module.bias is not None} if hasattr(module, "bias") and not isinstance(module.bias, bool) else {}
    return {
        name: value for name, value in found.items() if value is None or isinstance(value, bool | int | float | str)
    }


def initializer(parameters: list[nn.Parameter]) -> str | None:
    """`zeros` or `constant` if all kernels are so; None if it is something else (PyTorch does not say what)."""
    values = [each.detach() for each in parameters if each.ndim >= 2]
    if not values or any(not isinstance(each, Tensor) or each.is_meta for each in values):
        return None
    flats = [each.reshape(-1) for each in values]
    if any(bool((flat != flat[0]).any()) for flat in flats if flat.numel() > 1):
        return None
    return "zeros" if all(float(flat[0]) == 0 for flat in flats) else "constant"


def _signature(cls: type) -> tuple[str, ...]:
    code = getattr(cls.__init__, "__code__", None)
    return code.co_varnames[1 : code.co_argcount] if code else ()


def optimizers(owned: Sequence[Owned], filename: str | None, misplaced: int | None) -> tuple[Optimizer, ...]:
    """The facts of those that still exist; `misplaced` is the place of the one that holds what another one holds."""
    return tuple(
        optimizer(instance, each.site, filename, at == misplaced)
        for at, each in enumerate(owned)
        if (instance := each.reference()) is not None
    )


def optimizer(
    instance: torch.optim.Optimizer, site: CallSite | None, filename: str | None = None, misplaced: bool = False
) -> Optimizer:
    """The facts of an optimizer, with its settings under framework-neutral names. `filename` is where to look for the call
    that built it, if that was not seen."""
    names = {"lr": "learning_rate", "alpha": "rho", "dampening": "dampening"}
    group = instance.param_groups[0] if instance.param_groups else {}
    settings = {
        names.get(name, name): plain(value)
        for name, value in group.items()
        if name != "params" and (value is None or isinstance(value, int | float | bool | str) or is_scalar(value))
    }
    if isinstance(betas := group.get("betas"), tuple | list) and len(betas) == 2:
        settings |= {"beta_1": plain(betas[0]), "beta_2": plain(betas[1])}
    parameters = ("params", *_signature(type(instance))[1:])
    found = None if site else lines.of_call(type(instance).__name__, filename, parameters)
    arguments = found.arguments if found else {}
    if site is not None:
        direct = (call := site.call()) is not None and source.called(call) == type(instance).__name__
        arguments = site.arguments(parameters if direct else ())
        rate = lines.of_argument(("learning_rate", "lr"), site.filename)
        if not arguments and rate is not None:  # built by a library, whose user gave the rate somewhere else
            arguments = {"lr": rate}
    return Optimizer(
        kind=type(instance).__name__.lower(),
        name=type(instance).__name__,
        settings=settings,
        parameters=sum(each.numel() for group in instance.param_groups for each in group["params"]),
        source=site.source if site else found.source if found else None,
        sources={names.get(name, name): line for name, line in arguments.items()},
        misplaced=misplaced,
    )


def is_scalar(value: object) -> bool:
    """True for a tensor of one element (a learning rate may be one)."""
    return isinstance(value, Tensor) and value.numel() == 1


def plain(value: Any) -> Any:
    """A tensor of one element as a number, everything else as it is; NaN as None."""
    value = value.item() if is_scalar(value) else value
    return None if isinstance(value, float) and math.isnan(value) else value


def loss_of_module(module: nn.Module, site: CallSite | None) -> Loss:
    """The facts of a loss module."""
    kind, takes, targets = next(
        (facts for cls, facts in LOSSES.items() if isinstance(module, cls)), ("other", None, None)
    )
    if isinstance(module, nn.PoissonNLLLoss):
        takes = "log-values" if module.log_input else "values"
    weights = (getattr(module, "weight", None), getattr(module, "pos_weight", None))
    return Loss(
        kind=kind,
        name=type(module).__name__,
        takes=takes,
        targets=targets,
        reduction=getattr(module, "reduction", None),
        label_smoothing=float(getattr(module, "label_smoothing", 0.0)),
        weighted=any(weight is not None for weight in weights),
        ignore_index=getattr(module, "ignore_index", None),
        class_weights=class_weights(weights[0]) if targets == "class-index" else yes_and_no_weights(weights[1]),
        source=site.source if site else None,
    )


MAX_WEIGHTS = 1000


def class_weights(weight: object) -> tuple[float, ...]:
    """The weights of the classes; empty if there are none, or too many to be of use."""
    few = isinstance(weight, Tensor) and weight.ndim == 1 and len(weight) <= MAX_WEIGHTS
    return tuple(float(each) for each in weight.detach().cpu()) if few else ()


def yes_and_no_weights(positive: object) -> tuple[float, ...]:
    """The weights of no and yes, where yes has one; several labels with a weight each are no classes."""
    return (1.0, float(positive)) if isinstance(positive, Tensor) and positive.numel() == 1 else ()


def source_of(site: CallSite | None) -> Source | None:
    """The line of a call, if it was seen."""
    return site.source if site else None
