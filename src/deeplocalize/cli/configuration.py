"""The user's settings: `[tool.deeplocalize]` in the nearest pyproject.toml that has it, and the options of the command.

Everything is checked before a script is run, so that a typing error costs no training.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args, get_origin

from deeplocalize.errors import UsageError

if TYPE_CHECKING:
    from deeplocalize.diagnosis import Settings

KEYS = ("select", "ignore", "limits", "sensitivity")
IN_TOML = {"array": "an array", "object": "a table", "str": "a string", "float": "a number"}


def settings_for(directory: Path, sensitivity: str | None = None) -> Settings | None:
    """The settings that hold in a directory, with the option of the command before those of the file; None for none.

    Raises:
        UsageError: the file cannot be read, or says something that cannot be done.
    """
    path, table = _table(directory)
    if table is None and sensitivity is None and not _plugins():
        return None  # nothing to check, so nothing big is imported before the script runs
    from deeplocalize.rules import all_rules

    settings = _settings(path, table or {}, sensitivity)
    try:
        settings.choose(all_rules())
    except UsageError as error:
        raise UsageError(f"{path}: [tool.deeplocalize] {error}" if table is not None else str(error)) from None
    return settings


def _plugins() -> bool:
    """True if other distributions may bring rules, which could clash."""
    from importlib.metadata import entry_points

    return bool(entry_points(group="deeplocalize.rules"))


def _table(directory: Path) -> tuple[Path | None, dict[str, Any] | None]:
    """The table and its file, looked for from a directory upwards."""
    for folder in (directory, *directory.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            table = _read(path).get("tool", {})
            if isinstance(table, dict) and "deeplocalize" in table:
                return path, table["deeplocalize"]
    return None, None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no valid TOML: {error}; mend it, as [tool.deeplocalize] may be in it") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; [tool.deeplocalize] may be in it") from None


def _settings(path: Path | None, table: Any, sensitivity: str | None) -> Settings:
    from deeplocalize.diagnosis import Settings
    from deeplocalize.diagnosis.sensitivity import Sensitivity

    try:
        table = _converted("", table, dict[str, Any])
        for key in table.keys() - set(KEYS):
            raise UsageError(f" has {key!r}; expected one of {', '.join(KEYS)}")
        lists = [tuple(_converted(f" {key}", table.get(key, []), list[str])) for key in ("select", "ignore")]
        level = _converted(" sensitivity", table.get("sensitivity", "normal"), Sensitivity)
        limits = {
            rule: {limit: _converted(f" limits.{rule}.{limit}", each, float) for limit, each in given.items()}
            for rule, given in _converted(" limits", table.get("limits", {}), dict[str, dict[str, Any]]).items()
        }
    except UsageError as error:
        raise UsageError(f"{path}: [tool.deeplocalize]{error}") from None
    return Settings(lists[0], lists[1], limits, cast("Sensitivity", sensitivity or level))


def _converted(where: str, value: Any, kind: Any) -> Any:
    """A value that is of this kind.

    Raises:
        UsageError: it is not; says what it is and what is expected, in the words of TOML.
    """
    import msgspec

    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        problem = str(error)[:1].lower() + str(error)[1:]
        for word, in_toml in IN_TOML.items():
            problem = problem.replace(f"`{word}`", in_toml)
        expected = f" (one of {', '.join(get_args(kind))})" if get_origin(kind) is Literal else ""
        raise UsageError(f"{where}: {problem.replace('`', '').replace(' - at $', ' at ')}{expected}") from None
