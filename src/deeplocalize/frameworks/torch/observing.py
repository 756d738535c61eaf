"""Looking on while a step runs: which layers and torch functions it consists of, and what each is given.

This is done in one step of a training, the second, so that there is a program to carry out again should a later step go
wrong. What is called is called as ever, with the same tensors; only the names of its inputs and outputs are noted.
"""

from __future__ import annotations

import contextlib
import functools
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack, _pop_mode, _push_mode
from torch.utils import _pytree as pytree

from deeplocalize.frameworks.operations import Names, Operation, Ref
from deeplocalize.frameworks.session import hide_our_frames, leave_traceback
from deeplocalize.frameworks.source import user_call
from deeplocalize.frameworks.torch import stored
from deeplocalize.frameworks.torch.places import Place, tensors_at
from deeplocalize.frameworks.torch.tracing import is_layer, short_name
from deeplocalize.frameworks.torch.wrap import Wraps
from deeplocalize.trace.schema import Source

MAX_OPERATIONS = 20_000

RANDOM = ("dropout", "rand", "bernoulli", "normal", "multinomial", "rrelu")


@dataclass
class Seen:
    """An operation that was observed: its line, and the type that autocast had it computed in, if it was on."""

    operation: Operation
    line: Source | None
    autocast: torch.dtype | None


@dataclass
class Observed:
    """What led to one backward pass.

    Attributes:
        seen: the operations.
        layers: the layers among them, by path.
        tensors: weights and buffers, by name.
        places: for each tensor that the operations are given, where it is found.
        constants: tensors that are attributes of modules, neither parameters nor buffers.
        loss: the name of the value that the backward pass began with.
        missing: why the program is not known, None if it is.
    """

    seen: list[Seen] = field(default_factory=list)
    layers: dict[str, nn.Module] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    constants: dict[str, Tensor] = field(default_factory=dict)
    loss: str = ""
    missing: str | None = None

    def draws(self, each: Seen) -> bool:
        """True if an operation may draw random numbers."""
        layer = self.layers.get(each.operation.target.removeprefix("layer:"))
        drawing = getattr(layer, "dropout", 0.0)
        word = f"{each.operation.target} {type(layer).__name__}".lower()
        return any(part in word for part in RANDOM) or (isinstance(drawing, float) and drawing > 0)

    @functools.cached_property
    def is_random(self) -> bool:
        """True if any operation may."""
        return any(map(self.draws, self.seen))


def keep_warnings_as_they_are(wraps: Wraps) -> None:
    """See to it that warnings are shown where, and as often as, they are without us.

    What a function that is called from here warns of concerns the user's call, and is shown with that one in the other steps.
    And to list the functions of PyTorch makes Python forget which warnings it has shown, so that is done now.
    """
    stored.functions()
    warnings.filterwarnings("ignore", module=f"{re.escape(__name__)}$")
    ours = warnings.filters[0]
    wraps.later(lambda: warnings.filters.remove(ours) if ours in warnings.filters else None)


class Observer(TorchFunctionMode):
    """Observes from `begin` to `stop`."""

    def __init__(self, roots: Iterable[nn.Module], early: Mapping[Place, Tensor]) -> None:
        """`roots`: the models, whose parameters and buffers are the program's; `early`: tensors at early places."""
        super().__init__()
        self._early = early
        self.found = Observed()
        self._on = self._over = False
        self._barred: dict[str, str] = {}
        self._in_place: set[str] = set()
        self._paths: dict[int, str] = {}
        self._known: dict[int, Ref] = {}
        self._alive: list[Any] = []
        self._given: dict[str, Tensor] = {}
        self._names = Names()
        self._inside: list[str] = []
        self._roots: list[nn.Module] = []
        for root in roots:
            self._add_root(root, "")

    def _add_root(self, root: nn.Module, name: str) -> None:
        self._roots.append(root)
        begin = name
        while begin and any(path.split(".")[0] == begin for path in self._paths.values()):
            begin = self._names.new(name)
        for path, module in root.named_modules():
            self._paths.setdefault(id(module), ".".join(each for each in (begin, path) if each))
        for kind, tensors in (("weight", root.named_parameters()), ("state", root.named_buffers())):
            for path, each in tensors:
                full = ".".join(part for part in (begin, path) if part)
                while full in self.found.tensors:
                    full = f"{type(root).__name__.lower()}.{full}"
                self.found.tensors[full] = each
                self._known.setdefault(id(each), Ref(kind, full))

    # ---- on and off ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin, unless the program has function modes of its own, in whose order we would interfere."""
        self._backward = torch.Tensor.backward
        torch.Tensor.backward = self._ending(torch.Tensor.backward)  # type: ignore[method-assign]
        self._resume()

    def _ending(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`Tensor.backward` is itself a function that modes see, and a mode cannot end inside of one."""

        @functools.wraps(original)
        def backward(*args: Any, **kwargs: Any) -> Any:
            self._pause()
            try:
                return original(*args, **kwargs)
            except BaseException as error:
                leave_traceback(error)
                raise

        return backward

    def _resume(self) -> None:
        if not self._over and torch._C._len_torch_function_stack() == 0:
            _push_mode(self)
            self._on = True

    def _pause(self) -> None:
        stack = _get_current_function_mode_stack()
        if (
            self._on and stack and stack[-1] is self
        ):  # else the program left one of its own on it, and ours does nothing
            _pop_mode()
        self._on = False

    def leave(self) -> bool:
        """Leave the program's function modes if one of them was in the way when observing ended; True if we are out."""
        stack = _get_current_function_mode_stack()
        if stack and stack[-1] is self:
            _pop_mode()
        return all(each is not self for each in _get_current_function_mode_stack())

    def _end(self) -> None:
        self._over = True
        self._pause()
        torch.Tensor.backward = self._backward  # type: ignore[method-assign]

    def stop(self, root: Tensor, calls: list[tuple[Any, ...]], frame: FrameType | None) -> Observed:
        """The backward pass from `root` begins, in `frame`; what the models were given is in `calls`."""
        self._end()
        known = self._known.get(id(root))
        if known is None or known.kind != "value":
            self._fail("its loss is not made by a torch function")
        else:
            self.found.loss = known.name
            self._settle(calls, frame)
        self._let_go()
        return self.found

    def give_up(self, why: str) -> Observed:
        """Stop before any backward pass came."""
        self._end()
        self._fail(why)
        self._let_go()
        return self.found

    def _fail(self, why: str) -> None:
        self.found.missing = self.found.missing or why

    def _let_go(self) -> None:
        for each in (self._alive, self._given, self._known, self._roots):
            each.clear()  # type: ignore[attr-defined]
        self._early = {}

    # ---- what is called -----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """What is done while this is entered is not the program's."""
        was = self._on
        self._pause()
        try:
            yield
        finally:
            if was:
                self._resume()

    def call(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Carry out the call of a module."""
        if id(module) not in self._paths:
            self._add_root(module, self._names.new(type(module).__name__.lower()))
        path = self._paths[id(module)]
        try:
            if is_layer(module):
                return self._call_layer(original, module, path or type(module).__name__.lower(), args, kwargs)
            return self._call_inside(original, module, path, args, kwargs)
        except BaseException as error:
            leave_traceback(error)
            raise

    def _call_inside(self, original: Callable[..., Any], module: nn.Module, path: str, args: Any, kwargs: Any) -> Any:
        self._inside.append(path)
        try:
            return original(module, *args, **kwargs)
        except BaseException as error:
            leave_traceback(error)
            raise
        finally:
            self._inside.pop()

    def _call_layer(self, original: Callable[..., Any], module: nn.Module, path: str, args: Any, kwargs: Any) -> Any:
        before = self._before((args, kwargs))
        try:
            with self.aside():
                made = original(module, *args, **kwargs)
        except BaseException as error:
            leave_traceback(error)
            raise
        self.found.layers[path] = module
        self._note(path, f"layer:{path}", (args, kwargs), made, before)
        return made

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not self._on:
            return function(*args, **kwargs)
        before = self._before((args, kwargs))
        try:
            made = function(*args, **kwargs)
        except BaseException as error:
            leave_traceback(error)
            hide_our_frames()
            raise
        self._note(None, function, (args, kwargs), made, before)
        return made

    # ---- noting it ----------------------------------------------------------------------------------------------

    def _before(self, given: Any) -> list[tuple[Tensor, int]]:
        try:
            return [(each, each._version) for each in pytree.tree_leaves(given) if isinstance(each, Tensor)]
        except Exception:
            return []

    def _note(self, path: str | None, called: Any, given: Any, made: Any, before: list[tuple[Tensor, int]]) -> None:
        if self.found.missing is not None:
            return
        try:
            self._gather(path, called, given, made, before)
        except Exception as error:
            self._fail(f"{type(error).__name__}: {error}")
        if len(self.found.seen) > MAX_OPERATIONS:
            self._fail(f"it has more than {MAX_OPERATIONS:,} operations")
            self._let_go()

    def _gather(self, path: str | None, called: Any, given: Any, made: Any, before: list[tuple[Tensor, int]]) -> None:
        outputs = [each for each in pytree.tree_leaves(made) if isinstance(each, Tensor)]
        changed = {id(each): each for each, version in before if each._version != version}
        also = [each for key, each in changed.items() if all(each is not one for one in outputs)]
        if not outputs and not also:
            return
        target = called if isinstance(called, str) else stored.name_of(called)
        leaves, form = pytree.tree_flatten(given)
        refs = [self._refer(each) if isinstance(each, Tensor) else each for each in leaves]
        args, kwargs = pytree.tree_unflatten(refs, form)
        shown = target or getattr(called, "__name__", "function")
        name = self._names.new(path or ".".join(each for each in (*self._inside[-1:], short_name(shown)) if each))
        every = [*outputs, *also]
        names = [name if len(every) == 1 else f"{name}.{at}" for at in range(len(every))]
        if target is None:
            self._barred |= dict.fromkeys(names, f"it calls {shown}, which is no function of a forward pass")
        operation = Operation(
            *(name, target or shown, tuple(args), dict(kwargs)),
            inputs=tuple(dict.fromkeys(each.name for each in refs if isinstance(each, Ref) and each.kind == "value")),
            outputs=tuple(names),
            changed=tuple(self._known[id(each)].name for each in also),
            stops=not torch.is_grad_enabled(),
        )
        if changed:
            self._in_place.add(name)
        for each, known in zip(every, names, strict=True):
            if self._known.get(id(each), _NO_REF).kind == "value":
                self._know(each, known)
        site = user_call(sys._getframe(2))
        self.found.seen.append(Seen(operation, site.source if site else None, _autocast(every)))

    def _know(self, tensor: Tensor, name: str) -> None:
        self._known[id(tensor)] = Ref("value", name)
        self._alive.append(tensor)

    def _refer(self, tensor: Tensor) -> Ref:
        known = self._known.get(id(tensor))
        if known is None:
            known = Ref("value", self._names.new("given"))
            if tensor.grad_fn is not None:
                self._barred[known.name] = f"it uses what {tensor.grad_fn.name()} made, which is no torch function"
            self._known[id(tensor)] = known
            self._given[known.name] = tensor
        return known

    # ---- at the end ---------------------------------------------------------------------------------------------

    def _settle(self, calls: list[tuple[Any, ...]], frame: FrameType | None) -> None:
        """Leave out what the loss does not depend on, and find out where what the program is given comes from."""
        found = self.found
        needed = self._needed()
        found.seen = [each for each in found.seen if each.operation.name in needed]
        read = {name: each.operation.name for each in found.seen for name in each.operation.inputs}
        found.layers = {
            path: each
            for path, each in found.layers.items()
            if any(f"layer:{path}" == one.operation.target for one in found.seen)
        }
        barred = [*read, *(name for each in found.seen for name in each.operation.outputs)]
        if why := next((self._barred[name] for name in barred if name in self._barred), None):
            self._fail(why)
            return
        now = [*tensors_at(calls, frame).items(), *self._early.items()]
        places = {id(tensor): place for place, tensor in reversed(now)}
        attributes = {id(value) for root in self._roots for each in root.modules() for value in vars(each).values()}
        for name, tensor in self._given.items():
            if name not in read:
                continue
            if id(tensor) in places:
                found.places[name] = places[id(tensor)]
            elif id(tensor) in attributes:
                found.constants[name] = tensor
            else:
                self._fail(f"what it gives to {read[name]} is in no variable")

    def _needed(self) -> set[str]:
        """The names of the operations that the loss is made of; those that draw random numbers or change tensors in
        place are always among them."""
        wanted, needed = {self.found.loss}, set()
        for each in reversed(self.found.seen):
            operation = each.operation
            always = operation.name in self._in_place or self.found.draws(each)
            if always or wanted & set(operation.outputs):
                needed.add(operation.name)
                wanted |= set(operation.inputs)
        return needed


_NO_REF = Ref("value", "")


def _autocast(made: list[Tensor]) -> torch.dtype | None:
    kind = made[0].device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
