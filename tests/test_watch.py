import os
import subprocess
import sys
import types

import pytest

import deeplocalize
from deeplocalize.testing import make_layer, make_run


class FakeProbe:
    """Records ten steps as soon as it is told of a model."""

    def __init__(self, session):
        self.session = session
        self.calls = []

    def watch(self, model, **facts):
        if model.breaks:
            raise ValueError("no")
        self.calls.append(("watch", facts))
        self.recorder = self.session.log.recorder()
        self.recorder.describe(run=make_run(ended="running"), layers=[make_layer(index) for index in range(3)])
        for step in range(10):
            self.recorder.step(step, {"loss": 1.0 / (step + 1), "loss.nonfinite": 0})

    def finish(self, ended, error):
        self.calls.append((ended, error))

    def uninstall(self):
        self.calls.append("uninstall")


def model_of(*modules, breaks=False):
    """An instance of a class that inherits from one class of each module."""
    bases = tuple(type("Base", (), {"__module__": module}) for module in modules)
    return type("Net", bases, {"__module__": "__main__", "breaks": breaks})()


@pytest.fixture(autouse=True)
def probes(monkeypatch):
    for name, cls in (("torch", "TorchProbe"), ("keras", "KerasProbe")):
        fake = types.ModuleType("probe")
        setattr(fake, cls, type(cls, (FakeProbe,), {}))
        monkeypatch.setitem(sys.modules, f"deeplocalize.frameworks.{name}.probe", fake)


@pytest.mark.parametrize(
    ("modules", "probe"),
    [
        (["torch.nn.modules.module"], "TorchProbe"),
        (["keras.src.models.model"], "KerasProbe"),
        (["keras.src.models.model", "torch.nn.modules.module"], "KerasProbe"),
    ],
)
def test_the_probe_is_chosen_by_the_models_classes(modules, probe):
    with deeplocalize.watch(model_of(*modules)) as watched:
        pass
    assert type(watched._probe).__name__ == probe


def test_a_model_of_no_framework_is_refused():
    with pytest.raises(deeplocalize.UsageError, match="'int'; it expects a torch"):
        deeplocalize.watch(3)


@pytest.mark.parametrize(
    ("error", "ended"), [(None, "completed"), (KeyboardInterrupt(), "interrupted"), (ValueError("x"), "raised")]
)
def test_leaving_the_block_finishes_and_uninstalls_the_probe_and_passes_the_exception_on(error, ended):
    watched = deeplocalize.watch(model_of("torch.nn"), optimizer="o", loss="l")
    try:
        with watched:
            if error is not None:
                raise error
    except BaseException as caught:
        assert caught is error
    assert watched._probe.calls == [("watch", {"optimizer": "o", "loss": "l"}), (ended, error), "uninstall"]


def test_the_diagnosis_is_there_inside_the_block_and_after_it(tmp_path):
    with deeplocalize.watch(model_of("torch.nn"), trace=tmp_path / "a.trace") as watched:
        assert watched.diagnosis().diagnoses[0].trace.steps.size == 10
    assert str(watched).startswith(("HEALTHY", "FAULTY", "INCONCLUSIVE"))
    assert "<div>" in watched._repr_html_()
    (read,) = deeplocalize.read_traces(tmp_path / "a.trace")
    assert read.steps.size == 10


def test_a_probe_that_breaks_does_not_reach_the_training():
    with deeplocalize.watch(model_of("torch.nn", breaks=True)) as watched:
        trained = True
    assert trained
    assert "DeepLocalize failed in part: watch: ValueError: no" in str(watched)


KERAS = """
import os
import subprocess
import sys
import deeplocalize
assert "keras" not in sys.modules
import numpy as np
import keras
keras.utils.set_random_seed(0)
inputs = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
callback = deeplocalize.KerasCallback()
assert isinstance(callback, keras.callbacks.Callback)
model.fit(inputs, (inputs[:, 0] > 0).astype(int), epochs=4, batch_size=16, verbose=0, callbacks=[callback])
print(callback.diagnosis().verdict, len(callback.diagnosis().diagnoses[0].trace.layers))
print(str(callback).splitlines()[0], callback._repr_html_()[:5])
"""


def test_the_keras_callback_watches_fit_and_is_made_on_first_use():
    pytest.importorskip("keras")
    result = subprocess.run(
        [sys.executable, "-c", KERAS],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.stdout.startswith("healthy 2\nHEALTHY: "), result.stderr
    assert result.stdout.endswith(" <div>\n")
