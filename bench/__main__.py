"""`python -m bench NAME [options]` runs a benchmark."""

from __future__ import annotations

import importlib
import sys

NAMES = ("accelerator", "calibrate", "cost", "deeplocalize40", "early", "faults", "mutation")

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        sys.exit(f"usage: python -m bench {{{','.join(NAMES)}}} [options]")
    name = sys.argv.pop(1)
    importlib.import_module(f"bench.{name}").main()
