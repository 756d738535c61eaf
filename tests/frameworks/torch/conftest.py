import contextlib

import pytest

torch = pytest.importorskip("torch")

from deeplocalize.frameworks.session import Session  # noqa: E402
from deeplocalize.frameworks.torch.probe import TorchProbe  # noqa: E402
from deeplocalize.trace import TraceLog  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread_and_a_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def watched():
    """A context in which all training is watched; afterwards `.traces` holds what was recorded."""

    @contextlib.contextmanager
    def watch(on_step=None, ended="completed", path=None):
        session = Session(TraceLog(path), on_step)
        probe = TorchProbe(session)
        probe.install()
        result = type("Watched", (), {"traces": (), "probe": probe, "session": session})()
        error = None
        try:
            yield result
        except Exception as raised:
            error = raised
        finally:
            probe.finish("raised" if error else ended, error)
            probe.uninstall()
            result.traces = session.log.traces()
            result.trace = result.traces[0] if result.traces else None
            result.error = error
            session.log.close()

    return watch
