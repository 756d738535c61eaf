"""What things are called in the user's framework: a remedy is to be typed in as it stands."""

from __future__ import annotations

from deeplocalize.trace.schema import Trace

_IN_TORCH = {
    "categorical_crossentropy": "CrossEntropyLoss on the raw outputs",
    "sparse_categorical_crossentropy": "CrossEntropyLoss on the raw outputs",
    "binary_crossentropy": "BCEWithLogitsLoss on the raw outputs",
    "from_logits=True over classes": "CrossEntropyLoss",
    "from_logits=True for yes or no": "BCEWithLogitsLoss",
    "from_logits=False over classes": "NLLLoss, after log_softmax",
    "from_logits=False for yes or no": "BCELoss",
    "glorot_uniform": "nn.init.xavier_uniform_",
}


def in_framework(trace: Trace, name: str, use: str = "") -> str:
    """The name in the framework that the run used of what Keras calls `name`; `use` is for what, where that matters."""
    known = _IN_TORCH if trace.run.framework == "torch" else {}
    return known.get(f"{name} {use}".strip(), name)
