import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits.py"


def report_on(script, directory):
    """The report on a script, run in a directory of its own."""
    output = directory / "report.json"
    command = [sys.executable, "-m", "deeplocalize", "run", "--format", "json", "--output", output, script]
    subprocess.run(command, cwd=directory, capture_output=True, timeout=120)
    return json.loads(output.read_text())


def test_the_demo_names_the_faulty_layer_and_line_and_nothing_else(tmp_path):
    report = report_on(EXAMPLE, tmp_path)
    (cause,) = report["causes"]
    faulty = [number for number, text in enumerate(EXAMPLE.read_text().splitlines(), 1) if "nn.Softmax" in text]
    assert cause["locus"]["kind"] == "activation-output"
    assert cause["locus"]["layer"]["name"] == "output"
    assert [cause["locus"]["source"]["line"]] == faulty


def test_the_demo_is_healthy_without_its_fault(tmp_path):
    (tmp_path / "fixed.py").write_text(EXAMPLE.read_text().replace("nn.Softmax(dim=1)", "nn.Identity()"))
    report = report_on(tmp_path / "fixed.py", tmp_path)
    assert (report["verdict"], report["causes"]) == ("healthy", [])
