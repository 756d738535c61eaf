"""Carrying out kept steps of a Keras training once more; see deeplocalize.frameworks.replay."""

from __future__ import annotations

import os
import sys

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.replay import Replayed
from deeplocalize.trace.kept import Kept

BACKENDS = ("tensorflow", "jax", "torch")


def replay(kept: Kept) -> Replayed:
    """See deeplocalize.frameworks.replay.replay. Imports Keras, for the backend that the steps are of."""
    backend = kept.program.get("backend")
    if backend not in BACKENDS:
        raise UsageError(f"step {kept.step} is of Keras on {backend!r}, expected one of {', '.join(BACKENDS)}")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from deeplocalize.frameworks.keras.rerun import Program

    if keras.backend.backend() != backend:
        raise UsageError(
            f"step {kept.step} is of Keras on {backend}, and Keras was imported for {keras.backend.backend()}"
        )
    try:
        program = Program(kept)
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError, StopIteration) as error:
        raise UsageError(
            f"step {kept.step} cannot be replayed: what the trace keeps of it is damaged ({error})"
        ) from None
    return program.replay()
