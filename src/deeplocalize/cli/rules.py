"""`deeplocalize rules`: the catalogue."""

from __future__ import annotations

from itertools import groupby

import click

from deeplocalize.cli.output import complain, echo


@click.command()
def rules() -> None:
    """List the faults that can be recognized, by family, each with its code, severity and name."""
    from deeplocalize.rules import all_rules, plugin_rules

    found = sorted(all_rules(), key=lambda each: (each.family, each.code))
    lines = [f"{len(found)} rules. 'deeplocalize explain NAME' says what each of them means.\n"]
    for family, members in groupby(found, key=lambda each: each.family):
        lines.append(f"\n{family}\n")
        lines += [f"  {each.code}  {each.severity.name.lower():6}  {each.name}\n" for each in members]
    echo("".join(lines))
    for failure in plugin_rules()[1]:
        complain(f"{failure.stage}: {failure.message}")
