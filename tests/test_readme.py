import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from deeplocalize import cli

README = (Path(__file__).parents[1] / "README.md").read_text()
HELP = dict(re.findall(r"```console\n\$ deeplocalize ([^\n]*--help)\n(.*?)```", README, re.DOTALL))


@pytest.mark.parametrize("command", ["", *(f"{name} " for name in cli.main.commands)])
def test_the_readme_shows_the_help_as_it_is(command):
    arguments = f"{command}--help".split()
    result = CliRunner().invoke(cli.main, arguments, prog_name="deeplocalize", terminal_width=80)
    assert HELP[f"{command}--help"] == result.output


def test_the_two_commands_come_first():
    first = README.split("\n\n")[1].splitlines()
    assert [line.split()[:2] for line in first] == [["make", "demo"], ["make", "test"]]


def test_every_file_the_readme_links_to_is_there():
    for target in re.findall(r"\]\((?!https?:)(.+?)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target
