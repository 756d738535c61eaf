"""frameworks -> trace -> signals -> rules -> diagnosis -> verification -> reports.

A *probe* watches a framework and writes a *trace*; *signals* are statistics over a trace; a *rule* recognizes one
fault; a *diagnosis* ranks causes; *verification* retrains briefly to prove one; a *report* says it. Each stage imports
only stages to its left, and none but `frameworks` imports a framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# At once, as the function has its module's name: the first import of `deeplocalize.watch` binds the module here, and
# this line then binds the function over it, for good. The module imports nothing heavy.
from deeplocalize.watch import watch

if TYPE_CHECKING:
    from deeplocalize.diagnosis import Cause, Diagnosis, Settings, diagnose
    from deeplocalize.errors import DeepLocalizeError, TraceError, UsageError
    from deeplocalize.findings import Evidence, Finding
    from deeplocalize.frameworks.imperative import imperative
    from deeplocalize.reports import Report
    from deeplocalize.trace import Trace, read_traces

    KerasCallback: Any

_HOMES = {
    "Cause": "diagnosis",
    "DeepLocalizeError": "errors",
    "Diagnosis": "diagnosis",
    "Evidence": "findings",
    "Finding": "findings",
    "Report": "reports",
    "Settings": "diagnosis",
    "Trace": "trace",
    "TraceError": "errors",
    "UsageError": "errors",
    "diagnose": "diagnosis",
    "imperative": "frameworks.imperative",
    "read_traces": "trace",
}

# KerasCallback is public too, but `from deeplocalize import *` must not import Keras.
__all__ = [
    "Cause",
    "DeepLocalizeError",
    "Diagnosis",
    "Evidence",
    "Finding",
    "Report",
    "Settings",
    "Trace",
    "TraceError",
    "UsageError",
    "diagnose",
    "imperative",
    "read_traces",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name == "KerasCallback":
        value = importlib.import_module("deeplocalize.watch").keras_callback_class()
    elif name in _HOMES:
        value = getattr(importlib.import_module(f"deeplocalize.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "KerasCallback"})
