"""Data loaders: which of them a training gets its batches from, and what that says of the data set."""

from __future__ import annotations

import sys
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from torch.utils.data import DataLoader, IterableDataset, SequentialSampler
from torch.utils.data.dataloader import _BaseDataLoaderIter

from deeplocalize.frameworks.source import CallSite, is_user_file, user_call
from deeplocalize.frameworks.torch.wrap import Sites, Wraps
from deeplocalize.trace.schema import Source

_LOOP_LIBRARIES = ("tqdm",)
"""What stands between the user's own loop and a loader without being a loop of its own."""


class Pass(NamedTuple):
    """A pass over the data: which loader makes it, the call that built that, and what it says of the data.

    The loader itself may be gone by then: its iterator does not hold it.
    """

    loader: int
    built: CallSite | None
    facts: dict[str, Any]


class Handed(NamedTuple):
    """A pass that handed out a batch, and the user's own call that took it, where it was one."""

    by: Pass
    taken: CallSite | None


class Loaders:
    """Sees which loader hands out a batch."""

    def __init__(self, sites: Sites, tell: Callable[[Handed], None]) -> None:
        self._sites = sites
        self._tell = tell
        self._of: weakref.WeakKeyDictionary[Any, Pass] = weakref.WeakKeyDictionary()

    def install(self, wraps: Wraps) -> None:
        """Begin to watch loaders."""
        wraps.wrap(DataLoader, "__init__", after=self._built)
        wraps.wrap(DataLoader, "__iter__", after=self._pass_begins, with_result=True)
        wraps.wrap(_BaseDataLoaderIter, "__next__", after=self._handed_out)

    def _built(self, loader: Any, *_: Any, **__: Any) -> None:
        self._sites.built(loader)

    def _pass_begins(self, iterator: Any, loader: Any) -> None:
        self._of[iterator] = Pass(id(loader), self._sites.of(loader), _facts(loader))

    def _handed_out(self, iterator: Any) -> None:
        if (made := self._of.get(iterator)) is not None:
            self._tell(Handed(made, _own_call(sys._getframe(2))))


def _own_call(frame: Any) -> CallSite | None:
    """The user's call that took a batch; None if a library's loop did."""
    while frame is not None and not is_user_file(filename := frame.f_code.co_filename):
        package = frame.f_globals.get("__name__", "").split(".")[0]
        if package not in (*_LOOP_LIBRARIES, "deeplocalize") and not filename.endswith("dataloader.py"):
            return None
        frame = frame.f_back
    return user_call(frame) if frame is not None else None


class Feed:
    """Where a training gets its batches from, as its steps show.

    Attributes:
        new: who handed out batches since the last step.
    """

    def __init__(self) -> None:
        self.new: list[Handed] = []
        self._steps = 0
        self._alone: Counter[int] = Counter()
        self._latest: dict[int, Handed] = {}

    def take(self, handed: Handed) -> None:
        """A loader handed out a batch."""
        self.new.append(handed)

    def step(self) -> None:
        """A step is over: a loader that was the only one to hand out a batch for it is what it was fed from."""
        self._steps += 1
        loaders = {each.by.loader for each in self.new}
        if len(loaders) == 1:
            self._alone.update(loaders)
            self._latest[self.new[0].by.loader] = self.new[-1]
        self.new = []

    def _main(self) -> Handed | None:
        """Of the loader that most steps after the first were fed from, the latest batch; also where one call builds such a
        loader anew for each pass."""
        together: Counter[CallSite | None] = Counter()
        for key, count in self._alone.items():
            together[self._latest[key].by.built] += count
        for key, count in self._alone.most_common(1):
            if self._is_most(count):
                return self._latest[key]
        for site, count in together.most_common(1):
            alike = [each for each in self._latest.values() if each.by.built == site]
            if site is not None and self._is_most(count) and all(each.by.facts == alike[0].by.facts for each in alike):
                return alike[-1]
        return None

    def _is_most(self, count: int) -> bool:
        return count > max(1, self._steps - 1) / 2

    def facts(self) -> dict[str, Any]:
        """Fields of a Run; see `_facts`."""
        handed = self._main()
        return handed.by.facts if handed is not None else {}

    def lines(self) -> dict[str, Source | None]:
        """The line that built the loader, the one that says how its workers begin, and the one that takes batches."""
        handed = self._main()
        if handed is None:
            return {}
        built = handed.by.built
        calls = {"loader": built, "batch": handed.taken}
        found: dict[str, Source | None] = {what: site.source for what, site in calls.items() if site is not None}
        arguments = built.arguments() if built is not None else {}
        told = next((arguments[each] for each in ("worker_init_fn", "num_workers") if each in arguments), None)
        return found | ({"workers": told} if told is not None else {})


def _facts(loader: Any) -> dict[str, Any]:
    """Fields of a Run: `shuffled`, `own_order`, `examples`, `batches` and `workers`."""
    endless = isinstance(loader.dataset, IterableDataset)
    return {
        "shuffled": None if endless else not isinstance(_order(loader), SequentialSampler),
        "own_order": None if endless else not all(map(_is_torchs, (loader.batch_sampler, _order(loader)))),
        "examples": None if endless else _length(loader.dataset),
        "batches": None if endless else _length(loader),
        "workers": int(loader.num_workers),
    }


def _order(loader: Any) -> Any:
    """What decides on the order of the examples: a sampler, or the user's own choice of whole batches."""
    batches = getattr(loader, "batch_sampler", None)
    return getattr(batches, "sampler", batches) if batches is not None else loader.sampler


def _is_torchs(sampler: Any) -> bool:
    return sampler is None or type(sampler).__module__.startswith("torch.utils.data.")


def _length(sized: Any) -> int | None:
    try:
        return len(sized)
    except (TypeError, NotImplementedError):
        return None
