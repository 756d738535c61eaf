"""What an exception tells about the program it ended: read from its traceback, after the fact."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from deeplocalize.frameworks.source import CallSite, is_user_file, place
from deeplocalize.frameworks.torch import carried, describe
from deeplocalize.frameworks.torch.calls import LOSS_CALLS, CallLines
from deeplocalize.frameworks.torch.carried import Carried
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.frameworks.torch.models import Model
from deeplocalize.frameworks.torch.objective import Reading, read_call
from deeplocalize.trace.schema import Crash, Loss, Source


@dataclass
class Examination:
    """What was found in a traceback."""

    error: BaseException
    during: str = "other"
    layer: LayerState | None = None
    source: Source | None = None
    readings: list[Reading] = field(default_factory=list)
    carried: Carried | None = None

    def fact(self, index: dict[int, int]) -> Crash:
        """The crash as a fact; `index` gives each LayerState's (by id) place."""
        message = "".join(traceback.format_exception_only(self.error)).strip().split("\n")[0]
        message = message.split(": ", 1)[-1][:500]
        told = (type(self.error).__name__, message, self.during, index.get(id(self.layer)), self.source)
        return Crash(*told, *(self.carried or ()))


def examine(
    error: BaseException,
    layers: dict[int, tuple[Any, LayerState | None]],
    sites: Callable[[Any], CallSite | None],
    models: Sequence[Model],
    calls: CallLines,
    last: int = -1,
) -> Examination:
    """Walk the traceback from the outside in: the innermost layer, loss call and user line win. `last` is the number of the
    node at which the latest complete backward pass had begun."""
    found = Examination(error)
    loss_module: nn.Module | None = None
    at = error.__traceback__
    root: Any = None
    variables: list[dict[str, Any]] = []
    while at is not None:
        frame = at.tb_frame
        code = frame.f_code
        if is_user_file(code.co_filename):
            found.source = place(code.co_filename, at.tb_lineno)
            variables.insert(0, frame.f_locals)
        names = code.co_varnames
        first = frame.f_locals.get(names[0]) if names else None
        if isinstance(first, nn.modules.loss._Loss):
            loss_module = first
        elif isinstance(first, nn.Module) and code.co_name == "forward":
            state = layers.get(id(first), (None, None))[1]
            found.during, found.layer = "forward", state or found.layer
        if code.co_name in LOSS_CALLS and "torch" in code.co_filename and "target" in frame.f_locals:
            found.during, found.layer = "loss", None
            loss = _loss(code.co_name, loss_module, sites, found.source)
            given = (frame.f_locals.get("input"), frame.f_locals.get("target"))
            found.readings = [read_call(loss, *given, models, calls)]
        elif code.co_name in ("backward", "_engine_run_backward") and "torch" in code.co_filename:
            found.during = "backward"
            root = frame.f_locals.get("tensors", root) if root is None else root
        elif code.co_name == "step" and "optim" in code.co_filename:
            found.during = "update"
        at = at.tb_next
    root = root[0] if isinstance(root, tuple | list) and root else root
    if isinstance(root, Tensor) and carried.REFUSAL in str(error):
        with contextlib.suppress(Exception):
            found.carried = carried.find(root, last, variables, [model for model in models if model.ran])
    return found


def _loss(name: str, module: nn.Module | None, sites: Callable[[Any], CallSite | None], line: Source | None) -> Loss:
    if module is not None:
        return describe.loss_of_module(module, sites(module))
    takes, targets = _ARGUMENTS.get(name, ("values", "elementwise"))
    return Loss(LOSS_CALLS[name], name, takes, targets, source=line)


_ARGUMENTS = {
    "cross_entropy": ("logits", "class-index"),
    "nll_loss": ("log-probabilities", "class-index"),
    "binary_cross_entropy": ("probabilities", "elementwise"),
    "binary_cross_entropy_with_logits": ("logits", "elementwise"),
}
