"""The trainings of a process: which optimizers and models belong together, from when and until when.

A training begins with the first step of an optimizer. Another optimizer that is built for the same models once it has
begun ends it and begins a new one: first pretrained, then fine-tuned. Only an optimizer that is built anew by the same
call for the same parameters, as in every round of a loop, goes on where the one before it stopped; and so does a model that
the same call built in place of one that is gone after a single step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from deeplocalize.frameworks.session import Session
from deeplocalize.frameworks.source import CallSite, functions_running
from deeplocalize.frameworks.torch.loaders import Handed
from deeplocalize.frameworks.torch.models import Model
from deeplocalize.frameworks.torch.optimizers import Owned
from deeplocalize.frameworks.torch.parameters import held_by
from deeplocalize.frameworks.torch.scaling import Scalers, Slopes
from deeplocalize.frameworks.torch.training import Backward, Training
from deeplocalize.frameworks.torch.wrap import Sites

RECENT = 64
"""Backward passes remembered while it is not known yet to which training they belong."""

MAX_PRELUDE = 24

MOST_BRIEF = 4
"""Trainings of a single step that may be continued by models that are built anew, for different lines that build some."""


class Trainings:
    """The trainings that are going on, and what happened that belongs to none of them yet.

    Attributes:
        live: the trainings that have not ended.
        scalers: what scales losses.
    """

    def __init__(
        self, session: Session, versions: dict[str, str], sites: Sites, models: Callable[[], list[Model]]
    ) -> None:
        self.live: list[Training] = []
        self._session = session
        self._versions = versions
        self._sites = sites
        self._models = models
        self._optimizers: list[Owned] = []
        self._events = ""
        self._sources: dict[str, CallSite] = {}
        self._recent: list[Backward] = []
        self._cleared: list[Backward] = []
        self.scalers = Scalers(sites, self._skipped)
        self._slopes = Slopes()
        self._looked_at: Training | None = None

    # ---- which training ---------------------------------------------------------------------------------------

    def of(self, models: Iterable[Model]) -> list[Training]:
        """The trainings of any of these models."""
        return [training for training in self.live if any(model in training.models for model in models)]

    def of_backward(self, models: Sequence[Model]) -> list[Training]:
        """The trainings that a backward pass belongs to which reaches these models; if none, those of loose tensors."""
        return self.of(models) if models else [training for training in self.live if training.loose]

    def trains_loose_tensors(self) -> bool:
        """True if an optimizer holds parameters, and none of any model."""
        alive = [each for known in self._optimizers if (each := known.reference()) is not None]
        models = self._models()
        return any(not any(held_by(each) & model.all_parameter_ids() for model in models) for each in alive)

    def of_optimizer(self, optimizer: torch.optim.Optimizer) -> Training:
        """The training that an optimizer belongs to; its first step begins one."""
        return next((each for each in self.live if each.owns(optimizer)), None) or self._begin(optimizer)

    def optimizer_built(self, optimizer: torch.optim.Optimizer) -> list[Model]:
        """An optimizer was built. Returns the models of the trainings that it ends."""
        self._optimizers = [each for each in self._optimizers if each.reference() is not None]
        if any(each.reference() is optimizer for each in self._optimizers):
            return []
        known = Owned.of(optimizer, self._sites.of(optimizer), frozenset(held_by(optimizer)))
        self._optimizers.append(known)
        ended = [each for each in self.live if each.step and self._is_replaced(each, known)]
        for training in ended:
            self._end(training)
        for training in self.live:
            training.loop.rebuilt_optimizers += training.step and any(
                each.is_continued_by(known.site, known.parameters) for each in training.optimizers
            )
        return [model for training in ended for model in training.models]

    def _is_replaced(self, training: Training, new: Owned) -> bool:
        """True if the new optimizer takes over models of the training, for something else than more of the same."""
        if not any(new.parameters & model.all_parameter_ids() for model in training.models):
            return False
        return not any(each.is_continued_by(new.site, new.parameters) for each in training.optimizers)

    def _end_those_gone(self, begun: Training) -> None:
        """End the trainings of which nothing is left; a few brief ones may still be continued."""
        gone = [each for each in self.live if each is not begun and each.is_gone]
        brief = [each for each in gone if each.was_brief][-MOST_BRIEF:]
        for training in gone:
            if training not in brief:
                self._end(training)

    def _end(self, training: Training) -> None:
        training.finish("completed")
        self.live.remove(training)
        self._optimizers = [
            each for each in self._optimizers if (alive := each.reference()) is None or not training.owns(alive)
        ]

    def model_found(self, model: Model) -> None:
        """A model was called for the first time; its parameters may be in training already, as parts of others."""
        for training in self.live:
            if any(held_by(optimizer) & model.parameter_ids for optimizer in training.live_optimizers()):
                training.models = [each for each in training.models if not each.parameter_ids <= model.parameter_ids]
                training.add_model(model)

    def model_grown(self, model: Model) -> None:
        """A model has layers that it did not have before."""
        for training in self.of([model]):
            training.add_model(model)

    def _begin(self, optimizer: torch.optim.Optimizer) -> Training:
        held = held_by(optimizer)
        models = [model for model in self._models() if held & model.parameter_ids]
        taken = {id(model) for training in self.live for model in training.models}
        loose = not models
        if loose:  # an optimizer over parameters of no model: it belongs to what could be trained meanwhile
            models = [model for model in self._models() if model.ran and model.trainable and id(model) not in taken]
        training = next(iter(self.of(models)), None) or self._continued(models) or self._new(models, loose)
        self._end_those_gone(training)
        for model in models:
            training.add_model(model)
        self._add_optimizer(training, optimizer)
        for other in self._optimizers_of(models):
            self._add_optimizer(training, other)
        training.take_batch_size()
        return training

    def _new(self, models: list[Model], loose: bool = False) -> Training:
        training = Training(self._session, self._versions, loose)
        self.live.append(training)
        self._hand_over(training, models)
        return training

    def _continued(self, models: list[Model]) -> Training | None:
        """The training that these models go on with, as they were built in place of its own."""
        training = next((each for each in self.live if each.is_continued_by(models)), None)
        if training is not None:
            root = models[0].root
            built = self._sites.within(root, functions_running()) if root is not None else None
            self._sites.looks_around = True
            training.continue_with(models, built or models[0].site)
            self._hand_over(training, models)
        return training

    def _hand_over(self, training: Training, models: list[Model]) -> None:
        """Give a training what happened before it was known to be concerned."""
        loose = [each for each in self._recent if training.loose and not each.models]
        training.backwards = loose or [each for each in self._recent if any(model in models for model in each.models)]
        training.cleared_backwards, self._cleared = self._cleared, []
        training.events, self._events = self._events, ""
        training.calls, self._sources = self._sources | training.calls, {}

    def _add_optimizer(self, training: Training, optimizer: torch.optim.Optimizer) -> None:
        known = next((each for each in self._optimizers if each.reference() is optimizer), None)
        built_with = known.parameters if known else frozenset(held_by(optimizer))
        if not training.owns(optimizer):
            training.scaled.append(self.scalers.of(optimizer))
        training.add_optimizer(optimizer, self._sites.of(optimizer), built_with)

    def _optimizers_of(self, models: Iterable[Model]) -> list[torch.optim.Optimizer]:
        alive = [each for known in self._optimizers if (each := known.reference()) is not None]
        return [each for each in alive if any(held_by(each) & model.parameter_ids for model in models)]

    def never_stepped(self) -> list[Training]:
        """Trainings of models whose gradient was computed again and again, which no optimizer that holds them applied."""
        models = [model for model in self._models() if model.backwards and not self.of([model])]
        held = [model for model in models if self._optimizers_of([model]) and model.unapplied()]
        return [self._unstepped(held)] if held else []

    def _unstepped(self, models: list[Model]) -> Training:
        training = self._new(models)
        training.unapplied = max((model.unapplied() for model in models), default=0)
        for model in models:
            training.add_model(model)
        for optimizer in self._optimizers_of(models):
            self._add_optimizer(training, optimizer)
        training.take_readings()
        return training

    def of_crash(self) -> list[Training]:
        """The trainings that were going on when the program crashed; one is begun if it came before any step.

        They are no longer among those that are live.
        """
        models = [model for model in self._models() if model.ran] or self._models()
        found = self.of(models)
        if not found and models and torch.is_grad_enabled():
            found = [self._unstepped(models)]
        self.live = [each for each in self.live if each not in found]
        return found

    # ---- what happened ----------------------------------------------------------------------------------------

    def event(self, letter: str, models: Iterable[Model]) -> None:
        """Note an event of the loop, for the trainings of these models or for one that is to begin."""
        self._tell(letter, self.of(models))

    def _tell(self, letter: str, trainings: Sequence[Training]) -> None:
        for training in trainings:
            training.event(letter)
        if not trainings:
            self._events = (self._events + letter)[-MAX_PRELUDE:]

    def stepped(self, optimizer: torch.optim.Optimizer) -> Training:
        """An optimizer takes a step. Returns the training it belongs to."""
        self.scalers.stepped()
        stepping = self.of_optimizer(optimizer)
        for training in self.live:
            if training is not stepping:
                training.loop.unused.forget()
        return stepping

    def _skipped(self, optimizer: torch.optim.Optimizer, site: CallSite | None) -> None:
        """A step was skipped, since the scaled gradient is not finite; it begins a training all the same."""
        training = self.of_optimizer(optimizer)
        self.remember("step", site, [training])
        training.skipped(self.scalers.of(optimizer).skipped)

    def look_at_slopes(
        self, root: Tensor, reached: Sequence[Model], trainings: Iterable[Training], site: CallSite | None
    ) -> None:
        """A backward pass begins. Where one step after the other was skipped, look for the reason in it."""
        for training in trainings:
            if training.origin is None and any(scaled.is_due() for scaled in training.scaled):
                self._looked_at = training
                self._slopes.watch(root, reached, site, training.calls.get("loss"))

    def backward_ended(self) -> None:
        """A backward pass is over."""
        for training in self.live:
            training.loop.unused.computed(training.live_optimizers)
        found, training = self._slopes.found(), self._looked_at
        if found is not None and training is not None:
            training.origin = dataclasses.replace(found, step=training.step)

    def remember(self, what: str, site: CallSite | None, trainings: Iterable[Training]) -> None:
        """Remember the first call of a kind in each of these trainings, or for one that is to begin."""
        if site is None:
            return
        for calls in [training.calls for training in trainings] or [self._sources]:
            calls.setdefault(what, site)

    def backward(self, backward: Backward) -> None:
        """A backward pass begins."""
        self._recent = [*self._recent[-RECENT:], backward]
        for model in backward.models:
            model.went_backward()
        trainings = self.of_backward(backward.models)
        for training in trainings:
            training.backwards.append(backward)
            for model in training.unheld.found(backward.models, training.models, training.optimizers):
                training.add_model(model)
        self._tell("b", trainings)

    def owners(self, optimizer: Any) -> list[Training]:
        """The live trainings that an optimizer belongs to."""
        return [training for training in self.live if training.owns(optimizer)]

    def cleared(self, optimizer: torch.optim.Optimizer) -> list[Training]:
        """An optimizer cleared its gradients. Returns the trainings it belongs to."""
        owners = self.owners(optimizer)
        for training in owners:
            training.close_open_step()
            training.event("z")
        if not owners:
            self._events = (self._events + "z")[-MAX_PRELUDE:]
            held = held_by(optimizer)
            cleared = [each for each in self._recent if any(held & model.parameter_ids for model in each.models)]
            self._recent = [each for each in self._recent if each not in cleared]
            self._cleared = cleared or self._cleared
        return owners

    def handed_out(self, handed: Handed) -> None:
        """A data loader handed out a batch. Whose it is, the steps that come after it show."""
        for training in self.live:
            training.feed.take(handed)

    def weights_saved(self, module: torch.nn.Module, *_: Any, **__: Any) -> None:
        """The state of a module was handed out: it may be kept."""
        for model in self._models():
            if model.root is module:
                model.evaluations.saved()

    def restored(self, *_: Any, **__: Any) -> None:
        """Weights, or what an optimizer or a scheduler had gathered, were loaded."""
        for training in self.live:
            training.loop.restored = True

    def weights_copied(self, module: torch.nn.Module, *_: Any, **__: Any) -> None:
        """A module was made out of the state of another of its type."""
        for model in self._models():
            if type(model.root) is type(module):
                model.evaluations.saved()

    def close_open_steps(self) -> None:
        """Finish steps of several optimizers, now that the next has begun."""
        for training in self.live:
            training.close_open_step()
