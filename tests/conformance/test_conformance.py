"""The same tiny seeded models in PyTorch and in Keras on each backend give the same trace as plain numpy."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from reference import STEPS, train

from deeplocalize.trace import Series, read_traces

HERE = Path(__file__).parent
FRAMEWORKS = ("torch", "keras-tensorflow", "keras-jax", "keras-torch")


def record(framework, task, path):
    """The trace of the reference problem trained under watch in a fresh process."""
    kind, _, backend = framework.partition("-")
    pytest.importorskip(backend or kind)
    program = [str(HERE / f"train_{kind}.py"), task]
    command = [sys.executable, "-m", "deeplocalize", "run", "--exit-zero", "--trace", str(path), *program]
    environment = os.environ | {"KERAS_BACKEND": backend or "torch", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (trace,) = read_traces(path)
    return trace


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_trace_is_that_of_plain_numpy(framework, task, tmp_path):
    trace = record(framework, task, tmp_path / "a.trace")
    expected = train(task)
    assert trace.failures == ()
    assert trace.steps.tolist() == trace.sampled.tolist() == list(range(STEPS))
    np.testing.assert_allclose(trace.scalar("loss"), expected.pop("loss"), rtol=1e-4)
    for name, values in expected.items():
        recorded = trace.columns.get(Series.parse(name))
        if recorded is None:
            assert np.isnan(values).all(), f"{name} was not recorded"
            continue
        np.testing.assert_allclose(recorded, values, rtol=2e-3, atol=2e-5, err_msg=name)
    assert {str(series) for series in trace.columns if series.role != "layer"} <= set(expected)
