"""Do the facts' assessments hold today? Trains both versions of every case, without any tool, over several seeds.

What is measured is written to assessment.json: the quality of both versions, whether the repaired one measurably trains
well, the class by the facts, the class by the measurement and why it differs, and, from paired trainings of single
changes, the loci where the buggy program can be mended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.deeplocalize40.changes import Change, changes, pairs
from bench.deeplocalize40.data import recipe_of
from bench.deeplocalize40.facts import HERE, VERSIONS, Case, cases
from bench.deeplocalize40.process import ENVIRONMENT
from bench.deeplocalize40.programs import program_hash, write
from bench.deeplocalize40.quality import NO_WORSE, Quality, is_cure, mean_skill, trains_well
from bench.deeplocalize40.scoring import NO_FAULT, NOT_THE_CURE, REAL

ROOT = HERE.parents[1]
RESULT = HERE / "assessment.json"
CHANGES_ON = "jax"
"""The backend of the single changes, on which small nets train several times faster than on TensorFlow."""

BEST = 3
"""So many of the best single changes are tried together with every other."""


class Trainer:
    """A process that trains the scripts of a case; see trainings.py."""

    def __init__(self, backend: str, folder: Path, files: Path | None) -> None:
        command = [sys.executable, "-m", "bench.deeplocalize40.trainings"]
        environment = os.environ | ENVIRONMENT | {"KERAS_BACKEND": backend}
        pipe = subprocess.PIPE
        errors = (folder / "stderr").open("w")
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=errors, text=True
        )
        self._folder, self._files, self._count = folder, files, 0

    def run(self, case: Case, version: str, seeds: Iterable[int]) -> list[dict[str, Any]]:
        """Train a version with each seed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        results = []
        for seed in seeds:
            self._count += 1
            folder = self._folder / str(self._count)
            write(case, version, folder, seed, self._files)
            identity = version == "fixed" and recipe_of(case).targets == 'data["x_train"]'
            job = {"script": str(folder / "train.py"), "task": case["task"], "identity": identity}
            print(json.dumps(job), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
            results.append({"seed": seed} | (json.loads(line) if line else {"error": "the process died"}))
            for path in folder.iterdir():
                path.unlink()
        return results

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def qualities(runs: list[dict[str, Any]]) -> list[Quality]:
    """The qualities of runs; one that failed counts as a constant answer."""
    failed = Quality(float("nan"), float("nan"), None, None, 0.0)
    return [Quality(**run["quality"]) if "quality" in run else failed for run in runs]


def train_versions(case: Case, backend: str, seeds: int, files: Path | None, old: dict[str, Any]) -> dict[str, Any]:
    """Train both versions of a case with each seed, unless that is known."""
    found = _started(case, backend, files, old)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(backend, Path(folder), files)
        for version in VERSIONS:
            found[version] = found.get(version) or trainer.run(case, version, range(seeds))
        trainer.close()
    return found


def try_changes(case: Case, backend: str, seeds: int, files: Path | None, old: dict[str, Any]) -> dict[str, Any]:
    """Train the buggy version with each seed, and with the changes that may cure it, unless that is known."""
    found = _started(case, backend, files, old)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(backend, Path(folder), files)
        found["buggy"] = found.get("buggy") or trainer.run(case, "buggy", range(seeds))
        if "tried" not in found:
            found["tried"] = _changes_tried(case, trainer, found["buggy"], seeds)
        trainer.close()
    return found


def _changes_tried(case: Case, trainer: Trainer, buggy: list[dict[str, Any]], seeds: int) -> list[dict[str, Any]]:
    """Single changes, if there is anything to cure; pairs of them, if by the facts the declared fix is not the cure."""
    if trains_well(qualities(buggy)):
        return []
    single = list(changes(case))
    tried = [_tried((change,), trainer, buggy, seeds) for change in single]
    if case["assessment"]["class"] != NOT_THE_CURE or any(each["cures"] for each in tried):
        return tried
    skills = [mean_skill(qualities(each["runs"][:1])) for each in tried]
    best = sorted(range(len(single)), key=lambda place: -skills[place])[:BEST]
    return tried + [_tried(pair, trainer, buggy, seeds) for pair in pairs(case, [single[place] for place in best])]


def _started(case: Case, backend: str, files: Path | None, old: dict[str, Any]) -> dict[str, Any]:
    """What is known already, if it was measured on the same programs and backend."""
    programs = [program_hash(case, version, 0, files) for version in VERSIONS]
    return (
        old
        if (old.get("programs"), old.get("backend")) == (programs, backend)
        else {"programs": programs, "backend": backend}
    )


def _tried(made: tuple[Change, ...], trainer: Trainer, buggy: list[dict[str, Any]], seeds: int) -> dict[str, Any]:
    """Train with changes made; with the later seeds only if the first shows promise."""
    changed = made[-1].case
    runs = trainer.run(changed, "buggy", range(1))
    if qualities(runs)[0].is_good:
        runs += trainer.run(changed, "buggy", range(1, seeds))
    cure = len(runs) == seeds and is_cure(qualities(runs), qualities(buggy))
    return {"changes": [_said(change) for change in made], "cures": cure, "runs": runs}


def _said(change: Change) -> dict[str, Any]:
    return {"kind": change.kind, "layer": change.layer, "what": change.what, "declared": change.declared}


def _loci(cures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The places of all changes that cure, alone or two together, each once, with all that was done there."""
    found: dict[tuple[str, int | None], dict[str, Any]] = {}
    for cure in cures:
        for change in cure["changes"]:
            others = [each["what"] for each in cure["changes"] if each is not change]
            what = " with ".join([change["what"], *others])
            place = (change["kind"], change["layer"])
            entry = found.setdefault(place, {"kind": place[0], "layer": place[1], "what": [], "declared": False})
            entry["what"].append(what)
            entry["declared"] |= change["declared"]
    return list(found.values())


def judged(case: Case, found: dict[str, Any]) -> dict[str, Any]:
    """What follows from the measurements of a case."""
    buggy, fixed = (qualities(found["versions"][version]) for version in VERSIONS)
    cures = _loci([each for each in found["changes"]["tried"] if each["cures"]])
    measured, why = _classed(case["assessment"]["class"], buggy, fixed, cures)
    return {
        "class_by_facts": case["assessment"]["class"],
        "class": measured,
        "reason": why,
        "buggy_skill": round(mean_skill(buggy), 3),
        "fixed_skill": round(mean_skill(fixed), 3),
        "buggy_trains_well": trains_well(buggy),
        "fixed_trains_well": trains_well(fixed, buggy),
        "cures": cures,
    }


def _classed(facts: str, buggy: list[Quality], fixed: list[Quality], cures: list[dict[str, Any]]) -> tuple[str, str]:
    """The class by the measurement, and why it is that of the facts or another one.

    A program that trains well in every seed and is not made better by its repair has no fault. One that is said to have
    none, does not train well and can be cured has one. Nothing else is changed.
    """
    skills = f"skill {mean_skill(buggy):.2f} before and {mean_skill(fixed):.2f} after the repair"
    if facts in (REAL, NOT_THE_CURE) and trains_well(buggy) and mean_skill(buggy) >= mean_skill(fixed) - NO_WORSE:
        return NO_FAULT, f"the buggy program trains well in every seed, and its repair makes it no better: {skills}"
    if facts == NO_FAULT and not trains_well(buggy) and cures:
        names = ", ".join(what for each in cures for what in each["what"])
        return NOT_THE_CURE, f"the buggy program does not train well ({skills}), and is cured by: {names}"
    if facts == REAL and not trains_well(fixed, buggy):
        return facts, f"as in the facts, although the repaired program does not train well in every seed: {skills}"
    return facts, "as in the facts"


def assess_all(chosen: Iterable[str], backend: str, seeds: int, files: Path | None) -> Iterator[str]:
    """Assess cases, each written as soon as it is known; yields a line for each."""
    for name in chosen:
        case = cases()[name]
        old = (json.loads(RESULT.read_text()) if RESULT.exists() else {}).get(name, {}).get("measured", {})
        versions = train_versions(case, backend, seeds, files, old.get("versions", {}))
        # Trainings of the buggy version on the same backend need not be done twice; `_started` looks at the backend.
        known = old.get("changes") or {key: value for key, value in versions.items() if key != "fixed"}
        tried = try_changes(case, CHANGES_ON, seeds, files, known)
        own = keep(name, {"versions": versions, "changes": tried})
        good = "well" if own["fixed_trains_well"] else "not well"
        yield (
            f"{name}: skill {own['buggy_skill']} -> {own['fixed_skill']}, repaired trains {good}; {own['class']}; "
            f"cured by {[(each['kind'], each['layer'], each['what']) for each in own['cures']]}"
        )


def keep(name: str, measured: dict[str, Any]) -> dict[str, Any]:
    """Write what was measured of a case, and what follows from it, into assessment.json."""
    whole = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    whole[name] = judged(cases()[name], measured) | {"measured": measured}
    scratch = RESULT.with_suffix(".tmp")
    scratch.write_text(json.dumps({each: whole[each] for each in cases() if each in whole}, indent=1) + "\n")
    scratch.replace(RESULT)
    return whole[name]
