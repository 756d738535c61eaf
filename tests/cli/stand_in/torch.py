"""Stands in for PyTorch and for the probe that watches it, so that `run` is tested quickly and without a framework."""

import os
import sys
import time
import types

from deeplocalize.frameworks.session import TrainingStopped
from deeplocalize.testing import make_layer, make_run
from deeplocalize.trace import Head, Series

probe = None


class TorchProbe:
    def __init__(self, session):
        self.session = session
        self.recorder = None

    def install(self):
        global probe
        if os.environ.get("PROBE_FAILS"):
            raise ValueError("the probe is broken")
        probe = self

    def finish(self, ended, error):
        if self.recorder is not None:
            self.recorder.finish(ended)


def train(steps=60, faulty=False, pause=0.0):
    """Pretend to train a classifier; a faulty one applies softmax before a cross-entropy that does so itself."""
    recorder = probe.recorder = probe.session.log.recorder()
    head = Head(layer=2, activation="softmax" if faulty else "linear", activation_layer=2, units=10, shape=(10,))
    recorder.describe(run=make_run(head=head, ended="running"), layers=[make_layer(index) for index in range(3)])
    for step in range(steps):
        recorder.sample(step, {Series("weight", "rms"): [0.1, 0.1, 0.1]})
        recorder.step(step, {"loss": 2.3 * 0.95**step, "loss.nonfinite": 0, "accuracy": 0.9}, "zfbs")
        if probe.session.stepped(recorder, step):
            raise TrainingStopped
        time.sleep(pause)
    recorder.flush()


sys.modules["deeplocalize.frameworks.torch.probe"] = types.ModuleType("probe")
sys.modules["deeplocalize.frameworks.torch.probe"].TorchProbe = TorchProbe
