import pytest

from deeplocalize.signals.wording import in_framework
from deeplocalize.testing import make_run, make_trace


@pytest.mark.parametrize(
    ("name", "use", "in_torch"),
    [
        ("binary_crossentropy", "", "BCEWithLogitsLoss on the raw outputs"),
        ("from_logits=True", "over classes", "CrossEntropyLoss"),
        ("one-hot rows", "", "one-hot rows"),
    ],
)
def test_a_remedy_is_worded_as_the_users_framework_words_it(name, use, in_torch):
    keras, torch = (make_trace(run=make_run(framework=each)) for each in ("keras", "torch"))
    assert in_framework(keras, name, use) == name
    assert in_framework(torch, name, use) == in_torch
