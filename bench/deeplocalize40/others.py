"""Run a script once and let all other tools judge it: both forms of Algorithm 1, and Keras's own callbacks.

`python -m bench.deeplocalize40.others SCRIPT ANSWER`. The run is watched with every layer of every step recorded, which
does not change it; Algorithm 1 looks at the trace when the run is over.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Run, judge and write the answer."""
    import keras  # noqa: F401  (the probe expects the framework to be imported)

    from bench.deeplocalize40.algorithm1 import CORRECT, FORMS, Message, diagnose
    from bench.deeplocalize40.keras_baselines import observed, observer_class, verdicts
    from deeplocalize import read_traces
    from deeplocalize.frameworks.session import Session
    from deeplocalize.trace import TraceLog
    from deeplocalize.watch import how_it_ended, make_probe

    script, answer = sys.argv[1:]
    began, error = time.monotonic(), None
    observer = observer_class()()
    with tempfile.TemporaryDirectory() as folder:
        log = TraceLog(Path(folder) / "trace", layers_dense=sys.maxsize)
        probe = make_probe("keras", Session(log))
        probe.install()
        try:
            observed(observer, script)
        except Exception as raised:
            error = raised
        probe.finish(how_it_ended(error), error)
        log.close()
        traces = read_traces(Path(folder) / "trace")
    seconds = time.monotonic() - began
    found = {}
    for name, form in FORMS.items():
        said = [diagnose(trace, form) for trace in traces] or [Message(CORRECT, None, 0)]
        first = next((message for message in said if message.message != CORRECT), said[0])
        found[name] = first._asdict() | {"layer_type": _type(traces, first.layer)}
    steps = verdicts(observer.stopped, observer.epochs)
    raised = repr(error) if error else None
    Path(answer).write_text(json.dumps({"seconds": seconds, "raised": raised, "messages": found, "steps": steps}))


def _type(traces: tuple, layer: int | None) -> str | None:
    return None if layer is None else traces[0].layers[layer].type


if __name__ == "__main__":
    main()
