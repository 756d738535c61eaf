"""The models of a training as facts: their layers in one list, and how many of their parameters may be trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import nn

from deeplocalize.frameworks import lines
from deeplocalize.frameworks.data_lines import made_at
from deeplocalize.frameworks.source import CallSite, outermost_loop
from deeplocalize.frameworks.torch import loading
from deeplocalize.frameworks.torch.models import Model
from deeplocalize.trace.schema import Evaluation, Layer, PassedOver, Softmax, Source
from deeplocalize.trace.weights import Loading


def layers(models: Sequence[Model], filename: str | None) -> tuple[Layer, ...]:
    """The layers of all models with their index among all; looked up in the user's file if none was seen being built."""
    several, index = len(models) > 1, _index(models)
    found: list[Layer] = []
    for model in models:
        for layer in model.layers:
            name = f"{model.name}.{layer.facts.name}" if several and layer.name else layer.facts.name
            unplaced = index.get(id(layer.unplaced))
            found.append(dataclasses.replace(layer.facts, index=len(found), name=name, unplaced=unplaced))
    unseen = all(layer.source is None for layer in found)
    return lines.of_layers(found, filename) if unseen else tuple(found)


def of_models(models: Sequence[Model], held: Collection[int]) -> dict[str, Any]:
    """What a Run says of its models; `held` are the ids of the parameters that optimizers hold."""
    return {
        "parameters": parameters(models),
        "trainable": trainable(models),
        "optimized": optimized(models, held),
        "loaded": loading.of(models),
    }


def parameters(models: Sequence[Model]) -> int:
    """The number of elements of all parameters."""
    return sum(each.numel() for each in _all(models).values())


def trainable(models: Sequence[Model]) -> int:
    """Of those that may be trained."""
    return sum(each.numel() for each in _all(models).values() if each.requires_grad)


def optimized(models: Sequence[Model], held: Collection[int]) -> int:
    """Of those whose ids are among `held`, which optimizers hold."""
    return sum(each.numel() for key, each in _all(models).items() if key in held)


def data_lines(calls: Mapping[str, CallSite], models: Sequence[Model]) -> dict[str, Source]:
    """The lines that made what model and loss are given, of the loop over all steps, and of a conversion to 16 bits."""
    found = {
        "epochs": outermost_loop(calls.get("step")),
        "dtype": loading.halved(models),
        "inputs": made_at(calls.get("forward"), 0, "x"),
        "targets": made_at(calls.get("loss"), 1, "target", targets=True),
    }
    return {name: line for name, line in found.items() if line is not None}


def seen(models: Sequence[Model], loaded: tuple[Loading, ...]) -> dict[str, Any]:
    """What was seen of them beside their steps: passes without gradients, if weights were saved or copied, and what was
    loaded into others of their form in vain, besides what was `loaded` into them."""
    found: list[Evaluation] = []
    offset = 0
    for model in models:
        found += model.evaluations.facts(offset)
        offset += len(model.layers)
    evaluations = tuple(sorted(found, key=lambda each: each.step))
    return {
        "evaluations": evaluations,
        "keeps_weights": any(model.evaluations.keeps_weights() for model in models),
        "loaded": (*loaded, *(each for model in models for each in model.copies)),
        "inner_softmax": _inner_softmax(models),
        "passed_over": _passed_over(models),
        "restored": tuple(each for model in models if (each := model.restored) is not None),
    }


def _inner_softmax(models: Sequence[Model]) -> Softmax | None:
    found = next((each for model in models if (each := model.inner_softmax) is not None), None)
    return dataclasses.replace(found[1], after=_index(models).get(id(found[0]))) if found is not None else None


def _passed_over(models: Sequence[Model]) -> PassedOver | None:
    index = _index(models)
    found = (model.passed_over.fact(index) for model in models)
    return next((each for each in found if each is not None), None)


def _index(models: Sequence[Model]) -> dict[int, int]:
    """The place of each layer among those of all models, by its id."""
    return {id(layer): at for at, layer in enumerate(each for model in models for each in model.layers)}


def validation(models: Sequence[Model]) -> dict[str, Any]:
    """The scalars ``validation.*`` of the step that ends."""
    found: dict[str, Any] = {}
    for model in models:
        found |= model.evaluations.validation()
    return found


def _all(models: Sequence[Model]) -> dict[int, nn.Parameter]:
    roots = [model.root for model in models if model.root is not None]
    return {id(each): each for root in roots for each in root.parameters()}
