"""A model that a loop builds anew for each step goes on with the training of the one before it; others do not."""

from harness import check, compiled, mlp, problem, seed, watched
from keras import layers


def build(width=4):
    return compiled(mlp(layers.Dense(width, activation="relu")), run_eagerly=True)


def rebuilt(models, steps=1, prepare=None):
    """For each training, how many models were built anew before each step."""
    seed()
    x, y = problem(rows=16)
    with watched() as seen:
        for model in models():
            if prepare is not None:
                prepare(model)
            for _ in range(steps):
                model.train_on_batch(x, y)
    return [trace.scalar("rebuilt_models").tolist() for trace in seen.traces]


@check
def models_that_the_same_call_builds_for_each_step_are_one_training():
    seed()
    x, y = problem(rows=16)
    with watched() as seen:
        for _ in range(5):
            model = build()
            loss = float(model.train_on_batch(x, y))
    trace = seen.trace
    assert trace.scalar("rebuilt_models").tolist() == [0, 1, 1, 1, 1]
    assert trace.scalar("rebuilt_optimizers").tolist() == [0] * 5
    assert abs(trace.scalar("loss")[-1] - loss) < 1e-5
    assert [layer.kind for layer in trace.layers] == ["dense", "dense"]
    assert trace.layers[0].activation == "relu"
    assert trace.run.sources["model_built"].text == "model = build()"


@check
def models_of_many_steps_are_trainings_of_their_own():
    assert rebuilt(lambda: (build() for _ in range(2)), steps=2) == [[0, 0]] * 2


@check
def models_that_were_built_before_the_steps_are_trainings_of_their_own():
    assert rebuilt(lambda: [build() for _ in range(3)]) == [[0]] * 3


@check
def models_of_other_sizes_are_trainings_of_their_own():
    assert rebuilt(lambda: (build(width) for width in (4, 5))) == [[0]] * 2


@check
def models_that_are_given_weights_are_trainings_of_their_own():
    weights = build().get_weights()
    assert rebuilt(lambda: (build() for _ in range(2)), prepare=lambda model: model.set_weights(weights)) == [[0]] * 2
