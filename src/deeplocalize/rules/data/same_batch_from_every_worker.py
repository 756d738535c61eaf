"""Each worker of the loader hands out the same batches, one after the other.

What it means
A loader with `num_workers=4` copies the data set to four processes and takes a batch from each in turn. A stream that does
not ask which of the workers it is in yields all of its examples in each of them. A data set that draws its examples with a
random generator of its own is copied with the generator, so that each worker draws the same.

Why it hurts
The network is trained on each batch as many times in a row as there are workers. In as many steps it sees a fraction of the
data, and what it sees it rather learns by heart. Where the workers begin anew with each pass, so do their generators: each
pass is the same few examples.

How it is recognized
All of this holds of the first pass over the data:
- The training is fed by one loader of `several` = 2 workers or more, whose batches are not made up by a sampler of the
  user's own, since that may repeat a batch as often as it likes.
- A recorded step has the same inputs as the one recorded before it if both are within one turn of the workers, and others
  if a new turn has begun, in `alike` = 0.95 of the cases. Nothing but the workers has that rhythm: it is looked for, not
  only that some batches come back. (A turn may begin at any step: a loop may leave out some batches at first.)
- At least `least` = 6 steps repeat the batch of the step before, and at least `turns` = 3 turns have different batches:
  fewer may be a few examples that are alike by chance.

How to fix it
In `__iter__` of a stream, ask `torch.utils.data.get_worker_info()` and yield that worker's part alone:
`itertools.islice(examples, info.id, None, info.num_workers)`. Give a generator of your own another seed in each worker, in
`worker_init_fn` from `torch.initial_seed()`, or draw with torch's own, which the loader does by itself.

When it is wrong
A stream that is divided, workers with seeds of their own, several steps on a batch, a sampler that repeats batches: none of
them is accused. Not seen is a stream whose workers shuffle it, each in its own way, or what is random in an example that
the index chooses, such as an augmentation; nor any of this where gradients are accumulated.

References
PyTorch, IterableDataset, example of a split workload. https://docs.pytorch.org/docs/stable/data.html
PyTorch, Why do I see the same random numbers in every worker? https://docs.pytorch.org/docs/stable/notes/faq.html
Jiang et al., Training with Confidence: Catching Silent Errors in Deep Learning Training (TrainCheck), OSDI 2025.
https://arxiv.org/abs/2506.14813
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace

Flags = NDArray[np.bool_]


@rule(
    code="D109",
    severity=Severity.MEDIUM,
    needs=("steps", "input.digest"),
    explains=(
        "no-generalization",
        "overfitting",
    ),
)
def check(trace: Trace, *, several: int = 2, alike: float = 0.95, least: int = 6, turns: int = 3) -> Iterator[Finding]:
    """Yield one finding if batches come back in the rhythm of the workers."""
    workers = trace.run.workers or 0
    if workers < several or trace.run.own_order:
        return
    repeated, expected = _rhythm(trace, workers)
    repeats, share = int((repeated & expected).sum()), float((repeated == expected).mean()) if len(repeated) else 0.0
    different = int((~repeated & ~expected).sum()) + 1
    if repeats < least or different < turns or share < alike:
        return
    yield Finding(
        message=f"Each of the {workers} workers of the loader hands out the same batches, so each batch is trained on "
        f"{workers} times in a row. {_why(trace)}",
        locus=Locus("data", source=call_line(trace, "workers", "loader", "inputs", "batch")),
        evidence=(
            Evidence(
                "share of steps whose batch is new if a turn of the workers begins, else repeated", share, ">=", alike
            ),
            Evidence("recorded steps that repeat the batch of the one before", repeats, ">=", least),
            Evidence("turns of the workers with different batches", different, ">=", turns),
        ),
        remedies=(_remedy(trace),),
        first_step=int(trace.steps[0]),
    )


def _rhythm(trace: Trace, workers: int) -> tuple[Flags, Flags]:
    """For each recorded step of the first pass but the first of all: if it repeats the batch of the one before, and if it
    should, were all workers alike. Where a turn begins is taken from the batches."""
    digests = trace.scalar("input.digest")
    known = np.isfinite(digests) & (trace.steps < (trace.run.batches or np.inf))
    steps, digests = trace.steps[known], digests[known]
    repeated = digests[1:] == digests[:-1]
    begun = [(steps + start) // workers for start in range(workers)]
    expected = [turn[1:] == turn[:-1] for turn in begun]
    return repeated, max(expected, key=lambda each: int((each == repeated).sum()))


def _is_stream(trace: Trace) -> bool:
    return trace.run.examples is None


def _why(trace: Trace) -> str:
    if _is_stream(trace):
        return "The data set is a stream that is not divided among them, or draws with a generator that is the same in all of them."
    return "The data set draws its examples with a random generator that is the same in all of them."


def _remedy(trace: Trace) -> Remedy:
    if _is_stream(trace):
        return Remedy("In __iter__, yield each worker its own part of the examples, by get_worker_info().id")
    return Remedy("Give the generator of each worker its own seed: in worker_init_fn, from torch.initial_seed()")
