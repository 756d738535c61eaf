"""A train step of the user's own is watched from inside."""

import keras
import numpy as np
from harness import BACKEND, check, compiled, problem, seed, watched
from keras import layers


class Own(keras.Model):
    """A train step of the user's own, as Keras's guides write it."""

    def __init__(self):
        super().__init__()
        self.hidden, self.head = layers.Dense(4, activation="relu"), layers.Dense(3, activation="softmax")

    def call(self, x, training=False):
        return self.head(self.hidden(x))

    if BACKEND == "tensorflow":

        def train_step(self, data):
            import tensorflow

            x, y = data
            with tensorflow.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            self.optimizer.apply_gradients(
                zip(tape.gradient(loss, self.trainable_variables), self.trainable_variables, strict=True)
            )
            return {"loss": loss}

    if BACKEND == "torch":

        def train_step(self, data):
            import torch

            x, y = data
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            self.zero_grad()
            loss.backward()
            with torch.no_grad():
                self.optimizer.apply([each.value.grad for each in self.trainable_weights], self.trainable_weights)
            return {"loss": loss.detach()}

    if BACKEND == "jax":

        def loss_of(self, trainable, other, x, y):
            predicted, other = self.stateless_call(trainable, other, x, training=True)
            return self.compute_loss(x, y, predicted), other

        def train_step(self, state, data):
            import jax

            trainable, other, kept, metrics = state
            (loss, other), gradients = jax.value_and_grad(self.loss_of, has_aux=True)(trainable, other, *data)
            trainable, kept = self.optimizer.stateless_apply(kept, gradients, trainable)
            return {"loss": loss}, (trainable, other, kept, metrics)


@check
def a_train_step_of_the_users_own_is_watched_from_inside():
    seed()
    x, y = problem()
    with watched() as seen:
        compiled(Own()).fit(x, y, batch_size=16, epochs=2, verbose=0)
    assert np.isfinite(seen.trace.scalar("loss")).all()
    assert np.isfinite(seen.trace.series("weight_gradient", "rms")).all()
    assert np.isfinite(seen.trace.series("activation_gradient", "rms")[:, 0]).all()
    assert seen.trace.run.objectives[0].head.activation == "softmax"


@check(backends=("tensorflow", "torch"))
def the_loss_of_a_train_step_is_what_its_gradient_is_taken_of():
    def square(y, predicted):
        return keras.ops.mean(keras.ops.square(predicted - keras.ops.one_hot(y, 3)))

    class Squares(Own):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return square(y, y_pred)

    seed()
    x, y = problem()
    with watched() as seen:
        model = Squares()
        model(x[:1])
        before = model.get_weights()
        compiled(model).fit(x, y, batch_size=len(x), verbose=0)
    model.set_weights(before)
    expected = square(y, model(x))
    np.testing.assert_allclose(seen.trace.scalar("loss"), keras.ops.convert_to_numpy(expected), rtol=1e-5)


@check(backends=("torch",))
def a_train_step_that_never_clears_its_gradients_is_told_from_one_that_does():
    import torch

    class Forgetful(Own):
        def train_step(self, data):
            x, y = data
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            loss.backward()
            with torch.no_grad():
                self.optimizer.apply([each.value.grad for each in self.trainable_weights], self.trainable_weights)
            return {"loss": loss.detach()}

    class Gathering(Own):
        def train_step(self, data):
            x, y = data
            self.seen = getattr(self, "seen", 0) + 1
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            loss.backward()
            if self.seen % 2 == 0:
                with torch.no_grad():
                    self.optimizer.apply([each.value.grad for each in self.trainable_weights], self.trainable_weights)
                self.zero_grad()
            return {"loss": loss.detach()}

    x, y = problem()
    for kind, stale in ((Forgetful, 1.0), (Own, 0.0), (Gathering, 0.0)):
        seed()
        with watched() as seen:
            compiled(kind()).fit(x, y, batch_size=16, epochs=2, verbose=0)
        told = seen.trace.scalar("stale_gradient")[1:]
        known = told[np.isfinite(told)]
        assert len(known) >= 3 and (known == stale).all(), (kind, told)
        assert "loss.backward()" in seen.trace.run.sources["backward"].text


@check(backends=("tensorflow", "jax"))
def the_lines_that_make_a_loss_and_ask_for_its_gradient_are_known():
    seed()
    x, y = problem()
    with watched() as seen:
        compiled(Own()).fit(x, y, batch_size=16, epochs=1, verbose=0)
    sources = seen.trace.run.sources
    assert ("tape.gradient(" if BACKEND == "tensorflow" else "jax.value_and_grad(") in sources["backward"].text
    assert ("loss" in sources) is (BACKEND == "tensorflow")
    assert BACKEND != "tensorflow" or "loss = self.compute_loss(" in sources["loss"].text


@check(backends=("jax",))
def moving_averages_that_a_train_step_throws_away_are_known_not_to_have_moved():
    class Normalized(Own):
        def __init__(self):
            super().__init__()
            self.norm = layers.BatchNormalization()

        def call(self, x, training=False):
            return self.head(self.norm(self.hidden(x), training=training))

    class Forgetful(Normalized):
        def train_step(self, state, data):
            logs, (trainable, _, kept, metrics) = super().train_step(state, data)
            return logs, (trainable, state[1], kept, metrics)

    x, y = problem()
    for kind in (Normalized, Forgetful):
        seed()
        with watched() as seen:
            compiled(kind()).fit(x, y, batch_size=16, epochs=2, verbose=0)
        (norm,) = [layer for layer in seen.trace.layers if layer.kind == "batch-norm"]
        assert norm.settings["fresh"] and bool(norm.settings.get("unmoved")) is (kind is Forgetful)
