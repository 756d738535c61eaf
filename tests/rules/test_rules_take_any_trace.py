import itertools

import numpy as np
import pytest

from deeplocalize.findings import Finding
from deeplocalize.rules import NotEvaluated, all_rules
from deeplocalize.testing import make_layer, make_run, make_trace
from deeplocalize.trace import DataCard
from deeplocalize.trace.names import LAYER_STATES, SCALARS, TENSOR_ROLES, TENSOR_STATS

KINDS = ("dense", "activation", "recurrent", "batch-norm", "dense")
STATISTICS = (np.nan, np.inf, 0.0, 1.0, 1e-38, 3e38, 2.3)  # infinite where single precision was too small
NUMBERS = (np.nan, 0.0, 1.0, 1e-38, 1e30, 2.3, -2.0)
SHARES = (np.nan, 0.0, 0.3, 1.0)
COUNTS = (np.nan, 0.0, 1.0, 64.0)
FLAGS = ("stale_gradient", "cleared_gradient", "training", "accuracy", "dead", "saturated", "zeros")


def possible(name):
    """Values that a column of this name can hold."""
    last = name.split(".")[-1]
    if last == "nonfinite":
        return COUNTS
    if name.startswith("layer.") or last in FLAGS:
        return SHARES
    return STATISTICS if "." in name else NUMBERS


def odd_trace(seed):
    """Any column may hold anything it can hold, and may change its mind from step to step."""
    random = np.random.default_rng(seed)
    steps, layers = int(random.choice([0, 1, 3, 30, 300])), [make_layer(at, kind) for at, kind in enumerate(KINDS)]
    sampled = np.flatnonzero(random.random(steps) < 0.5)

    def values(name, *shape):
        chosen = possible(name)
        return np.full(shape, random.choice(chosen)) if random.random() < 0.5 else random.choice(chosen, shape)

    columns = [f"{role}.{stat}" for role, stat in itertools.product(TENSOR_ROLES, TENSOR_STATS)]
    columns += [f"layer.{state}" for state in LAYER_STATES]
    return make_trace(
        layers=layers,
        steps=steps,
        sampled=sampled,
        scalars={name: values(name, steps) for name in SCALARS if random.random() < 0.8},
        columns={name: values(name, len(sampled), len(layers)) for name in columns if random.random() < 0.8},
        run=make_run(ended=str(random.choice(["completed", "interrupted", "raised"]))),
        data=DataCard(baseline_loss=random.choice([None, 0.0, 2.3]), baseline_accuracy=random.choice([None, 0.1, 1.0])),
    )


@pytest.mark.parametrize("seed", range(40))
def test_no_rule_fails_or_warns_whatever_the_trace_holds(seed):
    trace = odd_trace(seed)
    for rule in all_rules():
        answer = rule.run(trace)
        assert isinstance(answer, NotEvaluated) or all(isinstance(finding, Finding) for finding in answer)
