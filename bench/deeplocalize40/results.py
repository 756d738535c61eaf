"""Finished results, one a line, appended the moment they are known: an interruption loses none, a second call resumes."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from bench.deeplocalize40.facts import HERE, Case
from bench.deeplocalize40.programs import hash_of, program_hash
from bench.deeplocalize40.tools import RUNS

VERSION = 1
RESULTS = HERE.parent / "results" / "deeplocalize40.jsonl"
Record = dict[str, Any]


class Key(NamedTuple):
    """Everything that determines a result."""

    case: str
    version: str
    run: str
    backend: str
    seed: int
    program: str
    tool: str


class Store:
    """The file of results."""

    def __init__(self, path: Path = RESULTS) -> None:
        """Read what is there. A file of another version is moved aside, with `notice` saying so."""
        self.path = path
        self.notice: str | None = None
        self._records: dict[Key, Record] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self._read()
        if not path.exists():
            path.write_text(json.dumps({"version": VERSION}) + "\n")

    def _read(self) -> None:
        head, *lines = self.path.read_text("utf-8", "replace").splitlines() or [""]
        found = _parsed(head) or {}
        if found.get("version") != VERSION:
            aside = next(
                place for number in range(1, 10_000) if not (place := self.path.with_suffix(f".old{number}")).exists()
            )
            self.path.rename(aside)
            self.notice = (
                f"{self.path} has version {found.get('version', 'none')} of the results, expected {VERSION}: "
                f"it is kept as {aside.name}, and everything runs again"
            )
            return
        for line in lines:
            if (record := _parsed(line)) and "key" in record:
                self._records[Key(*record["key"])] = record

    def get(self, key: Key) -> Record | None:
        """The finished result of a key."""
        return self._records.get(key)

    def add(self, key: Key, record: Record) -> None:
        """Keep a result, in memory and on the disk."""
        record = {"key": list(key)} | record
        # A line that a kill has cut off stays a line of its own. One write, so that two commands may run side by side.
        whole = f"{'' if self._ends_well() else chr(10)}{json.dumps(record)}\n".encode()
        with self.path.open("ab", buffering=0) as file:
            file.write(whole)
            os.fsync(file.fileno())
        self._records[key] = record

    def _ends_well(self) -> bool:
        with self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return True
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"


def _parsed(line: str) -> Record | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def key_of(case: Case, version: str, run: str, backend: str, seed: int, files: Path | None) -> Key:
    """The key of a result that is wanted now."""
    return Key(case["id"], version, run, backend, seed, program_hash(case, version, seed, files), _tool(run))


@functools.cache
def _tool(run: str) -> str:
    return hash_of(
        part
        for source in RUNS[run].sources
        for path in _files(source)
        for part in (path.name.encode(), path.read_bytes())
    )


def _files(source: str) -> list[Path]:
    """The Python files of `own/file.py` or `deeplocalize/folder`, wherever DeepLocalize is imported from."""
    spec = importlib.util.find_spec("deeplocalize")
    assert spec is not None and spec.origin is not None
    head, *rest = source.split("/")
    path = Path(HERE if head == "own" else Path(spec.origin).parent, *rest)
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]
