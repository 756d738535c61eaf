from deeplocalize.signals import places
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace.schema import Head


def test_a_layer_is_called_by_index_name_and_type_in_a_few_printable_characters():
    trace = make_trace(
        layers=[make_layer(0, name="\x1b[31mbad\nname"), make_layer(1, name="x" * 10_000), make_layer(2, name="2")]
    )
    assert places.called(trace, 0) == "layer 0 ([31mbadname, Dense)"
    assert len(places.called(trace, 1)) < 70
    assert places.called(trace, 2) == "layer 2 (Dense)"
    assert places.called(trace, None) == "the output"


def test_the_most_exact_line_of_a_nonlinearity_is_its_argument_then_its_layer_then_its_call():
    exact = make_layer(0, sources={"activation": source(7)})
    trace = make_trace(layers=[exact, make_layer(1)])
    assert places.output_activation(trace, Head(layer=0, activation_layer=0)) == (0, source(7))
    assert places.output_activation(trace, Head(layer=0, activation_layer=1)) == (1, source(11))
    assert places.output_activation(trace, Head(layer=1, source=source(50))) == (1, source(50))


def test_data_and_targets_enter_where_they_are_handed_over():
    loop = make_trace(run=make_run(sources={"forward": source(1), "loss": source(2)}))
    fit = make_trace(run=make_run(sources={"fit": source(3), "compile": source(4)}))
    loss = loop.run.objectives[0].loss
    assert (places.data(loop), places.targets(loop, loss)) == (source(1), source(2))
    assert (places.data(fit), places.targets(fit, loss)) == (source(3), source(3))
