import pytest

from deeplocalize.frameworks import lines
from deeplocalize.testing import make_layer

PROGRAM = """
model = Sequential(
    nn.Linear(8, 4),
    nn.ReLU(),
    nn.Linear(
        4, 2, bias=False),
)
optimizer = torch.optim.Adam(
    model.parameters(),
    lr=0.1)
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "train.py"
        path.write_text(text)
        return str(path)

    return write


def test_layers_are_found_where_a_file_builds_as_many_of_a_type_as_the_model_has(file):
    layers = [make_layer(0, type="Linear", source=None), make_layer(1, type="Linear", source=None)]
    found = lines.of_layers(layers, file(PROGRAM))
    assert [each.source.line for each in found] == [3, 5]
    assert found[1].sources["bias"].line == 6


@pytest.mark.parametrize("text", [PROGRAM + "nn.Linear(2, 2)", "", "def ("])
def test_no_line_is_given_where_there_is_doubt(file, text):
    layers = [make_layer(0, type="Linear", source=None), make_layer(1, type="Linear", source=None)]
    assert [each.source for each in lines.of_layers(layers, file(text))] == [None, None]
    assert lines.of_layers(layers, None) == tuple(layers)


def test_the_only_call_of_a_name_is_found_with_its_arguments(file):
    found = lines.of_call("Adam", file(PROGRAM), ("params", "lr"))
    assert found.source.line == 8
    assert {name: source.line for name, source in found.arguments.items()} == {"params": 9, "lr": 10}
    assert lines.of_call("Linear", file(PROGRAM)) is None
    assert lines.of_call("SGD", file(PROGRAM)) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("arguments = Arguments(\n    epochs=3,\n    learning_rate=float(rate),\n)\n", 3),
        ("a = Arguments(lr=1)\nb = Arguments(lr=2)\n", None),
        ("a = Arguments(1)\n", None),
    ],
)
def test_an_argument_is_found_where_it_is_given_on_one_line_only(file, text, line):
    found = lines.of_argument(("learning_rate", "lr"), file(text))
    assert (found and found.line) == line
