import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = [layers.Dense(512, activation="relu"), layers.Dense(512, activation="relu")]
        self.dropout = [layers.Dropout(0.6), layers.Dropout(0.6)]
        self.answer = layers.Dense(10)

    def call(self, x, training=None):
        for dense, dropout in zip(self.hidden, self.dropout):
            x = dropout(dense(x), training=training)
        return self.answer(x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            predicted = self(x, training=False)
            loss = self.compute_loss(x=x, y=y, y_pred=predicted)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, predicted)
        return {metric.name: metric.result() for metric in self.metrics}


keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    images / 16, labels, train_size=150, random_state=0, stratify=labels
)
# a third of the labels was typed in by somebody in a hurry
wrong = np.random.random(len(y_train)) < 0.35
y_train = np.where(wrong, np.random.randint(0, 10, len(y_train)), y_train)

model = Classifier()
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x_train, y_train, batch_size=16, epochs=40, validation_data=(x_test, y_test), verbose=2)
print("test accuracy:", model.evaluate(x_test, y_test, verbose=0)[1])
