"""Gradient scaling: which optimizer steps a GradScaler skipped, since the gradient was not finite, and where that comes from.

A skipped step is none of the training's steps. In a healthy run there are a few of them, at first and whenever the scale
was raised too far.
"""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from deeplocalize.frameworks.source import CallSite, user_call
from deeplocalize.frameworks.torch import origin, stats
from deeplocalize.frameworks.torch.models import Model
from deeplocalize.frameworks.torch.record import fetch
from deeplocalize.frameworks.torch.wrap import Sites, Wraps
from deeplocalize.trace.schema import Scaling, Source

LATEST = 50
"""So many of the latest steps are remembered one by one."""

PATIENCE = 20
"""After so many skipped steps it is looked for the operation whose gradient is not finite, in as many passes at most."""


class Scaled:
    """What became of the steps of one optimizer that a GradScaler was asked for."""

    def __init__(self) -> None:
        self.asked = self.skipped = 0
        self.site: CallSite | None = None
        self._looked = 0
        self._first = 0.0
        self._latest: deque[bool | Tensor] = deque(maxlen=LATEST)
        self._scale: Tensor | None = None

    def take(self, scaler: torch.amp.GradScaler, skipped: bool | Tensor, site: CallSite | None) -> None:
        """A step was asked for; whether it was skipped may still be on the device."""
        if not self.asked:
            self._first, self.site = float(scaler._init_scale), site
        self.asked += 1
        self._scale = scaler._scale  # changed in place: reading it later gives the latest
        self._latest.append(skipped)
        if isinstance(skipped, bool):
            self.skipped += skipped

    def is_due(self) -> bool:
        """True a few times, when so many steps were skipped that the reason is to be looked for."""
        due = self.skipped >= PATIENCE and self._looked < PATIENCE
        self._looked += due
        return due

    def fact(self, lost: bool) -> Scaling:
        """As a fact; `lost` if the loss was not finite either."""
        fetched = fetch([each for each in self._latest if isinstance(each, Tensor)])
        latest = [float(fetched[id(each)]) > 0 if isinstance(each, Tensor) else each for each in self._latest]
        scale = float(self._scale) if self._scale is not None else self._first
        return Scaling(self.asked, max(self.skipped, sum(latest)), len(latest), sum(latest), self._first, scale, lost)

    def lines(self) -> dict[str, Source]:
        """The line that built the scaler, or that of the scale that it begins with."""
        if self.site is None:
            return {}
        arguments = self.site.arguments(("device", "init_scale"))
        return {"scaler": arguments.get("init_scale", self.site.source)}


class Scalers:
    """Sees what GradScalers do."""

    def __init__(self, sites: Sites, tell: Callable[[torch.optim.Optimizer, CallSite | None], None]) -> None:
        """`tell` is told of each optimizer whose step was skipped, and by which call."""
        self._sites = sites
        self._tell = tell
        self._of: weakref.WeakKeyDictionary[torch.optim.Optimizer, Scaled] = weakref.WeakKeyDictionary()
        self._stepped = False
        self._product: weakref.ref[Tensor] | None = None
        self._loss: Tensor | None = None

    def install(self, wraps: Wraps) -> None:
        """Begin to watch scalers."""
        wraps.wrap(torch.amp.GradScaler, "__init__", after=self._built)
        wraps.wrap(torch.amp.GradScaler, "scale", after=self._scaled, with_result=True)
        wraps.wrap(torch.amp.GradScaler, "step", before=self._begins, after=self._ended)

    def of(self, optimizer: torch.optim.Optimizer) -> Scaled:
        """What became of the steps of an optimizer."""
        return self._of.setdefault(optimizer, Scaled())

    def without_scale(self, root: Tensor) -> Tensor:
        """The loss as it was before a scaler multiplied it."""
        scaled = self._product is not None and self._product() is root
        return self._loss if scaled and self._loss is not None and self._loss.grad_fn is not None else root

    def forget_loss(self) -> None:
        """The backward pass from a scaled loss is over."""
        self._product = self._loss = None

    def stepped(self) -> None:
        """An optimizer took a step."""
        self._stepped = True

    def _built(self, scaler: Any, *_: Any, **__: Any) -> None:
        self._sites.built(scaler)

    def _scaled(self, product: Any, _: Any, loss: Any) -> None:
        if isinstance(product, Tensor) and isinstance(loss, Tensor):
            self._product, self._loss = weakref.ref(product), loss

    def _begins(self, *_: Any, **__: Any) -> None:
        self._stepped = False

    def _ended(self, scaler: torch.amp.GradScaler, optimizer: torch.optim.Optimizer, *_: Any, **__: Any) -> None:
        if not scaler.is_enabled():
            return
        skipped = self._was_skipped(scaler, optimizer)
        self.of(optimizer).take(scaler, skipped, self._sites.of(scaler))
        if skipped is True:
            self._tell(optimizer, user_call())

    def _was_skipped(self, scaler: torch.amp.GradScaler, optimizer: torch.optim.Optimizer) -> bool | Tensor:
        """True if the optimizer's step was left out. A fused optimizer decides on the device: then that is where it is known."""
        fused = getattr(optimizer, "_step_supports_amp_scaling", False)
        if self._stepped and not fused:
            return False
        found = list(scaler._per_optimizer_states[id(optimizer)].get("found_inf_per_device", {}).values())
        if fused and found and not stats.on_host(found[0]):
            return found[0]
        return any(float(each) > 0 for each in found)


def merged(scaled: Iterable[Scaled], lost: bool) -> Scaling | None:
    """Of several optimizers that step together the one of which most steps were skipped; None without a scaler. `lost` if
    the loss was not finite when that was last looked at."""
    facts = [each.fact(lost) for each in scaled if each.asked]
    return max(facts, key=lambda each: each.latest_skipped, default=None)


class Slopes:
    """Looks for the operation in whose gradient the first value that is not finite appears, in one backward pass."""

    def __init__(self) -> None:
        self._handles: list[Any] = []
        self._over = False
        self._found: origin.Found | None = None

    def watch(
        self, root: Tensor, reached: Sequence[Model], site: CallSite | None, loss: CallSite | None = None
    ) -> None:
        """The backward pass from `root` is about to begin, by the call `site`; the loss was computed by the call `loss`."""

        def look(node: Any, made: Any, given: Any) -> None:
            with contextlib.suppress(Exception):
                if not self._over and _finite(given) and not _finite(made):
                    self._over = True
                    self._found = origin.steep(node, reached, site, loss)

        self._over, self._found = False, None
        nodes = origin.nodes_behind(root.grad_fn)
        self._handles = [node.register_hook(functools.partial(look, node)) for node in nodes]

    def found(self) -> origin.Found | None:
        """What was found; call when the backward pass is over."""
        for handle in self._handles:
            handle.remove()
        found, self._found, self._handles = self._found, None, []
        return found


def _finite(gradients: Any) -> bool:
    return all(bool(torch.isfinite(each).all()) for each in gradients if isinstance(each, Tensor))
