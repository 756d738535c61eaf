"""Run many programs under watch, each in a process of its own that has its framework imported already.

Importing a framework costs more than training a small network. So a process imports it once, and then forks itself for
every program. The fork becomes the program: it is watched as under `deeplocalize run`, and it ends as Python ends.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

_COMMON = ("sklearn.datasets", "sklearn.metrics", "sklearn.model_selection", "sklearn.preprocessing")
_TORCH = ("torch", "torch._dynamo", "torch._inductor", "deeplocalize.frameworks.torch.probe")
IMPORTS = {
    "torch": (*_TORCH, *_COMMON),
    "keras-tensorflow": ("keras", "deeplocalize.frameworks.keras.probe", *_COMMON),
    "keras-jax": ("keras", "deeplocalize.frameworks.keras.probe", *_COMMON),
    "keras-torch": ("keras", "deeplocalize.frameworks.keras.probe", *_TORCH, *_COMMON),
}

# One thread for each program: how many a machine has then changes neither results nor, with several jobs, the speed.
_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class Ended(NamedTuple):
    """How a program ended: its exit status (negative: the signal that ended it) and what it printed."""

    status: int
    output: str
    errors: str


class WarmProcess:
    """A process that has a backend's framework imported and runs programs one after the other."""

    def __init__(self, backend: str) -> None:
        environment = os.environ | _SETTINGS | {"KERAS_BACKEND": backend.removeprefix("keras-")}
        command = [sys.executable, __file__, *IMPORTS[backend]]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)

    def run(self, script: Path, folder: Path, seconds: int = 120) -> Ended:
        """Run a script under watch for so many seconds at most; its trace and its output are left in `folder`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        job = {"script": str(script), "folder": str(folder), "seconds": seconds}
        print(json.dumps(job), file=self._process.stdin, flush=True)
        status = int(self._process.stdout.readline())
        return Ended(status, (folder / "stdout").read_text("utf-8", "replace"), (folder / "stderr").read_text())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _serve() -> dict[str, Any] | None:
    """Fork for each job on stdin. Returns the job in the fork, None in the server when there are no more."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            job: dict[str, Any] = json.loads(line)
            return job
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return None


def _become(job: dict[str, Any]) -> None:
    """Be the program from here on."""
    from deeplocalize.watch import ProcessWatch

    folder = Path(job["folder"])
    signal.alarm(job["seconds"])
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(folder)
    sys.argv[:] = [job["script"]]
    sys.path[0] = os.path.dirname(job["script"])
    ProcessWatch(str(folder / "trace")).begin()
    runpy.run_path(job["script"], run_name="__main__")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        importlib.import_module(name)
    gc.freeze()  # or each program's collections would visit, and so copy, all that was imported
    if (job := _serve()) is not None:
        _become(job)
