"""A command in a process group of its own, with a limit on its time and on the memory of the whole group."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}
"""One thread for each process: how many cores a machine has then changes neither results nor, with several jobs, speed."""

POLL_SECONDS = 0.2

stopping = threading.Event()
"""Set when the benchmark is interrupted: every command that is running is ended."""


class Limits(NamedTuple):
    """What a command may use."""

    seconds: float = 300
    megabytes: float = 6000


class Ended(NamedTuple):
    """How a command ended: `ok`, `failed`, `timeout`, `out-of-memory` or `interrupted`; its exit status; seconds; the end of stderr."""

    how: str
    status: int
    seconds: float
    errors: str


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], limits: Limits, fine: Sequence[int] = (0,)
) -> Ended:
    """Run a command in a folder, where its output is left in `stdout` and `stderr`.

    An address-space limit would be of no use, as TensorFlow reserves far more than it touches; so the resident memory of
    the group is polled. Exit statuses in `fine` are `ok`.
    """
    began = time.monotonic()
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            start_new_session=True,
        )
        try:
            how = _watched(process, began, limits)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    how = how or ("ok" if process.returncode in fine else "failed")
    text = (folder / "stderr").read_text("utf-8", "replace")
    return Ended(how, process.returncode, time.monotonic() - began, text[-500:])


def _watched(process: subprocess.Popen[bytes], began: float, limits: Limits) -> str | None:
    """Wait for the end. Returns the limit that was broken, None if none was."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
            return None
        if time.monotonic() - began > limits.seconds:
            return "timeout"
        if stopping.is_set():
            return "interrupted"
        if resident_megabytes(process.pid) > limits.megabytes:
            return "out-of-memory"


def resident_megabytes(group: int) -> float:
    """Resident memory of all processes of a group; 0 where the system does not say (it is Linux's /proc)."""
    pages = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            if int(fields[2]) == group:
                pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6 if pages else 0.0
