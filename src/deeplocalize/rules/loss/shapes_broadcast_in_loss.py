"""The loss compares every prediction with every target, because their shapes differ.

What it means
The prediction has the shape (examples, 1) and the target (examples), or the other way round. Subtracting one from the other
stretches both to (examples, examples): prediction 1 is compared with targets 1, 2, 3, ..., and so is every other. The same
happens where log-probabilities are multiplied with advantages, or losses with weights, one of them a column.

Why it hurts
The loss is lowest when every prediction equals the mean of all targets. The network learns that mean and nothing else;
there is no exception, and the loss falls at first. The mean over all products is the product of two means: with advantages,
whose mean is 0, nothing is left of it.

How it is recognized
The loss reported that it compared shapes by broadcasting, and one of the two shapes has a last axis of length 1 that the
other lacks. In PyTorch, of a loss that is not known, such as one the user wrote, the shapes in the autograd graph tell:
what the network answered, (examples, 1), less something without a gradient is (examples, examples); or the loss is the mean
or sum of all of (examples, examples), made of something flat with a gradient times a column without one, or the other way
round. These are exact facts, so there is no limit to choose.

How to fix it
Give both the same shape: `prediction.squeeze(-1)`, or `target.unsqueeze(-1)`.

When it is wrong
Labels of 0 and 1 are left alone: a GAN's discriminator compares a whole batch with the same label, and then it does not
matter. Neither does it in batches of one, nor with factors that are all the same. A loss that also compares the answers among each other compares pairs on
purpose, and so does one that multiplies two things that both have a gradient. Keras makes the shapes equal by itself.

References
PyTorch, MSELoss. https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
NumPy, broadcasting. https://numpy.org/doc/stable/user/basics.broadcasting.html
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals import places
from deeplocalize.signals.task import Task, tasks
from deeplocalize.trace.schema import Trace


@rule(
    code="L212",
    severity=Severity.HIGH,
    needs=("objective",),
    explains=(
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "vanishing-gradient",
    ),
)
def check(trace: Trace) -> Iterator[Finding]:
    """Find losses between a column and a flat array."""
    for task in tasks(trace):
        if task.loss.broadcasts and _differ(task) and task.encoding != "binary" and trace.run.batch_size != 1:
            yield _finding(trace, task)
        elif task.loss.multiplies_all:
            yield _of_products(trace, task)


def _differ(task: Task) -> bool:
    """True if one of prediction and target is a column and the other flat; the target of a loss that is not known is not."""
    if task.target is None:
        return task.loss.kind == "other" and task.head.shape in ((), (1,))
    return {task.head.shape, task.target.shape} == {(), (1,)}


def _finding(trace: Trace, task: Task) -> Finding:
    column, flat = ("prediction", "target") if task.head.shape == (1,) else ("target", "prediction")
    examples = trace.run.batch_size or 2  # of two at least, where the number is not known
    after = f"{column}.squeeze(-1)"
    name = "The loss" if task.loss.kind == "other" else task.loss.name
    return Finding(
        message=f"{name} is given a {column} of shape (examples, 1) and a {flat} of shape (examples), "
        "so it compares every prediction with every target, and the network can only learn their mean.",
        locus=Locus("loss", source=trace.run.sources.get("loss") or places.loss_line(trace, task.loss)),
        evidence=(Evidence("comparisons for each example, where one is meant", examples, ">", 1),),
        remedies=(Remedy(f"Hand {after} to the loss.", column, after),),
    )


def _of_products(trace: Trace, task: Task) -> Finding:
    examples = max(trace.run.batch_size or 0, 2)
    return Finding(
        message="The loss multiplies a tensor of shape (examples) with one of shape (examples, 1), so it weighs every example with "
        "the factors of all, and what is left is the mean of the one times the mean of the other.",
        locus=Locus("loss", source=places.loss_line(trace, task.loss)),
        evidence=(Evidence("products for each example, where one is meant", examples, ">", 1),),
        remedies=(Remedy("Give both the same shape, as in log_probability * advantage.squeeze(-1)"),),
    )
