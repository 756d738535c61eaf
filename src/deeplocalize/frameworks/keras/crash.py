"""What an exception tells about the step it ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import TracebackType

from deeplocalize.frameworks.source import is_user_file, place
from deeplocalize.trace.schema import Crash, Layer, Source

_NODE = re.compile(r"Detected at node (\S+) defined|\{\{node (\S+?)\}\}")
_NAMED = re.compile(r"""layer ['"`]?([\w.-]+)['"`]?|name=['"]?([\w.-]+)""")
_LOSS_WORDS = re.compile(r"compile_loss|crossentropy|y_true|y_pred|\btarget\b|\blabels?\b|\bloss\b", re.IGNORECASE)

Stage = tuple[str, int | None]
"""The stage a step was in, and the index of the layer that ran; see observation.Observation."""


def examine(error: BaseException, layers: Sequence[Layer], stage: Stage | None) -> Crash:
    """The crash as a fact. `stage` is where the step was, None if the exception came from outside a step."""
    text = str(error)
    during, layer = stage or ("other", None)
    if during == "other":
        during, layer = _read(text, layers)
    return Crash(type(error).__name__, _message(text), during, layer, _innermost(error.__traceback__))


def _read(text: str, layers: Sequence[Layer]) -> Stage:
    """Stage and layer as far as the message names them: tensorflow names the node, Keras the layer."""
    node = next((first or second for first, second in _NODE.findall(text)), "")
    parts = node.split("/")
    if "compile_loss" in parts:
        return "loss", None
    said = [*parts, *(name for pair in _NAMED.findall(text) for name in pair if name)]
    by_name = {layer.name.rpartition("/")[2]: layer.index for layer in layers}
    found = next((by_name[name] for name in said if name in by_name), None)
    if found is not None:
        return ("backward" if "gradient_tape" in node else "forward"), found
    return ("loss", None) if _LOSS_WORDS.search(text) else ("other", None)


def _message(text: str) -> str:
    """One line that says what was wrong; tensorflow puts it behind the whole stack."""
    if "{{node" in text:
        lines = [line.strip() for line in text.split("[[{{node")[0].splitlines() if line.strip()]
        text = lines[-1] if lines else text
    return " ".join(text.split())[:500]


def _innermost(at: TracebackType | None) -> Source | None:
    found = None
    while at is not None:
        if is_user_file(at.tb_frame.f_code.co_filename):
            found = place(at.tb_frame.f_code.co_filename, at.tb_lineno)
        at = at.tb_next
    return found
