import os
import subprocess
import sys
from pathlib import Path

import pytest

STAND_IN = Path(__file__).parent / "stand_in"


class Shell:
    """A directory with a script in it, in which commands are run as a user would."""

    def __init__(self, directory):
        self.directory = directory
        (directory / "tmp").mkdir()
        (directory / "work").mkdir()
        self.work = directory / "work"
        self.env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
        path = os.pathsep.join(filter(None, [str(STAND_IN), os.environ.get("PYTHONPATH")]))
        self.env |= {"PYTHONPATH": path, "TMPDIR": str(directory / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}

    def write(self, source, name="train.py"):
        (self.work / name).write_text(source)

    def python(self, *arguments, **options):
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.work, env=self.env, capture_output=True, timeout=60, **options
        )

    def deeplocalize(self, *arguments, **options):
        return self.python("-m", "deeplocalize", *arguments, **options)

    def start(self, *arguments, **options):
        """Start in a session of its own, as a program without a terminal is."""
        command = [sys.executable, "-m", "deeplocalize", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.work, env=self.env, stdout=pipe, stderr=pipe, text=True, start_new_session=True, **options
        )


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)
