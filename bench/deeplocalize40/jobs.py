"""One run of a tool on a program, and many of them: by processes of this machine, or as Ray tasks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

from bench.deeplocalize40.facts import cases
from bench.deeplocalize40.process import Limits, stopping
from bench.deeplocalize40.programs import write
from bench.deeplocalize40.tools import ROOT, TRACE, judge


class Job(NamedTuple):
    """A run that is wanted. Plain values only, so that it can be sent to another machine. `trace` is where ours is kept."""

    case: str
    version: str
    run: str
    backend: str
    seed: int
    files: str | None
    seconds: float
    megabytes: float
    trace: str | None = None


Record = dict[str, Any]


def do(job: Job) -> Record:
    """Generate the program in a folder of its own, and run the tool on it."""
    try:
        with tempfile.TemporaryDirectory(prefix="deeplocalize40-") as folder:
            files = Path(job.files) if job.files else None
            write(cases()[job.case], job.version, Path(folder), job.seed, files)
            record = judge(job.run, Path(folder), job.backend, Limits(job.seconds, job.megabytes))
            if job.trace and (Path(folder) / TRACE).exists():
                Path(job.trace).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(Path(folder) / TRACE, job.trace)
            return record
    except Exception as error:
        return {"how": "failed", "status": None, "seconds": 0.0, "errors": repr(error)[:500], "answer": None}


def do_here(jobs: Sequence[Job], at_once: int) -> Iterator[tuple[Job, Record]]:
    """Do jobs in processes of this machine, so many at a time, and yield each as it is finished.

    If the caller stops, by Ctrl-C for one, the processes that are still running are ended.
    """
    left = iter(jobs)
    stopping.clear()
    with ThreadPoolExecutor(at_once) as pool:
        running: dict[Future[Record], Job] = {}
        try:
            for job in left:
                running[pool.submit(do, job)] = job
                if len(running) >= at_once:
                    yield from _finished(running)
            while running:
                yield from _finished(running)
        finally:
            stopping.set()


def _finished(running: dict[Future[Record], Job]) -> Iterator[tuple[Job, Record]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()


def do_on_ray(jobs: Sequence[Job], at_once: int, task: Callable[[Job], Record] = do) -> Iterator[tuple[Job, Record]]:
    """Do jobs as Ray tasks of one CPU each: on the cluster that RAY_ADDRESS names, or else so many at a time here.

    The machines of a cluster need the project at the same place as this one.

    Raises:
        ImportError: Ray is not installed.
    """
    import ray

    here = None if os.environ.get("RAY_ADDRESS") else at_once
    path = os.pathsep.join(each for each in (str(ROOT), os.environ.get("PYTHONPATH")) if each)
    ray.init(
        num_cpus=here, log_to_driver=False, include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": path}}
    )
    try:
        remote = ray.remote(num_cpus=1, max_retries=0)(task)
        running = {remote.remote(job): job for job in jobs}
        while running:
            done, _ = ray.wait(list(running))
            for each in done:
                yield running.pop(each), ray.get(each)
    finally:
        ray.shutdown()
