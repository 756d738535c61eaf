"""What a squared error makes of answers that are probabilities."""

from __future__ import annotations

import math

import numpy as np

from deeplocalize.signals.task import Task


def gradient_share(task: Task) -> float:
    """Length of the squared error's gradient at the raw outputs over that of the cross-entropy's; NaN without a sample.

    With p = softmax(z) and d = p - y the cross-entropy's gradient by z is d, and that of the mean of d^2 over K units is
    2/K (p d - p sum(p d)). For a sigmoid it is 2 d p (1 - p).
    """
    if task.loss.kind != "mean-squared-error" or task.rows is None or task.answers is None:
        return math.nan
    if task.rows.size != task.answers.size or not len(task.rows):
        return math.nan
    truth, p = (each.reshape(len(task.rows), -1) for each in (task.rows, task.answers))
    d = p - truth
    one = p.shape[1] == 1
    gradient = 2 * d * p * (1 - p) if one else 2 / p.shape[1] * p * (d - (p * d).sum(axis=1, keepdims=True))
    return float(np.linalg.norm(gradient) / np.linalg.norm(d)) if d.any() else math.nan


def wrong_and_sure(task: Task, sure: float) -> float:
    """Share of sampled rows in which the probability of the true class is at most 1 - sure; NaN without a sample."""
    if task.rows is None or task.answers is None or task.rows.size != task.answers.size or not len(task.rows):
        return math.nan
    truth, answer = task.rows.reshape(len(task.rows), -1), task.answers.reshape(len(task.rows), -1)
    right = 1 - np.abs(truth - answer) if truth.shape[1] == 1 else (truth * answer).sum(axis=1)
    return float((right <= 1 - sure).mean())
