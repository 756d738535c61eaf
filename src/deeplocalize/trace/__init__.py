"""What happened: the record of a training run, as arrays and facts. Needs numpy alone, never a framework."""

from deeplocalize.trace.cards import DataCard, InputCard, TargetCard
from deeplocalize.trace.names import Series
from deeplocalize.trace.recorder import Recorder, TraceLog
from deeplocalize.trace.schema import (
    Crash,
    Evaluation,
    Failure,
    Head,
    Layer,
    Loss,
    Objective,
    Optimizer,
    Origin,
    Run,
    Sample,
    Scaling,
    Softmax,
    Source,
    Trace,
)
from deeplocalize.trace.store import read_traces

__all__ = [
    "Crash",
    "DataCard",
    "Evaluation",
    "Failure",
    "Head",
    "InputCard",
    "Layer",
    "Loss",
    "Objective",
    "Optimizer",
    "Origin",
    "Recorder",
    "Run",
    "Sample",
    "Scaling",
    "Series",
    "Softmax",
    "Source",
    "TargetCard",
    "Trace",
    "TraceLog",
    "read_traces",
]
