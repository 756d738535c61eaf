"""The benchmark of the ICSE 2021 paper: 41 programs, buggy and repaired, judged by us and by others."""

from __future__ import annotations


def main() -> None:
    """Run the command."""
    from bench.deeplocalize40.command import main as run

    run()
