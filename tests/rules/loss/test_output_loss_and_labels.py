"""Which rule speaks for which combination of loss, labels, units and nonlinearity: the specification, in one table.

Every program here fails to learn, and its answers are as wrong and as sure as its output allows, so that even the rules
that ask for harm may speak. A dot is a sound program: none of the rules may accuse it. Labels out of range are a
fault of the data and stand beside a fault of the output; all other faults hide those that are judged after them.
"""

from __future__ import annotations

import numpy as np
import pytest

from deeplocalize.rules import all_rules

CLASSES = 3
EXAMPLES = 60
ACTIVATIONS = ("linear", "softmax", "sigmoid", "relu", "tanh", "log_softmax")
JUDGED = ("D104", "L201", "L202", "L203", "L204", "L205", "L206", "L207", "L208", "L209", "L212")

# Labels: `number` 0, 1, 2; `from 1` 1, 2, 3; `0/1` and `-1/1` one number for each example; `one-hot` and `multi-hot` rows
# of three; `shares` numbers between 0 and 1 and `quantity` any numbers, one for each unit.
TABLE = """
    labels    units linear    softmax    sigmoid    relu       tanh       log_softmax
cross-entropy on logits, by number
    number     1    L208       L208       L208       L208       L208       L208
    number     3    .          L202       L204       L204       L204       .
    from-1     1    L208       L208       L208       L208       L208       L208
    from-1     3    D104       D104+L202  D104+L204  D104+L204  D104+L204  D104
    0/1        1    L208       L201       L208       L208       L208       L201
    0/1        3    .          L202       L204       L204       L204       .
    -1/1       1    L208       L201       L208       L208       L208       L201
    -1/1       3    D104       D104+L202  D104+L204  D104+L204  D104+L204  D104
    one-hot    1    L208       L208       L208       L208       L208       L208
    one-hot    3    L205       L205       L205       L205       L205       L205
    multi-hot  1    L208       L208       L208       L208       L208       L208
    multi-hot  3    L205       L205       L205       L205       L205       L205
    shares     1    L206       L206       L206       L206       L206       L206
    shares     3    L206       L206       L206       L206       L206       L206
    quantity   1    L206       L206       L206       L206       L206       L206
    quantity   3    L206       L206       L206       L206       L206       L206
cross-entropy on logits, by row
    number     1    L208       L208       L208       L208       L208       L208
    number     3    L205       L205       L205       L205       L205       L205
    from-1     1    L208       L208       L208       L208       L208       L208
    from-1     3    L205       L205       L205       L205       L205       L205
    0/1        1    L205       L201       L205       L205       L205       L201
    0/1        3    L205       L205       L205       L205       L205       L205
    -1/1       1    L205       L201       L205       L205       L205       L201
    -1/1       3    L205       L205       L205       L205       L205       L205
    one-hot    1    L208       L208       L208       L208       L208       L208
    one-hot    3    .          L202       L204       L204       L204       .
    multi-hot  1    L208       L208       L208       L208       L208       L208
    multi-hot  3    L205       L205       L205       L205       L205       L205
    shares     1    L206       L206       L206       L206       L206       L206
    shares     3    L205       L205       L205       L205       L205       L205
    quantity   1    L206       L206       L206       L206       L206       L206
    quantity   3    L206       L206       L206       L206       L206       L206
cross-entropy, by number
    number     1    L208       L208       L208       L208       L208       L208
    number     3    L203       .          L204       L204       L204       L204
    from-1     1    L208       L208       L208       L208       L208       L208
    from-1     3    D104+L203  D104       D104+L204  D104+L204  D104+L204  D104+L204
    0/1        1    L208       L201       L208       L208       L208       L201
    0/1        3    L203       .          L204       L204       L204       L204
    -1/1       1    L208       L201       L208       L208       L208       L201
    -1/1       3    D104+L203  D104       D104+L204  D104+L204  D104+L204  D104+L204
    one-hot    1    L208       L208       L208       L208       L208       L208
    one-hot    3    L205       L205       L205       L205       L205       L205
    multi-hot  1    L208       L208       L208       L208       L208       L208
    multi-hot  3    L205       L205       L205       L205       L205       L205
    shares     1    L206       L206       L206       L206       L206       L206
    shares     3    L206       L206       L206       L206       L206       L206
    quantity   1    L206       L206       L206       L206       L206       L206
    quantity   3    L206       L206       L206       L206       L206       L206
cross-entropy, by row
    number     1    L208       L208       L208       L208       L208       L208
    number     3    L205       L205       L205       L205       L205       L205
    from-1     1    L208       L208       L208       L208       L208       L208
    from-1     3    L205       L205       L205       L205       L205       L205
    0/1        1    L205       L201       L205       L205       L205       L201
    0/1        3    L205       L205       L205       L205       L205       L205
    -1/1       1    L205       L201       L205       L205       L205       L201
    -1/1       3    L205       L205       L205       L205       L205       L205
    one-hot    1    L208       L208       L208       L208       L208       L208
    one-hot    3    L203       .          L204       L204       L204       L204
    multi-hot  1    L208       L208       L208       L208       L208       L208
    multi-hot  3    L205       L204       L205       L205       L205       L205
    shares     1    L206       L206       L206       L206       L206       L206
    shares     3    L205       L204       L205       L205       L205       L205
    quantity   1    L206       L206       L206       L206       L206       L206
    quantity   3    L206       L206       L206       L206       L206       L206
negative log-likelihood
    number     1    L208       L208       L208       L208       L208       L208
    number     3    L203       L204       L204       L204       L204       .
    from-1     1    L208       L208       L208       L208       L208       L208
    from-1     3    D104+L203  D104+L204  D104+L204  D104+L204  D104+L204  D104
    0/1        1    L208       L201       L208       L208       L208       L201
    0/1        3    L203       L204       L204       L204       L204       .
    -1/1       1    L208       L201       L208       L208       L208       L201
    -1/1       3    D104+L203  D104+L204  D104+L204  D104+L204  D104+L204  D104
    one-hot    1    L208       L208       L208       L208       L208       L208
    one-hot    3    L205       L205       L205       L205       L205       L205
    multi-hot  1    L208       L208       L208       L208       L208       L208
    multi-hot  3    L205       L205       L205       L205       L205       L205
    shares     1    L206       L206       L206       L206       L206       L206
    shares     3    L206       L206       L206       L206       L206       L206
    quantity   1    L206       L206       L206       L206       L206       L206
    quantity   3    L206       L206       L206       L206       L206       L206
binary cross-entropy on logits
    number     1    L208       L208       L208       L208       L208       L208
    number     3    L205       L205       L205       L205       L205       L205
    from-1     1    L208       L208       L208       L208       L208       L208
    from-1     3    L205       L205       L205       L205       L205       L205
    0/1        1    .          L201       L202       L204       L204       L201
    0/1        3    L208       L205       L208       L208       L208       L205
    -1/1       1    D104       D104+L201  D104+L202  D104+L204  D104+L204  D104+L201
    -1/1       3    L208       L205       L208       L208       L208       L205
    one-hot    1    L208       L208       L208       L208       L208       L208
    one-hot    3    .          L202       L202       L204       L204       L204
    multi-hot  1    L208       L208       L208       L208       L208       L208
    multi-hot  3    .          L202       L202       L204       L204       L204
    shares     1    .          L201       L202       L204       L204       L201
    shares     3    .          L202       L202       L204       L204       L204
    quantity   1    L206       L206       L206       L206       L206       L206
    quantity   3    L206       L206       L206       L206       L206       L206
binary cross-entropy
    number     1    L208       L208       L208       L208       L208       L208
    number     3    L205       L205       L205       L205       L205       L205
    from-1     1    L208       L208       L208       L208       L208       L208
    from-1     3    L205       L205       L205       L205       L205       L205
    0/1        1    L203       L201       .          L204       L204       L201
    0/1        3    L208       L205       L208       L208       L208       L205
    -1/1       1    D104+L203  D104+L201  D104       D104+L204  D104+L204  D104+L201
    -1/1       3    L208       L205       L208       L208       L208       L205
    one-hot    1    L208       L208       L208       L208       L208       L208
    one-hot    3    L203       .          .          L204       L204       L204
    multi-hot  1    L208       L208       L208       L208       L208       L208
    multi-hot  3    L203       L204       .          L204       L204       L204
    shares     1    L203       L201       .          L204       L204       L201
    shares     3    L203       L204       .          L204       L204       L204
    quantity   1    L206       L206       L206       L206       L206       L206
    quantity   3    L206       L206       L206       L206       L206       L206
squared error / absolute error
    number     1    .          L201       L209       .          L209       L201
    number     3    L205       L205       L205       L205       L205       L205
    from-1     1    .          L201       L209       .          L209       L201
    from-1     3    L205       L205       L205       L205       L205       L205
    0/1        1    .          L201       L207       .          .          L201
    0/1        3    .          L205       .          .          .          L205
    -1/1       1    .          L201       L209       L209       .          L201
    -1/1       3    .          L205       L209       L209       .          L205
    one-hot    1    L208       L208       L208       L208       L208       L208
    one-hot    3    .          L207       L207       .          .          L209
    multi-hot  1    L208       L208       L208       L208       L208       L208
    multi-hot  3    .          L204       .          .          .          L209
    shares     1    .          L201       .          .          .          L201
    shares     3    .          L204       .          .          .          L209
    quantity   1    .          L201       L209       L209       L209       L201
    quantity   3    .          L209       L209       L209       L209       L209
"""


def labels(kind: str, units: int) -> np.ndarray:
    random = np.random.default_rng(0)
    number = random.integers(0, CLASSES, EXAMPLES)
    return {
        "number": number,
        "from-1": number + 1,
        "0/1": number % 2,
        "-1/1": number % 2 * 2 - 1,
        "one-hot": np.eye(CLASSES)[number],
        "multi-hot": (random.random((EXAMPLES, CLASSES)) < 0.6).astype(float),
        "shares": random.uniform(0.02, 0.98, (EXAMPLES, units)),
        "quantity": random.normal(0, 5, (EXAMPLES, units)),
    }[kind]


def worst_answers(targets: np.ndarray, units: int, activation: str) -> np.ndarray | None:
    """Wrong and sure, where the labels are classes that sigmoid or softmax answer."""
    rows = targets.reshape(EXAMPLES, -1)
    if rows.shape[1] != units or not np.isin(rows, (0, 1)).all() or activation not in ("sigmoid", "softmax"):
        return None
    return 1 - rows if activation == "sigmoid" else np.roll(rows, 1, axis=1)


def rows() -> list[tuple[str, str, int, list[str]]]:
    found: list[tuple[str, str, int, list[str]]] = []
    losses: list[str] = []
    for line in TABLE.strip().splitlines()[1:]:
        if line.startswith(" "):
            kind, units, *codes = line.split()
            found += [(loss, kind, int(units), codes) for loss in losses]
        else:
            losses = line.split(" / ")
    return found


@pytest.mark.parametrize(("loss", "kind", "units", "codes"), rows())
def test_each_combination_is_accused_by_the_rule_in_the_table_or_by_none(asked, loss, kind, units, codes):
    targets = labels(kind, units)
    found = []
    for activation in ACTIVATIONS:
        trace = asked(loss, activation, targets, units, answers=worst_answers(targets, units, activation))
        fired = [each.code for each in all_rules() if each.code in JUDGED for _ in each.run(trace)]
        found.append("+".join(fired) or ".")
    assert found == codes
