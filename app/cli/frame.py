"""From arguments to exit status: how any command begins and how any error ends."""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from app import __version__, telemetry
from app.cli import output
from app.cli.output import Exit
from app.model import AuthorFault, PortcullisError

_INTERRUPTED = 130


class Commands(click.Group):
    """The group of commands named in a registry, in that order.

    A command's module is imported when it is called (or listed): `lint` should not wait for a web server.
    """

    def __init__(self, *, names: Sequence[str], package: str, **attributes: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(**attributes)
        self._names = names
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as registered."""
        del ctx
        return list(self._names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of the module of that name."""
        del ctx
        if cmd_name not in self._names:
            return None
        command = import_module(f"{self._package}.{cmd_name.replace('-', '_')}").command
        return command if isinstance(command, click.Command) else None


def group(names: Sequence[str], package: str) -> click.Group:
    """The `portcullis` command made of the modules of these names in a package."""

    @click.group(
        cls=Commands,
        names=names,
        package=package,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    @click.version_option(
        __version__, "-V", "--version", prog_name="portcullis", message="%(prog)s %(version)s"
    )
    def portcullis() -> None:
        """Hold every pull request at the gate until it has earned its way in.

        Exit status: 0 passed or done, 1 blocked or found something, 2 we could not do it.
        """

    return portcullis


def run(cli: click.Group, arguments: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit status; every error is said in words on stderr."""
    color = output.color_wanted()
    telemetry.setup(level="warning", color=color is not False)
    try:
        status = cli.main(
            None if arguments is None else list(arguments),
            prog_name="portcullis",
            standalone_mode=False,
            color=color,
        )
    except NoArgsIsHelpError as error:
        output.note(error.format_message())
        return Exit.BROKEN
    except click.UsageError as error:
        way_out = f"{error.ctx.command_path} --help" if error.ctx else "portcullis --help"
        output.error(error.format_message(), way_out)
        return Exit.BROKEN
    except click.ClickException as error:
        output.error(error.format_message())
        return Exit.BROKEN
    except PortcullisError as error:
        output.error(error.message, error.hint)
        return Exit.BLOCKED if isinstance(error, AuthorFault) else Exit.BROKEN
    except (KeyboardInterrupt, click.Abort):
        output.note("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        # the reader of our stdout has left (`| head`); Python must not complain when it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.BROKEN
    except Exception as error:  # noqa: BLE001 - the last stop: whatever is left is a bug of ours
        click.echo(telemetry.redactor.text("".join(traceback.format_exception(error))), err=True, nl=False)
        output.error("this is a bug in portcullis", "report the lines above with what you did")
        return Exit.BROKEN
    return status if isinstance(status, int) else Exit.PASSED
