"""Losses of the user's own that multiply a number of each example with the factors of all, as (n,) times (n, 1) is (n, n):
log-probabilities with advantages, losses with weights. What is left of them is the product of two means."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Any

from torch import Tensor

from deeplocalize.frameworks.torch import graph
from deeplocalize.frameworks.torch.calls import REDUCTIONS, CallLines
from deeplocalize.frameworks.torch.stretched import is_square
from deeplocalize.trace.schema import Source

MAX_NODES = 50


def multiplies_all(loss: Any, answers: Collection[Tensor]) -> bool:
    """True if a loss is the mean or the sum of all such products, and of nothing else.

    `answers` are what models answered: the product has a row and a column for each example. Where both sides need a gradient,
    one was made a column on purpose, or all factors are the same, it is meant or does not matter.
    """
    if graph.name(loss) not in ("MeanBackward", "SumBackward") or graph.shape(loss) != ():
        return False
    waiting, seen, found = [loss], 0, False
    while waiting and seen < MAX_NODES:
        node, seen = waiting.pop(), seen + 1
        inputs = [(each, at) for each, at in node.next_functions if each is not None]
        sides = [(each, at) for each, at in inputs if not is_square(graph.shape(each, at))]
        if not sides:
            if not inputs or not (node is loss or _is_of_each(node)):
                return False
            waiting += [each for each, _ in inputs]
            continue
        examples = graph.shape(node)[0] if is_square(graph.shape(node)) else 0
        if len(inputs) > 1 or not any(len(each) == examples for each in answers if each.ndim):
            return False
        if not _stretches(node, *sides[0], examples):
            return False
        found = True
    return found and not waiting


def _is_of_each(node: Any) -> bool:
    """True if an operation does the same to all products: a sign, one factor, the smaller of two, as in a clipped objective."""
    factors = graph.factor_of(node)
    scaled = graph.name(node) in ("MulBackward", "DivBackward") and (factors is None or factors.numel() == 1)
    return scaled or graph.name(node) in ("NegBackward", "MinimumBackward")


def _stretches(product: Any, side: Any, at: int, examples: int) -> bool:
    """True if an operation multiplies this side, a number computed for each example, with factors that lie across."""
    shape, factors = graph.shape(side, at), graph.factor_of(product)
    if graph.name(product) != "MulBackward" or factors is None or not side.next_functions:
        return False
    across = {(examples,): (examples, 1), (examples, 1): (examples,)}.get(shape)
    if tuple(factors.shape) != across or (shape != (examples,) and graph.name(side) == "UnsqueezeBackward"):
        return False
    return bool((factors != factors.reshape(-1)[0]).any())


def line(calls: CallLines) -> Source | None:
    """The line that took the mean or the sum of a product; None if there is more than one such line."""
    sites = dict.fromkeys(site for name, site in calls.calls if name in REDUCTIONS)
    found = {site.source for site in sites if (call := site.call()) is not None and _is_of_product(call)}
    return found.pop() if len(found) == 1 else None


def _is_of_product(call: ast.Call) -> bool:
    given = call.args[0] if call.args else getattr(call.func, "value", None)
    while isinstance(given, ast.UnaryOp):
        given = given.operand
    if not isinstance(given, ast.BinOp) or not isinstance(given.op, ast.Mult):
        return False
    return not any(isinstance(each, ast.Constant) for each in (given.left, given.right))
