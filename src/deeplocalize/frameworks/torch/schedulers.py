"""Learning-rate schedulers: which training each belongs to, and when it is built and asked for a step."""

from __future__ import annotations

import sys
from typing import Any

from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from deeplocalize.frameworks.source import user_call
from deeplocalize.frameworks.torch.trainings import Trainings
from deeplocalize.frameworks.torch.wrap import Sites, Wraps


class Schedulers:
    """Tells the trainings what the schedulers of their optimizers do."""

    def __init__(self, trainings: Trainings, sites: Sites) -> None:
        self._trainings, self._sites = trainings, sites

    def install(self, wraps: Wraps) -> None:
        """Begin to watch."""
        for owner in (LRScheduler, ReduceLROnPlateau):
            wraps.wrap(owner, "__init__", after=self._built)
            wraps.wrap(owner, "step", self._steps, self._stepped)

    def _built(self, scheduler: Any, *_: Any, **__: Any) -> None:
        self._sites.built(scheduler)
        site = self._sites.of(scheduler)
        for training in self._trainings.owners(scheduler.optimizer):
            training.loop.scheduler_built(site, scheduler.optimizer, training.step)
            self._trainings.remember("scheduler_built", site, [training])

    def _steps(self, scheduler: Any, *_: Any, **__: Any) -> None:
        if isinstance(scheduler, ReduceLROnPlateau):
            for training in self._trainings.owners(scheduler.optimizer):
                training.loop.plateaus.steps(scheduler)

    def _stepped(self, scheduler: Any, *args: Any, **kwargs: Any) -> None:
        owners = self._trainings.owners(getattr(scheduler, "optimizer", None))
        if not owners:  # its constructor steps it, too
            return
        built, call = self._sites.of(scheduler), user_call(sys._getframe(2))
        for training in owners:
            training.events += "c"
            if isinstance(scheduler, ReduceLROnPlateau):
                training.loop.plateaus.stepped(scheduler, args[0] if args else kwargs["metrics"], built, call)
        self._trainings.remember("scheduler", call, owners)
        self._trainings.remember("scheduler_built", built, owners)
