"""What all tests have in common: those that draw numbers draw the same ones alone, together and in any order."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def numbers_drawn_anew(request, monkeypatch):
    """Give each test of a module with a generator `RANDOM` a fresh one."""
    if hasattr(request.module, "RANDOM"):
        monkeypatch.setattr(request.module, "RANDOM", np.random.default_rng(0))
