import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))  # bench lies beside the package, not in it


class WarmProcesses:
    """One process for each backend, started when the first program needs it."""

    def __init__(self):
        self._running = {}

    def __getitem__(self, backend):
        from bench.warm import WarmProcess

        if backend not in self._running:
            self._running[backend] = WarmProcess(backend)
        return self._running[backend]

    def close(self):
        for process in self._running.values():
            process.close()


@pytest.fixture(scope="session")
def processes():
    running = WarmProcesses()
    yield running
    running.close()
