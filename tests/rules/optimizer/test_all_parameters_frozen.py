from deeplocalize.rules.optimizer.all_parameters_frozen import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import Crash


def test_a_model_without_a_trainable_parameter_is_frozen():
    (finding,) = check.run(make_trace(run=make_run(trainable=0, optimized=0)))
    assert finding.locus.kind == "optimizer"
    assert finding.locus.source == source(31)
    assert "1,000 parameters" in finding.message


def test_an_optimizer_that_holds_frozen_parameters_only_trains_nothing():
    columns = {"layer.trainable": [0, 0, 1], "layer.optimized": [1, 1, 0]}
    (finding,) = check.run(make_trace(columns=columns, run=make_run(trainable=72, optimized=144)))
    assert "144 parameters that the optimizer holds" in finding.message


def test_one_trainable_layer_is_enough():
    columns = {"layer.trainable": [0, 0, 1], "layer.optimized": [1, 1, 1]}
    assert check.run(make_trace(columns=columns, run=make_run(trainable=72))) == ()


def test_an_optimizer_that_holds_nothing_of_the_model_is_another_fault():
    columns = {"layer.trainable": 1, "layer.optimized": 0}
    assert check.run(make_trace(columns=columns, run=make_run(optimized=0))) == ()


def test_a_backward_that_refuses_is_explained_and_another_crash_is_not():
    def crashed(message):
        return make_trace(steps=0, run=make_run(trainable=0, crash=Crash("RuntimeError", message, "backward")))

    assert len(check.run(crashed("element 0 of tensors does not require grad and does not have a grad_fn"))) == 1
    assert check.run(crashed("out of memory")) == ()


def test_a_model_whose_parameters_are_not_known_is_not_accused():
    assert check.run(make_trace(run=make_run(parameters=0, trainable=0, optimized=0))) == ()


def test_a_single_trainable_parameter_is_one_to_train():
    assert check.run(make_trace(run=make_run(trainable=1, optimized=1))) == ()
