"""Python imports this before the script that `deeplocalize run` starts, as its folder is first on PYTHONPATH.

It begins the watching, puts path and environment back as they were, so that neither the script nor any process it
starts sees a difference, and makes way for the sitecustomize that would have been imported without us.
"""

import importlib
import json
import os
import sys
from typing import Any


def _restore(settings: dict[str, Any]) -> None:
    if settings["PYTHONPATH"] is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = settings["PYTHONPATH"]
    here = os.path.dirname(__file__)
    sys.path[:] = [each for each in sys.path if each != here]
    sys.path_importer_cache.pop(here, None)


def _begin(settings: dict[str, Any]) -> None:
    """Watch. If that fails, the script runs without."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    missing = root not in sys.path
    try:
        if missing:
            sys.path.append(root)
        from deeplocalize.watch import ProcessWatch

        ProcessWatch(settings["trace"], stop_on_fault=settings["stop_on_fault"], settings=settings["settings"]).begin()
    except Exception as error:
        print(f"deeplocalize: cannot watch this run: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        if missing:
            sys.path.remove(root)


def _make_way() -> None:
    ours = sys.modules.pop(__name__)
    try:
        importlib.import_module(__name__)
    except ImportError as error:
        if error.name != __name__:
            raise
    finally:
        sys.modules.setdefault(__name__, ours)  # the import that runs us expects to find something


_settings = json.loads(os.environ.pop("DEEPLOCALIZE_WATCH", "null"))
if _settings is not None:
    _restore(_settings)
    try:
        _begin(_settings)
    finally:
        _make_way()
