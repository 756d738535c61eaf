"""What a trace must hold, computed from the values of a step-by-step program."""

import numpy as np

from deeplocalize.trace.definitions import activation_stats, tensor_stats


def assert_recorded(trace, steps, points, axis):
    """Compare every statistic of every layer with those of the values that the program's steps show.

    Args:
        trace: of the same training.
        steps: the program's.
        points: by layer index, (the probe point of its output, that of its input or linear part or None, a prefix of
            the names of its weights).
        axis: of the units in an activation.
    """
    assert trace.failures == ()
    assert trace.sampled.tolist() == list(range(len(steps)))
    np.testing.assert_allclose(trace.scalar("loss"), [step.loss for step in steps], rtol=1e-4)
    compared = 0
    for layer, (output, before, prefix) in points.items():
        facts = trace.layers[layer]
        for at, step in enumerate(steps):
            expected = {"activation": activation_stats(step.activations[output], facts.activation, axis)}
            expected["activation_gradient"] = tensor_stats(step.gradients[output])
            if before is not None:
                expected["preactivation"] = tensor_stats(step.activations[before])
            for role, values in (
                ("weight", step.weights),
                ("weight_gradient", step.weight_gradients),
                ("weight_update", step.updates),
            ):
                if kernel := _kernel(values, prefix):
                    expected[role] = tensor_stats(np.concatenate(kernel))
            for role, stats in expected.items():
                for stat, value in stats.items():
                    recorded = trace.series(role, stat)[at, layer]
                    if np.isnan(recorded):
                        continue
                    compared += 1
                    message = f"{facts.name} {role}.{stat} in step {at}"
                    np.testing.assert_allclose(recorded, value, rtol=2e-3, atol=2e-5, err_msg=message)
    assert compared > 12 * len(points) * len(steps)


def _kernel(values, prefix):
    """A layer's own parameters of two or more axes, or all of them if it has none such, each as one row of numbers."""
    own = [value for name, value in values.items() if prefix and name.startswith(prefix)]
    return [each.ravel() for each in own if each.ndim > 1] or [each.ravel() for each in own]
