"""Places in the user's own files."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Source:
    """A place in the user's own files. `line` counts from 1; `text` is what stood there when the program ran."""

    path: str
    line: int
    text: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"
