"""What the checks share: a watched stretch of a program, seeds, small problems, and the list of checks."""

import contextlib
import random

import keras
import numpy as np

from deeplocalize.frameworks.keras.probe import KerasProbe
from deeplocalize.frameworks.session import Session
from deeplocalize.trace import TraceLog

BACKEND = keras.backend.backend()
CHECKS = []


def check(function=None, *, backends=("tensorflow", "jax", "torch")):
    """Mark a function as a check; its name is the sentence that it checks."""
    if function is None:
        return lambda each: check(each, backends=backends)
    if BACKEND in backends:
        CHECKS.append(function)
    return function


class Seen:
    """What was recorded, once the watched stretch is over."""

    def __init__(self, session, probe):
        self.session, self.probe = session, probe

    @property
    def traces(self):
        return self.session.log.traces()

    @property
    def trace(self):
        (trace,) = self.traces
        return trace


@contextlib.contextmanager
def watched(on_step=None, failures=(), path=None):
    """Watch what happens inside, as under `deeplocalize run`. Failures of ours fail the check, but for the stages given.
    With a `path`, the trace is written there."""
    session = Session(TraceLog(path), on_step)
    probe = KerasProbe(session)
    seen = Seen(session, probe)
    probe.install()
    error = None
    try:
        yield seen
    except BaseException as raised:
        error = raised
        raise
    finally:
        probe.finish("raised" if error else "completed", error)
        probe.uninstall()
        session.log.close()
        found = [each for trace in seen.traces for each in trace.failures] + session.failures
        unexpected = [each for each in found if each.stage not in failures]
        assert not unexpected, unexpected


def seed(number=0):
    """Seed everything that Keras draws from on this backend."""
    random.seed(number)
    np.random.seed(number)
    if BACKEND == "tensorflow":
        import tensorflow

        tensorflow.random.set_seed(number)
    if BACKEND == "torch":
        import torch

        torch.manual_seed(number)


def problem(rows=64, features=6, classes=3):
    """Inputs and class indices."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=(rows, features)).astype("float32")
    return x, (x[:, :classes].argmax(axis=1)).astype("int32")


def mlp(*hidden, features=6, classes=3):
    """A small classifier with the given layers in the middle."""
    return keras.Sequential([keras.Input((features,)), *hidden, keras.layers.Dense(classes, activation="softmax")])


def compiled(model, loss="sparse_categorical_crossentropy", rate=0.05, **settings):
    """The model, compiled with gradient descent."""
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=loss, **settings)
    return model


def first_nonfinite(trace, role):
    """(step, layers) where the role is first not finite, None if it is everywhere finite."""
    counts = trace.series(role, "nonfinite")
    rows = np.flatnonzero((counts > 0).any(axis=1))
    return (int(trace.sampled[rows[0]]), np.flatnonzero(counts[rows[0]] > 0).tolist()) if len(rows) else None


def line_of(marker, filename):
    """The number of the line that ends in a comment with this marker."""
    with open(filename) as file:
        return next(number for number, line in enumerate(file, 1) if line.rstrip().endswith(f"# <{marker}>"))
