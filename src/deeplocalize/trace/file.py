"""A trace on disk: one after another, ordinary ``.npy`` arrays, only ever appended.

A *record* is one array of bytes holding a JSON object (its `kind`, its `training`, how many `arrays` follow), then
those arrays, then one number: the CRC-32 of all bytes of the record before it. So numpy alone reads a trace::

    with open(path, "rb") as file:
        record = json.loads(np.load(file, allow_pickle=False).tobytes())
        arrays = [np.load(file, allow_pickle=False) for _ in range(record["arrays"])]
        crc32 = np.load(file, allow_pickle=False)

The kinds and their arrays are in docs/trace-format.md. A record is written with one system call and nothing is
buffered here, so a process that is killed loses no record that was appended, and at most spoils the last one.
"""

from __future__ import annotations

import io
import json
import os
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from deeplocalize.errors import TraceError
from deeplocalize.trace.schema import FORMAT_VERSION

HEADER = "deeplocalize-trace"
NPY_MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class Record:
    """One entry of a trace: a kind, the training it belongs to, further facts, and arrays."""

    kind: str
    training: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    arrays: tuple[NDArray[Any], ...] = ()


def encode(record: Record) -> bytes:
    """The bytes of a record, as they stand in the file."""
    head = record.facts | {"kind": record.kind, "training": record.training, "arrays": len(record.arrays)}
    text = json.dumps(head, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    whole = io.BytesIO()
    for array in (np.frombuffer(text, np.uint8), *record.arrays):
        np.lib.format.write_array(whole, np.asarray(array, order="C"), allow_pickle=False)
    crc32 = np.array([zlib.crc32(whole.getbuffer())], np.uint32)
    np.lib.format.write_array(whole, crc32, allow_pickle=False)
    return whole.getvalue()


class TraceWriter:
    """Appends records to a new file. Safe across threads; a forked child never writes to its parent's file."""

    def __init__(self, path: Path) -> None:
        """Create `path`; raises TraceError if it exists already or cannot be made."""
        self.path = path
        self._pid = os.getpid()
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO | None = path.open("xb", buffering=0)
        except FileExistsError:
            raise TraceError(f"{path} exists already, and a trace never overwrites a file: name another one") from None
        except OSError as error:
            raise TraceError(f"cannot write a trace to {path}: {error.strerror}") from None
        self.write(Record(HEADER, facts={"version": FORMAT_VERSION}))

    def write(self, record: Record) -> None:
        """Append one record. Does nothing after `close` and in a forked child."""
        if os.getpid() != self._pid:
            return
        data = encode(record)
        with self._lock:
            if self._file is not None:
                self._file.write(data)

    def close(self) -> None:
        """Close the file; further writes are ignored."""
        if os.getpid() == self._pid:
            with self._lock:
                if self._file is not None:
                    self._file.close()
                self._file = None


def read_records(path: Path) -> Iterator[Record]:
    """Read a trace's records in order; a record cut off at the end of the file is left out.

    Raises:
        TraceError: the file cannot be opened, is empty, is no trace, is of another version, or is damaged.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        reason = "is a directory, not a trace file" if path.is_dir() else f"cannot be read: {error.strerror}"
        raise TraceError(f"{path} {reason}") from None
    with file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise TraceError(f"{path} is empty: the run that should have filled it recorded nothing")
        first = _read_record(file, path, size)
        if first is None or first.kind != HEADER:
            raise TraceError(
                f"{path} is not a DeepLocalize trace: make one with 'deeplocalize run --trace FILE script.py'"
            )
        version = first.facts.get("version")
        if version != FORMAT_VERSION:
            raise TraceError(
                f"{path} has trace format {version}, and this version reads format {FORMAT_VERSION}: record it again"
            )
        while (record := _read_record(file, path, size)) is not None:
            yield record


def _read_record(file: BinaryIO, path: Path, size: int) -> Record | None:
    """The next record, or None at the end of the file (also if it ends in the middle of a record)."""
    start = file.tell()
    if start >= size:
        return None
    try:
        head = json.loads(_read_array(file, size).tobytes())
        arrays = tuple(_read_array(file, size) for _ in range(int(head.pop("arrays"))))
        end = file.tell()
        expected = _read_array(file, size)
        after = file.tell()
        file.seek(start)
        if zlib.crc32(file.read(end - start)) != int(expected[0]):
            raise ValueError("its checksum does not match")
        file.seek(after)
        return Record(str(head.pop("kind")), int(head.pop("training")), head, arrays)
    except _CutOffError:
        return None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, SyntaxError, UnicodeError) as error:
        if start == 0:
            return None
        raise TraceError(f"{path} is damaged at byte {start} ({_one_line(error)}): record it again") from None


class _CutOffError(Exception):
    """The file ends before the array does."""


def _read_array(file: BinaryIO, size: int) -> NDArray[Any]:
    start = file.tell()
    magic = file.read(len(NPY_MAGIC) + 2)
    if magic != NPY_MAGIC + b"\x01\x00":
        if size - start < len(NPY_MAGIC) + 2 and (NPY_MAGIC + b"\x01\x00").startswith(magic):
            raise _CutOffError
        raise ValueError("no numpy array stands there")
    try:
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    except Exception:  # numpy parses the header as Python literals, and damage can make that fail in any way
        if size - start < 128:
            raise _CutOffError from None
        raise ValueError("the header of an array cannot be read") from None
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are never read")
    length = dtype.itemsize * int(np.prod(shape, dtype=object))
    if length > size - file.tell():
        raise _CutOffError
    array = np.frombuffer(file.read(length), dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def _one_line(error: Exception) -> str:
    return str(error).split("\n")[0][:120] or type(error).__name__
