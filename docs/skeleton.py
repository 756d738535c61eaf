"""Write the files of a new rule, to be filled in: `make rule FAMILY NAME`, as in `make rule loop same-batch-every-step`.

A rule, its test, a folder of faults/ and a line of CHANGELOG.md. The form tests fail until no TODO is left in them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from deeplocalize.rules import HEADINGS, own_rules

ROOT = Path(__file__).resolve().parents[1]
NEWS = "## Unreleased\n"

PAGE = {
    "What it means": "TODO: what is wrong in the program, and how it came about.",
    "Why it hurts": "TODO: what becomes of the training.",
    "How it is recognized": "TODO",  # with each limit in backticks, and the reason for its value
    "How to fix it": "TODO: what to type.",
    "When it is wrong": "TODO: every legitimate use that looks like the fault, and why the rule is silent there.",
    "References": "TODO",  # with a link
}

RULE = '''"""TODO: one sentence that names the fault.

{page}
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.trace.schema import Trace


@rule(code="{code}", severity=Severity.MEDIUM, needs=("steps",), explains=())
def check(trace: Trace, *, most: float = 1.0) -> Iterator[Finding]:
    """Yield one finding if TODO."""
    observed = 2.0
    if observed > most:
        yield Finding(
            message="TODO: one sentence in the user's words, with numbers.",
            locus=Locus("TODO", source=trace.run.sources.get("step")),
            evidence=(Evidence("TODO: the quantity, with its unit", observed, ">", most),),
            remedies=(Remedy("TODO: what to change", "as it is", "as it should be"),),
        )
'''

TEST = """from deeplocalize.rules.{family}.{module} import check
from deeplocalize.testing import make_trace


def test_the_fault_is_named_with_its_line():
    (found,) = check.run(make_trace())
    assert found.message == "TODO"


def test_at_the_limit_nothing_is_found():
    assert check.run(make_trace()) == ()  # TODO: both sides of every limit, every guard
"""

FAULT = """\
rule = "{name}"
symptom = "TODO: what the user sees"
"""

PAIR = """
[{framework}]
kind = "TODO"                   # see LOCUS_KINDS in findings.py
layer = "none"                  # its index, or leave this out
line = "TODO"                   # a piece of the line in buggy.py
metric = "test accuracy"
buggy = 0.0                     # measured without DeepLocalize
fixed = 0.0
"""

PROGRAM = 'raise NotImplementedError("TODO: a script that a person would write; see faults/README.md")\n'


def write(family: str, name: str, root: Path = ROOT) -> list[Path]:
    """Write the files and return their paths.

    Raises:
        ValueError: there is no such family, the name is no rule's name, or it is taken.
    """
    _check(family, name, root)
    module = name.replace("-", "_")
    texts = {
        f"src/deeplocalize/rules/{family}/{module}.py": RULE.format(page=_page(), code=_next_code(family)),
        f"tests/rules/{family}/test_{module}.py": TEST.format(family=family, module=module),
        f"faults/{name}/fault.toml": FAULT.format(name=name)
        + "".join(PAIR.format(framework=framework) for framework in ("torch", "keras")),
    }
    texts |= {
        f"faults/{name}/{framework}/{program}.py": PROGRAM
        for framework in ("torch", "keras")
        for program in ("buggy", "fixed")
    }
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return [*(root / path for path in texts), _add_news(name, root / "CHANGELOG.md")]


def _check(family: str, name: str, root: Path) -> None:
    families = sorted(path.parent.name for path in (root / "src/deeplocalize/rules").glob("*/__init__.py"))
    if family not in families:
        raise ValueError(f"there is no family {family!r}; expected one of {', '.join(families)}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"{name!r} is no rule's name; expected lower-case words with hyphens, which name the fault")
    if (root / "faults" / name).exists() or name in {each.name for each in own_rules()}:
        raise ValueError(f"there is a rule {name!r} already")


def _page() -> str:
    return "\n\n".join(f"{heading}\n{PAGE[heading]}" for heading in HEADINGS)


def _next_code(family: str) -> str:
    """The code after the last one of the family; a family without rules takes a letter and hundreds of its own."""
    codes = {each.code: each.family for each in own_rules()}
    own = sorted(code for code, of in codes.items() if of == family)
    if own:
        return f"{own[-1][0]}{int(own[-1][1:]) + 1}"
    hundreds = max((int(code[1]) for code in codes), default=0) + 1
    return f"{family[0].upper()}{hundreds}01"


def _add_news(name: str, path: Path) -> Path:
    before, heading, after = path.read_text(encoding="utf-8").partition(NEWS)
    path.write_text(
        f"{before}{heading}\n- TODO: {name}, in one line for a user.\n{after.lstrip(chr(10))}", encoding="utf-8"
    )
    return path


def main(arguments: list[str]) -> str | None:
    """Write the files; a message if that cannot be done."""
    if len(arguments) != 2:
        return "usage: make rule FAMILY NAME, as in: make rule loop same-batch-every-step"
    try:
        paths = write(*arguments)
    except ValueError as error:
        return str(error)
    print("\n".join(["Fill in every TODO, then call make docs:", *(f"  {path.relative_to(ROOT)}" for path in paths)]))
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
