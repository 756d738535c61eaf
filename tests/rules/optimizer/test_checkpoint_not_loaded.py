import pytest

from deeplocalize.rules.optimizer.checkpoint_not_loaded import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace.weights import Loading


def loaded(found, missing, unexpected, *names, framework="torch", line=7):
    loading = Loading(found, missing, unexpected, source(line) if line else None, *names)
    return make_trace(run=make_run(loaded=(loading,), framework=framework))


def test_a_checkpoint_of_which_nothing_fits_is_not_loaded():
    (finding,) = check.run(loaded(0, 8, 8, "module.fc.weight", "fc.weight"))
    assert finding.locus.kind == "training-loop" and finding.locus.layer is None
    assert finding.locus.source == source(7)
    assert "none of the model's 8 tensors was found" in finding.message
    assert "module.fc.weight" in finding.message


def test_a_prefix_of_the_loaded_names_is_taken_off():
    (remedy,) = check.run(loaded(0, 8, 8, "_orig_mod.fc.weight", "fc.weight"))[0].remedies
    assert 'removeprefix("_orig_mod.")' in remedy.after


def test_what_is_a_part_of_the_model_is_loaded_into_that_part():
    (remedy,) = check.run(loaded(0, 8, 6, "0.weight", "encoder.0.weight"))[0].remedies
    assert remedy.after == "model.encoder.load_state_dict(state)"


def test_names_that_have_nothing_in_common_get_a_remedy_too():
    assert "names fit" in check.run(loaded(0, 8, 6, "a.weight", "b.weight"))[0].remedies[0].text
    assert "names fit" in check.run(loaded(0, 8, 6))[0].remedies[0].text


def test_in_keras_layers_are_to_be_named():
    (finding,) = check.run(loaded(0, 8, 8, "dense", "dense_3", framework="keras"))
    assert "by_name" in finding.remedies[0].text


def test_in_keras_what_no_layer_fits_is_a_matter_of_sizes():
    (finding,) = check.run(loaded(0, 8, 8, None, "dense_3", framework="keras"))
    assert "nothing there fits dense_3" in finding.message
    assert "sizes" in finding.remedies[0].text


@pytest.mark.parametrize(("found", "missing", "unexpected", "count"), [(2, 20, 20, 1), (2, 17, 20, 0), (2, 20, 17, 0)])
def test_a_tenth_that_fits_on_either_side_is_enough_to_be_silent(found, missing, unexpected, count):
    assert len(check.run(loaded(found, missing, unexpected))) == count


def test_a_hundredth_that_fits_is_not_enough():
    assert "2 of the model's 200 tensors were found" in check.run(loaded(2, 198, 300))[0].message


def test_a_new_head_on_a_backbone_is_meant():
    assert check.run(loaded(60, 2, 2)) == ()


def test_adapters_alone_fit_although_most_of_the_model_is_missing():
    assert check.run(loaded(4, 200, 0)) == ()


def test_an_empty_selection_is_not_a_checkpoint():
    assert check.run(loaded(0, 8, 0)) == ()


def test_a_model_without_tensors_misses_nothing():
    assert check.run(loaded(0, 0, 8)) == ()


def test_only_the_loading_without_effect_is_shown():
    good, bad = Loading(8, 0, 0, source(5)), Loading(0, 8, 8, source(6))
    (finding,) = check.run(make_trace(run=make_run(loaded=(good, bad))))
    assert finding.locus.source == source(6)


def test_without_the_line_of_the_call_a_line_of_the_loop_is_shown():
    assert check.run(loaded(0, 8, 8, line=None))[0].locus.source is not None


def test_a_run_that_loads_nothing_is_not_judged_by_it():
    assert check.run(make_trace()) == ()
