"""Run all checks on the backend named in KERAS_BACKEND; print the outcome of each as JSON on the last line."""

import importlib
import json
import sys
import time
import traceback
import warnings
from pathlib import Path

warnings.simplefilter("error")
warnings.filterwarnings("ignore", category=DeprecationWarning)  # of the frameworks' own
warnings.filterwarnings("ignore", message=".*(was never awaited|unclosed).*")

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "conformance")]
harness = importlib.import_module("harness")

outcomes, seconds = {}, {}
for module in sorted(Path(__file__).parent.glob("check_*.py")):
    importlib.import_module(module.stem)
for each in harness.CHECKS:
    if sys.argv[1:] and each.__name__ not in sys.argv[1:]:
        continue
    began = time.process_time()
    try:
        each()
        outcomes[each.__name__] = "ok"
    except BaseException:
        outcomes[each.__name__] = traceback.format_exc()
    seconds[each.__name__] = round(time.process_time() - began, 1)
print(json.dumps(seconds))
print(json.dumps(outcomes))
