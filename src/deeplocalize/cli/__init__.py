"""The command line: a file for each command."""

from __future__ import annotations

from typing import Any

import click

from deeplocalize.cli.diagnose import diagnose
from deeplocalize.cli.explain import explain
from deeplocalize.cli.output import OurFailure, Refused
from deeplocalize.cli.replay import replay
from deeplocalize.cli.rules import rules
from deeplocalize.cli.run import run
from deeplocalize.errors import DeepLocalizeError


class Commands(click.Group):
    """A group whose commands end with one clear line for whatever goes wrong, and never with a traceback of ours."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except DeepLocalizeError as error:
            raise Refused(str(error)) from None
        except KeyboardInterrupt:
            ctx.exit(130)
        except Exception as error:
            raise OurFailure(error) from None


@click.group(cls=Commands, commands=[run, diagnose, replay, rules, explain])
@click.version_option(package_name="deeplocalize")
def main() -> None:
    """Say why a network does not learn: the faulty layer, hyper-parameter or data step, its line, and what to change."""
