import jax
import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(23)


class DigitClassifier(keras.Model):
    def compute_loss_and_updates(self, trainable_variables, non_trainable_variables, x, y, training=False):
        y_pred, non_trainable_variables = self.stateless_call(
            trainable_variables, non_trainable_variables, x, training=training
        )
        loss = self.compute_loss(x, y, y_pred)
        return loss, (y_pred, non_trainable_variables)

    def train_step(self, state, data):
        trainable_variables, non_trainable_variables, optimizer_variables, metrics_variables = state
        x, y = data
        grad_fn = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (loss, (y_pred, _)), grads = grad_fn(trainable_variables, non_trainable_variables, x, y, training=True)
        trainable_variables, optimizer_variables = self.optimizer.stateless_apply(
            optimizer_variables, grads, trainable_variables
        )
        new_metrics_vars, logs = [], {}
        for metric in self.metrics:
            mv = metrics_variables[len(new_metrics_vars) : len(new_metrics_vars) + len(metric.variables)]
            if metric.name == "loss":
                mv = metric.stateless_update_state(mv, loss)
            else:
                mv = metric.stateless_update_state(mv, y, y_pred)
            result = metric.stateless_result(mv)
            logs.update(result if isinstance(result, dict) else {metric.name: result})
            new_metrics_vars += mv
        state = (
            trainable_variables,
            non_trainable_variables,
            optimizer_variables,
            new_metrics_vars,
        )
        return logs, state


digits = load_digits()
x = (digits.data / 16.0).astype("float32")
x_train, x_test, y_train, y_test = train_test_split(x, digits.target.astype("int32"), test_size=0.25, random_state=23)

inputs = keras.Input((64,))
h = inputs
for units in (128, 128, 64):
    h = layers.Dense(units, use_bias=False, kernel_initializer="he_normal")(h)
    h = layers.BatchNormalization(momentum=0.9)(h)
    h = layers.ReLU()(h)
outputs = layers.Dense(10, activation="softmax")(h)

model = DigitClassifier(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x_train, y_train, batch_size=32, epochs=12, verbose=2)

pred = model.predict(x_test, verbose=0).argmax(1)
print(f"test accuracy: {np.mean(pred == y_test):.4f}")
