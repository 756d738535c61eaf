import subprocess
import sys

SCRIPT = """
from deeplocalize.frameworks.session import Session
from deeplocalize.trace import TraceLog

def hook():
    {error}

hook = Session(TraceLog()).contained("hook")(hook)

def step():
    hook()

step()
"""


def shown(directory, error):
    """What Python shows of a script whose hook raises."""
    (directory / "train.py").write_text(SCRIPT.format(error=error))
    return subprocess.run(
        [sys.executable, "train.py"], cwd=directory, capture_output=True, text=True, timeout=60
    ).stderr


def test_an_exception_in_a_hook_of_ours_is_not_shown(tmp_path):
    assert shown(tmp_path, "raise ValueError") == ""


def test_an_interrupt_in_a_hook_of_ours_ends_the_program_with_the_users_frames_alone(tmp_path):
    traceback = shown(tmp_path, "raise KeyboardInterrupt")
    assert traceback.endswith("KeyboardInterrupt\n")
    assert "in step" in traceback
    assert "session.py" not in traceback
