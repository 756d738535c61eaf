"""Every rule has its programs, every program its facts, and the tool is right about all of them."""

import difflib
import json
import math
import subprocess
import sys
import tomllib

import pytest

from bench.corpus import BACKENDS, KERAS, ROOT, folders, is_as_measured, mistakes, programs
from bench.faults import run
from deeplocalize.findings import LOCUS_KINDS
from deeplocalize.rules import all_rules

IN_PYTORCH_ALONE = {
    "evaluation-in-training-mode",
    "backward-twice",
    "accumulation-not-averaged",
    "batch-axis-read-as-time",
    "clipping-has-no-effect",
    "gradients-thrown-away",
    "graph-kept-across-steps",
    "kept-weights-not-copied",
    "same-batch-from-every-worker",
    "shapes-broadcast-in-loss",
}
"""Faults that Keras does not let its user write: it clears and computes gradients, copies weights that it hands out, and fits
shapes by itself, unless a train step or an object of the user's own is in the way. Its recurrent and attention layers have one
order of axes. Its `PyDataset` may be loaded by several processes, but whichever is free takes the next batch, and how many there
are is not recorded."""

MOST_CHANGED_LINES = 5
"""On either side. Two lines say it in most pairs; going from one unit to three touches data, layer, loss and answer."""

PROGRAMS = programs()
PAIRS = [(program.path, program.path.with_name("fixed.py")) for program in PROGRAMS if program.fault]


def runs():
    """Each program once; the Keras programs take turns at the backends, a mended program on the next one."""
    turn = 0
    for program in PROGRAMS:
        turn += program.backends != ("torch",)
        yield program, program.backends[turn % len(program.backends)]


RUNS = sorted(runs(), key=lambda each: BACKENDS.index(each[1]))


@pytest.mark.corpus
@pytest.mark.parametrize(("program", "backend"), RUNS, ids=[f"{program}-{backend}" for program, backend in RUNS])
def test_the_diagnosis_is_right(program, backend, processes):
    outcome = run(program, backend, processes[backend])
    assert not outcome.wrong
    assert is_as_measured(program, outcome.result), f"{program.metric}: {outcome.result}, not {program.result}"


@pytest.mark.parametrize(("name", "status"), [("buggy", 1), ("fixed", 0)])
def test_the_command_says_the_same(name, status, tmp_path):
    program = next(each for each in PROGRAMS if str(each) == f"softmax-on-one-unit/torch/{name}")
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "deeplocalize", "run", "--format", "json", "--output", str(report)]
    command += ["--trace", str(tmp_path / "run.trace"), str(program.path)]
    assert subprocess.run(command, capture_output=True, cwd=tmp_path).returncode == status
    assert not mistakes(program, json.loads(report.read_text()))


def test_every_rule_has_its_programs():
    missing = sorted({rule.name for rule in all_rules()} - {folder.name for folder in folders()})
    assert not missing, f"write faults/NAME/fault.toml and its buggy and fixed programs for {', '.join(missing)}"


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_a_fault_toml_is_well_formed(folder):
    facts = tomllib.loads((folder / "fault.toml").read_text())
    tables = {name: table for name, table in facts.items() if isinstance(table, dict)}
    assert facts.keys() - tables.keys() == {"rule", "symptom"}
    assert facts["rule"] == folder.name in {rule.name for rule in all_rules()}
    assert facts["symptom"].endswith(".")
    assert tables.keys() == {path.name for path in folder.iterdir() if path.is_dir()}
    frameworks = {name.split("-")[0] for name in tables}
    assert frameworks == ({"torch"} if folder.name in IN_PYTORCH_ALONE else {"torch", "keras"})
    for table in tables.values():
        assert table.keys() - {"backends", "layer"} == {"kind", "line", "metric", "buggy", "fixed"}


@pytest.mark.parametrize("program", [each for each in PROGRAMS if each.fault], ids=str)
def test_the_place_of_a_fault_is_in_the_program(program):
    assert set(program.fault.kinds) <= set(LOCUS_KINDS)
    assert set(program.backends) <= {"torch", *KERAS}
    lines = program.path.read_text().splitlines()
    assert {text: sum(text in line for line in lines) for text in program.fault.lines} == dict.fromkeys(
        program.fault.lines, 1
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_program_that_is_right_was_seen_to_learn(program):
    if program.fault:
        assert program.result != program.other
    else:
        assert program.result is not None and math.isfinite(program.result)


@pytest.mark.parametrize(("buggy", "fixed"), PAIRS, ids=[str(buggy.parent.relative_to(ROOT)) for buggy, _ in PAIRS])
def test_buggy_and_fixed_differ_in_few_lines(buggy, fixed):
    changes = list(difflib.ndiff(buggy.read_text().splitlines(), fixed.read_text().splitlines()))
    for side in "-+":
        assert sum(line.startswith(side) for line in changes) <= MOST_CHANGED_LINES
    assert any(line[0] in "-+" for line in changes)


def test_every_file_is_a_program_of_the_corpus():
    assert {program.path for program in PROGRAMS} == set(ROOT.rglob("*.py"))
    assert len(PROGRAMS) == len({str(program) for program in PROGRAMS})
