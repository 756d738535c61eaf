"""The Keras probe on the tensorflow, jax and torch backends: the checks of check_*.py, run in one process each.

Keras fixes its backend when it is imported, so each backend has a process of its own; it runs all checks, since
importing a backend takes longer than checking it. The checks of a backend are one class, which one worker gets whole
(--dist loadscope), so that no two run the same process.
"""

import ast
import functools
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def checks(backend):
    """The names of the checks that apply to a backend, read from the files."""
    for module in sorted(HERE.glob("check_*.py")):
        for node in ast.parse(module.read_text()).body:
            marks = [each for each in getattr(node, "decorator_list", ()) if "check" in ast.unparse(each)]
            if marks and ("backends" not in ast.unparse(marks[0]) or repr(backend) in ast.unparse(marks[0])):
                yield node.name


@functools.cache
def outcomes(backend):
    """What each check said: ok, or a traceback."""
    quick = {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    environment = os.environ | quick | {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(HERE / "run_checks.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-5000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def hold(backend, check):
    for needed in ("keras", backend):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    assert outcomes(backend)[check] == "ok", outcomes(backend)[check]


@pytest.mark.parametrize("check", list(checks("jax")))
class TestOnJAX:
    def test_that(self, check):
        hold("jax", check)


@pytest.mark.parametrize("check", list(checks("tensorflow")))
class TestOnTensorFlow:
    def test_that(self, check):
        hold("tensorflow", check)


@pytest.mark.parametrize("check", list(checks("torch")))
class TestOnTorch:
    def test_that(self, check):
        hold("torch", check)


def test_importing_the_package_imports_no_keras():
    code = "import sys, deeplocalize, deeplocalize.frameworks.keras.callback; print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
