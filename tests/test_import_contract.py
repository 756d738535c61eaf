import subprocess
import sys

import pytest

import deeplocalize

HEAVY = ("torch", "keras", "tensorflow", "jax", "numpy", "click", "rich", "msgspec", "wrapt")


def modules_after(statement):
    """The names of the heavy modules that are imported once a fresh Python has run the statement."""
    code = f"{statement}\nimport sys\nprint([each for each in {HEAVY} if each in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_importing_the_package_imports_nothing_heavy():
    # numpy and OpenMP read variables such as OMP_NUM_THREADS once, which a watched script may still want to set.
    assert modules_after("import deeplocalize") == "[]\n"


def test_reading_and_judging_a_trace_imports_no_framework():
    statement = "from deeplocalize import diagnose\nfrom deeplocalize.testing import make_trace\nprint(diagnose(make_trace()).verdict)"
    assert modules_after(statement) == "healthy\n['numpy', 'msgspec']\n"


def test_help_imports_nothing_but_click():
    assert modules_after("from deeplocalize.cli import main") == "['click']\n"


def test_every_public_name_is_there_and_listed():
    for name in deeplocalize.__all__:
        assert getattr(deeplocalize, name).__doc__
    assert {*deeplocalize.__all__, "KerasCallback"} <= set(dir(deeplocalize))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = deeplocalize.nothing


def test_watch_is_the_function_whoever_imports_the_module_first():
    modules_after("import deeplocalize.watch\nassert deeplocalize.watch.__name__ == 'watch', deeplocalize.watch")
    modules_after("import deeplocalize.cli.run\nimport deeplocalize\nassert callable(deeplocalize.watch)")
