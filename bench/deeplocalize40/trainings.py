"""A process that trains scripts one after another, without any tool, and prints how each came out.

`python -m bench.deeplocalize40.trainings` reads jobs from stdin, one JSON object a line: `script`, `task` and `identity`
(true if the labels are the inputs). It prints a line of JSON for each. Importing a framework takes longer than many of
the trainings, so that one process does all of a case's.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.deeplocalize40.quality import Quality, measure

ROWS = 2000
"""The quality is measured on so many rows of the training data at most."""


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Run one script and judge the model it leaves."""
    began = time.monotonic()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            left = runpy.run_path(job["script"], run_name="__main__")
        seconds = time.monotonic() - began
        return {"seconds": round(seconds, 1), "quality": _judged(left, job)._asdict(), **_validation(left)}
    except Exception as error:
        return {"seconds": round(time.monotonic() - began, 1), "error": f"{type(error).__name__}: {error}"[:300]}


def _judged(left: dict[str, Any], job: dict[str, Any]) -> Quality:
    model = left["model"]
    x, y = np.asarray(left["x_train"])[:ROWS], np.asarray(left["y_train"])[:ROWS]
    labels = np.load(Path(job["script"]).parent / "data.npz")["x_train" if job["identity"] else "y_train"][:ROWS]
    prediction = np.asarray(model.predict(x, batch_size=100, verbose=0))
    loss = model.evaluate(x, y, batch_size=100, verbose=0)
    loss = float(loss[0] if isinstance(loss, list) else loss)
    return measure(job["task"], prediction, labels, y, loss, model.loss)


def _validation(left: dict[str, Any]) -> dict[str, float]:
    history = left["history"].history
    return {name: round(float(values[-1]), 6) for name, values in history.items() if name.startswith("val_")}


def main() -> None:
    """Serve jobs until there are no more."""
    answer = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        print(json.dumps(train(json.loads(line))), file=answer, flush=True)
        sys.modules["keras"].backend.clear_session() if "keras" in sys.modules else None
        gc.collect()


if __name__ == "__main__":
    main()
