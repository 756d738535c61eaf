"""Comments by which the user says that a line is meant to be as it is: `# deeplocalize: ignore[softmax-on-one-unit]`.

A comment stands on the line that a cause's locus points to, and names rules by name or code, with commas. The lines'
text is in the trace, so a trace is judged the same on another machine.
"""

from __future__ import annotations

import dataclasses
import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from deeplocalize.rules import Rule
from deeplocalize.trace.schema import Source, Trace

COMMENT = re.compile(r"#\s*deeplocalize:\s*ignore\b(?:\[([^\]]*)\])?", re.IGNORECASE)


class Ignore(NamedTuple):
    """A comment: its line, and what it names, in lower case; nothing where the brackets were forgotten."""

    source: Source
    names: tuple[str, ...]


def ignores(source: Source | None, rule: Rule) -> bool:
    """True if the line's comment names the rule."""
    return source is not None and any(_is_named(rule, each.names) for each in on_line(source))


def _is_named(rule: Rule, names: Iterable[str]) -> bool:
    return any(name in (rule.name, rule.code.lower()) for name in names)


def on_line(source: Source) -> tuple[Ignore, ...]:
    """The comment of a line, as far as its text is known."""
    if source.text is None or "deeplocalize" not in source.text.lower():
        return ()
    comments, whole = _comments(source.text)
    # A line may end a string or a bracket that began above it, so that by itself it is no Python.
    found = [text for _, text in comments] if comments or whole else [source.text]
    return tuple(Ignore(source, names) for text in found for names in _names(text))


def in_file(path: Path, shown: str) -> tuple[Ignore, ...]:
    """The comments of a script, which is read and not run; `shown` is its path in sources."""
    try:
        with tokenize.open(path) as file:
            text = file.read()
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ()
    if "deeplocalize" not in text.lower():
        return ()
    comments, whole = _comments(text)
    lines = text.splitlines()
    found = ((Source(shown, line, lines[line - 1].strip()), comment) for line, comment in comments if whole)
    return tuple(Ignore(source, names) for source, comment in found for names in _names(comment))


def in_trace(trace: Trace) -> tuple[Ignore, ...]:
    """The comments on all lines that a trace knows."""
    found = (each for part in (trace.run, trace.layers) for source in _sources(part) for each in on_line(source))
    return tuple(dict.fromkeys(found))


def unused(
    known: Iterable[Ignore], matched: Collection[tuple[Source, str]], judged: Collection[Rule], rules: Collection[Rule]
) -> tuple[Ignore, ...]:
    """The comments that ignored nothing, each with the names of which that can be said.

    Args:
        known: the comments.
        matched: line and rule of everything that was found, ignored or not.
        judged: the rules that had something to judge by. What others would have found is not known.
        rules: all rules. A name that is none of theirs ignores nothing for certain.
    """
    found = []
    for source, names in dict.fromkeys(known):
        idle = tuple(name for name in names if _is_idle(source, name, matched, judged, rules))
        if idle or not names:
            found.append(Ignore(source, idle))
    return tuple(found)


def _is_idle(
    source: Source,
    name: str,
    matched: Collection[tuple[Source, str]],
    judged: Collection[Rule],
    rules: Collection[Rule],
) -> bool:
    own = next((each for each in rules if _is_named(each, (name,))), None)
    return own is None or (own.name in {each.name for each in judged} and (source, own.name) not in matched)


def _comments(text: str) -> tuple[list[tuple[int, str]], bool]:
    """Line and text of each comment, and whether the text could be read to its end."""
    found: list[tuple[int, str]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                found.append((token.start[0], token.string))
    except (tokenize.TokenError, SyntaxError):
        return found, False
    return found, True


def _names(comment: str) -> list[tuple[str, ...]]:
    parts = [each[1] or "" for each in COMMENT.finditer(comment)]
    return [tuple(name for part in parts for name in part.lower().replace(",", " ").split())] if parts else []


def _sources(value: Any) -> Iterator[Source]:
    """Every line that is named in facts, however deep."""
    if isinstance(value, Source):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _sources(each)
    elif isinstance(value, dict):
        yield from _sources(list(value.values()))
    elif dataclasses.is_dataclass(value):
        yield from _sources([getattr(value, field.name) for field in dataclasses.fields(value)])
