"""The vector-Jacobian product of one operation, on each backend.

Each function carries out `function(*inputs)`, which returns a list of tensors, and returns that list and `pull`: from the
gradients of the loss at them (None where none arrived) to those at the inputs and at the weights. `states` are the
variables that the function may change, and `compiled` is a list, empty at first, to keep what should not be made anew for
the same function. They stand by themselves, as their text becomes part of the programs that `Program.source` writes.
"""

from __future__ import annotations

import inspect

import keras


def mask_of(tensor):
    """The mask that Keras has hung on a tensor, None if there is none."""
    return keras.src.backend.get_keras_mask(tensor)


def marked(tensor, mask):
    """The tensor, with the mask hung on it."""
    if mask is not None:
        keras.src.backend.set_keras_mask(tensor, mask)
    return tensor


def tensorflow_vjp(function, inputs, weights, states, compiled):
    """What the function makes of its inputs, and its vector-Jacobian product."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch([each for each in inputs if each.dtype.is_floating])
        made = function(*inputs)

    def pull(gradients):
        pairs = [(each, gradient) for each, gradient in zip(made, gradients, strict=True) if gradient is not None]
        sources = [*inputs, *(each.value for each in weights)]
        found = tape.gradient([each for each, _ in pairs], sources, [gradient for _, gradient in pairs])
        return found[: len(inputs)], found[len(inputs) :]

    return made, pull


def torch_vjp(function, inputs, weights, states, compiled):
    """What the function makes of its inputs, and its vector-Jacobian product."""
    import torch

    copies = [marked(each.detach().clone().requires_grad_(each.is_floating_point()), mask_of(each)) for each in inputs]
    with torch.enable_grad():
        made = function(*copies)

    def pull(gradients):
        pairs = [
            (each, grad) for each, grad in zip(made, gradients, strict=True) if grad is not None and each.requires_grad
        ]
        sources = [each for each in (*copies, *(each.value for each in weights)) if each.requires_grad]
        if not pairs or not sources:
            return [None] * len(copies), [None] * len(weights)
        outputs, arriving = [each for each, _ in pairs], [grad for _, grad in pairs]
        found = torch.autograd.grad(outputs, sources, arriving, allow_unused=True)
        by_id = {id(source): gradient for source, gradient in zip(sources, found, strict=True)}
        return [by_id.get(id(each)) for each in copies], [by_id.get(id(each.value)) for each in weights]

    return [marked(each.detach(), mask_of(each)) for each in made], pull


def jax_vjp(function, inputs, weights, states, compiled):
    """What the function makes of its inputs, and its vector-Jacobian product."""
    import jax

    def is_float(tensor):
        return "float" in str(tensor.dtype)

    def forward(floats, others, masks, weight_values, state_values):
        def pure(floats, weight_values):
            left = iter(floats)
            given = [next(left) if each is None else each for each in others]
            given = [marked(each, mask) for each, mask in zip(given, masks, strict=True)]
            mapping = [*zip(weights, weight_values, strict=True), *zip(states, state_values, strict=True)]
            with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
                made = function(*given)
            after = [scope.get_current_value(each) for each in states]
            rest = [None if is_float(each) else each for each in made]
            return [each for each in made if is_float(each)], (rest, [mask_of(each) for each in made], after)

        return jax.vjp(pure, floats, weight_values, has_aux=True)

    if not compiled:
        compiled += [jax.jit(forward), jax.jit(lambda pullback, arriving: pullback(arriving))]
    floats, pullback, (rest, masks, after) = compiled[0](
        [each for each in inputs if is_float(each)],
        [None if is_float(each) else each for each in inputs],
        [mask_of(each) for each in inputs],
        [each.value for each in weights],
        [each.value for each in states],
    )
    for state, value in zip(states, after, strict=True):
        state.assign(value)
    left = iter(floats)
    made = [next(left) if each is None else each for each in rest]
    made = [marked(each, mask) for each, mask in zip(made, masks, strict=True)]

    def pull(gradients):
        pairs = [each for each in zip(made, gradients, strict=True) if is_float(each[0])]
        arriving = [jax.numpy.zeros_like(each) if gradient is None else gradient for each, gradient in pairs]
        at_floats, at_weights = compiled[1](pullback, arriving)
        left = iter(at_floats)
        return [next(left) if is_float(each) else None for each in inputs], at_weights

    return made, pull


def with_rest(layer, made, given):
    """What a layer made of what it was given, and what else goes from it to the loss: its own losses (without what
    regularizers make of its weights), and on tensorflow what went into a last softmax or sigmoid inside of it, of which
    Keras takes a cross-entropy."""
    made = keras.tree.flatten(made)
    of_weights = sum(each.regularizer is not None for each in layer.trainable_weights)
    losses = layer.losses[: len(layer.losses) - of_weights]
    logits = getattr(made[0], "_keras_logits", None) if keras.backend.backend() == "tensorflow" else None
    inside = logits is not None and not any(logits is each for each in given)
    return [*made, *losses, *([logits] if inside else [])]


def apply_update(optimizer, gradients, weights):
    """Have the optimizer update the weights."""
    optimizer.apply(gradients, weights)


def torch_apply_update(optimizer, gradients, weights):
    """Have the optimizer update the weights."""
    import torch

    with torch.no_grad():
        optimizer.apply(gradients, weights)


def torch_random_state():
    """The state of PyTorch's generator, from which layers without a seed draw."""
    import torch

    return torch.get_rng_state().numpy()


def no_random_state():
    """Every layer has a generator of its own, as one of its variables."""


_BACKEND = keras.backend.backend()
vjp = {"tensorflow": tensorflow_vjp, "torch": torch_vjp, "jax": jax_vjp}[_BACKEND]
random_state = torch_random_state if _BACKEND == "torch" else no_random_state
update = torch_apply_update if _BACKEND == "torch" else apply_update

TEXT = "\n\n".join(inspect.getsource(each) for each in (mask_of, marked, with_rest, vjp, update))
TEXT = TEXT.replace(f"def {vjp.__name__}(", "def carry_out(").replace(f"def {update.__name__}(", "def apply_update(")
"""The functions as text, for a program that runs by itself."""
