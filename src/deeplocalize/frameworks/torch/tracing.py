"""Running a PyTorch model one operation at a time.

The user's forward runs as it is. Each layer of torch.nn that it calls, and each torch function it calls outside of them,
is carried out by itself: on copies of its inputs, with a graph of its own, and what it made is handed on without that
graph. So every operation has its own vector-Jacobian product, and nothing but the user's own code decides what is called.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils import _pytree as pytree

from deeplocalize.frameworks.imperative import Call
from deeplocalize.frameworks.operations import Names, Operation, Ref
from deeplocalize.frameworks.replaced import replaced

CONTAINERS = (
    nn.Sequential,
    nn.ModuleList,
    nn.ModuleDict,
    nn.Transformer,
    nn.TransformerEncoder,
    nn.TransformerDecoder,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
)
"""Modules of torch.nn that are run through, as modules of the user's own are; all others of torch.nn are one operation."""

INSIDE = {
    nn.RNNBase: "a recurrent layer: its activations are inside the recursion",
    nn.RNNCellBase: "a recurrent cell: its activations are inside",
    nn.MultiheadAttention: "attention: its softmax is inside",
}

_FORBIDDEN = frozenset(
    "torch.Tensor.backward torch.autograd.grad torch.autograd.backward torch.Tensor.register_hook "
    "torch.Tensor.retain_grad torch.Tensor.set_ torch.Tensor.data.__set__".split()
)


class CannotSplitError(Exception):
    """The model's forward does something that cannot be carried out one operation at a time. The text says what."""


def is_layer(module: nn.Module) -> bool:
    """True for a module that is one operation."""
    if isinstance(module, CONTAINERS):
        return False
    return type(module).__module__.startswith("torch.nn.") or hasattr(module, "parametrizations")


class Tracer(TorchFunctionMode):
    """While this is entered, torch functions and layers are carried out one by one, and gathered as `calls`.

    Attributes:
        calls: the operations so far.
        layers: the modules that were called, by path.
        given: copies of the inputs and targets, and of tensors of unknown origin that operations read, by name.
    """

    def __init__(self, weights: dict[str, Tensor], states: dict[str, Tensor], paths: dict[int, str]) -> None:
        """`weights` and `states` (buffers) by name; `paths`: the path of each module by its id."""
        super().__init__()
        self.calls: list[Call] = []
        self.layers: dict[str, nn.Module] = {}
        self.given: dict[str, Tensor] = {}
        self._known = {id(value): Ref("weight", name) for name, value in weights.items()}
        self._known |= {id(value): Ref("state", name) for name, value in states.items()}
        self._paths = paths
        self._names = Names()
        self._inside: list[str] = []
        self._busy = False
        self._alive: list[Any] = []
        self._views: dict[str, str] = {}
        self._stale: set[str] = set()

    def give(self, name: str, value: Any) -> Any:
        """Name the tensors of an input or target; returns it, to be passed on."""
        leaves, form = pytree.tree_flatten(value)
        tensors = [each for each in leaves if isinstance(each, Tensor)]
        for at, each in enumerate(tensors):
            own = name if len(tensors) == 1 else f"{name}.{at}"
            self.given[own] = each.detach().clone()
            self._know(each, own)
        return pytree.tree_unflatten(leaves, form)

    def name_of(self, value: Tensor) -> str | None:
        """The name of a tensor that an operation made or that was given."""
        found = self._known.get(id(value))
        return found.name if found is not None and found.kind == "value" else None

    @contextlib.contextmanager
    def within(self, name: str) -> Iterator[None]:
        """While this is entered, names begin with this."""
        self._inside.append(name)
        try:
            yield
        finally:
            self._inside.pop()

    @contextlib.contextmanager
    def running(self) -> Iterator[Tracer]:
        """Everything that torch is asked to do in this block becomes operations."""
        functions = replaced(torch.autograd.Function, "apply", self._applying)
        with replaced(nn.Module, "__call__", self._calling), functions, self:
            yield self

    # ---- what the user's code calls -----------------------------------------------------------------------------

    def _calling(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if self._busy:
                return original(module, *args, **kwargs)
            if id(module) not in self._paths:
                self._paths[id(module)] = self._names.new(type(module).__name__.lower())
            path = self._paths[id(module)]
            if not is_layer(module):
                with self.within(path):
                    return original(module, *args, **kwargs)
            path = path or type(module).__name__.lower()
            self.layers[path] = module
            unsplit = next((text for kind, text in INSIDE.items() if isinstance(module, kind)), None)
            weights = [each for each in module.parameters() if each.requires_grad]
            function = functools.partial(original, module)
            return self._carry_out(path, f"layer:{path}", function, args, kwargs, weights, unsplit)

        return call

    def _applying(self, original: Any) -> Any:
        """A function with a backward pass of the user's own is one operation."""

        def apply(kind: type, *args: Any, **kwargs: Any) -> Any:
            function = functools.partial(original.__func__, kind)
            if self._busy:
                return function(*args, **kwargs)
            name = ".".join(each for each in (*self._inside[-1:], kind.__name__) if each)
            return self._carry_out(
                name, f"own:{kind.__qualname__}", function, args, kwargs, (), "a torch.autograd.Function of your own"
            )

        return classmethod(apply)

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._busy:
            return function(*args, **kwargs)
        target = resolve_name(function) or getattr(function, "__name__", str(function))
        if target in _FORBIDDEN or "out" in kwargs:
            raise CannotSplitError(f"its forward calls {target}")
        name = ".".join(each for each in (*self._inside[-1:], short_name(target)) if each)
        return self._carry_out(name, target, function, args, kwargs, (), None)

    # ---- carrying it out ----------------------------------------------------------------------------------------

    def _carry_out(
        self,
        name: str,
        target: str,
        function: Callable[..., Any],
        args: Any,
        kwargs: Any,
        weights: Sequence[Tensor],
        unsplit: str | None,
    ) -> Any:
        self._busy = True
        try:
            leaves, form = pytree.tree_flatten((args, kwargs))
            refs = [self._refer(each) if isinstance(each, Tensor) else each for each in leaves]
            own = {each.name: leaf for each, leaf in zip(refs, leaves, strict=True) if _is(each, "value")}
            copies = {name: _copy(leaf) for name, leaf in own.items()}
            handed = {name: copy.clone() if copy.requires_grad else copy for name, copy in copies.items()}
            used = [each.name if _is(each, "weight") else None for each in refs]
            weights = [*weights, *(leaf for leaf, use in zip(leaves, used, strict=True) if use and leaf.requires_grad)]
            versions = {name: each._version for name, each in handed.items()}
            given = [handed[each.name] if _is(each, "value") else leaf for each, leaf in zip(refs, leaves, strict=True)]
            new_args, new_kwargs = pytree.tree_unflatten(given, form)
            raw = function(*new_args, **new_kwargs)
            changed = {name for name, each in handed.items() if each._version != versions[name]}
            made, out_form = pytree.tree_flatten(raw)
            if not changed and not any(isinstance(each, Tensor) for each in made):
                _refuse_hidden(made)
                return raw
            return self._hand_on(
                self._names.new(name),
                (target, *pytree.tree_unflatten(refs, form), unsplit),
                (own, copies, handed, changed),
                list(dict.fromkeys(weights)),
                made,
                out_form,
            )
        finally:
            self._busy = False

    def _hand_on(self, name: str, what: Any, given: Any, weights: list[Tensor], made: list[Any], form: Any) -> Any:
        """Gather the operation; returns what the user's code gets: the values without their history."""
        target, args, kwargs, unsplit = what
        own, copies, handed, changed = given
        back = {id(each): name for name, each in handed.items()}
        outputs = [each for each in made if isinstance(each, Tensor)]
        outputs += [handed[each] for each in sorted(changed) if not any(handed[each] is out for out in outputs)]
        names = [name if len(outputs) == 1 else f"{name}.{at}" for at in range(len(outputs))]
        shown = {}
        for output, made_name in zip(outputs, names, strict=True):
            source = back.get(id(output))
            if source in changed:
                value = self._change(own[source], output, source)
            else:
                value = _leaf(output)
                self._note_view(output, made_name, handed)
            self._know(value, made_name)
            shown[id(output)] = value
        also = tuple(
            source for each in outputs if (source := back.get(id(each))) and all(each is not one for one in made)
        )
        operation = Operation(
            name,
            target,
            tuple(args),
            dict(kwargs),
            tuple(own),
            tuple(names),
            changed=also,
            unsplit=unsplit,
            stops=not torch.is_grad_enabled(),
        )
        self._alive.append((own, copies, handed))
        values = [shown[id(each)].detach().clone() for each in outputs]
        pull = functools.partial(self._pull, outputs, list(copies.values()), weights)
        self.calls.append(Call(operation, values, pull))
        return pytree.tree_unflatten([shown.get(id(each), each) for each in made], form)

    def _pull(
        self, outputs: list[Tensor], inputs: list[Tensor], weights: list[Tensor], gradients: Sequence[Any]
    ) -> Any:
        pairs = [
            (output, gradient)
            for output, gradient in zip(outputs, gradients, strict=True)
            if gradient is not None and output.requires_grad
        ]
        to = [each for each in (*inputs, *weights) if each.requires_grad]
        if not pairs or not to:
            return [None] * len(inputs), {}
        found = torch.autograd.grad(
            [each for each, _ in pairs], to, [each for _, each in pairs], allow_unused=True, retain_graph=True
        )
        by_id = dict(zip(map(id, to), found, strict=True))
        at_weights = {self._known[id(each)].name: by_id[id(each)] for each in weights}
        return [by_id.get(id(each)) for each in inputs], {
            name: each for name, each in at_weights.items() if each is not None
        }

    # ---- which tensor is which ----------------------------------------------------------------------------------

    def _know(self, value: Tensor, name: str) -> None:
        self._known[id(value)] = Ref("value", name)
        self._alive.append(value)

    def _refer(self, tensor: Tensor) -> Ref:
        known = self._known.get(id(tensor))
        if known is None:
            if tensor.requires_grad:
                maker = tensor.grad_fn.name() if tensor.grad_fn is not None else "someone else"
                raise CannotSplitError(f"its forward uses what {maker} made, which is no torch function")
            known = Ref("value", self._names.new("constant"))
            self.given[known.name] = tensor.detach().clone()
            self._known[id(tensor)] = known
            self._alive.append(tensor)
        if known.name in self._stale:
            raise CannotSplitError("its forward changes in place what another tensor is a view of")
        return known

    def _note_view(self, output: Tensor, name: str, handed: dict[str, Tensor]) -> None:
        base = output._base if output._is_view() else None
        of = next((each for each, tensor in handed.items() if tensor is base), None)
        if of is not None:
            self._views[name] = self._views.get(of, of)

    def _change(self, theirs: Tensor, output: Tensor, name: str) -> Tensor:
        """The user's tensor was changed in place: it is another value from now on."""
        base = self._views.get(name, name)
        shared = {each for each, of in self._views.items() if of == base and each != name}
        self._stale |= shared | ({base} if base != name else set())
        with torch.no_grad():
            theirs.requires_grad_(False)
            theirs.copy_(output.detach())
        return theirs.requires_grad_(output.requires_grad)


def _is(ref: Any, kind: str) -> bool:
    return isinstance(ref, Ref) and ref.kind == kind


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


def _leaf(tensor: Tensor) -> Tensor:
    """The value without its history, which says all the same whether a gradient flows through it."""
    return tensor.detach().requires_grad_(tensor.requires_grad)


def short_name(target: str) -> str:
    """`relu` of torch.nn.functional.relu, `add` of torch.Tensor.__add__."""
    name = target.removesuffix(".__get__").removesuffix(".__set__").rsplit(".", 1)[-1]
    return name.strip("_") or name


def _refuse_hidden(made: list[Any]) -> None:
    """What is no tensor may not hold one either: it would be lost."""
    for each in made:
        if type(each).__name__ == "PackedSequence" or (hasattr(each, "__dict__") and _holds_tensor(each)):
            raise CannotSplitError(f"its forward makes a {type(each).__name__}, which holds tensors")


def _holds_tensor(value: Any) -> bool:
    return any(isinstance(each, Tensor) for each in vars(value).values())
