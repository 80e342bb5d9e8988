import json
import subprocess
import sys

import click
import pytest
from inline_snapshot import external_file

from app import __version__
from app.cli import COMMANDS, cli, frame, output
from app.cli.output import Exit, color_wanted, counted, table
from app.model import AuthorFault, Misconfigured, Outage


def failing(error: BaseException) -> click.Group:
    @click.command("fail")
    def command() -> None:
        """Fail."""
        raise error

    group = click.Group("portcullis")
    group.add_command(command)
    return group


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (
            AuthorFault("the gate file is broken", hint="mend it"),
            1,
            "error: the gate file is broken\nhint: mend it\n",
        ),
        (
            Misconfigured("no git\nno bwrap", hint="install"),
            2,
            "error: no git\nerror: no bwrap\nhint: install\n",
        ),
        (Outage("the forge is away"), 2, "error: the forge is away\n"),
        (click.ClickException("no such file"), 2, "error: no such file\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_every_error_ends_in_words_and_a_status(error, status, says, capsys):
    assert frame.run(failing(error), ["fail"]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.lstrip("\n") == says


def test_a_bug_shows_where_it_is_without_secrets(capsys):
    assert frame.run(failing(ZeroDivisionError("https://me:hunter22@db/x")), ["fail"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "ZeroDivisionError" in err
    assert "hunter22" not in err
    assert "error: this is a bug in portcullis\nhint: report" in err


def test_a_wrong_option_names_the_help(portcullis):
    ran = portcullis("doctor", "--ony", "git")
    assert ran.status == 2
    assert ran.out == ""
    assert "error: No such option '--ony'" in ran.err
    assert "hint: portcullis doctor --help" in ran.err


def test_an_unknown_command_is_a_usage_error(portcullis):
    assert portcullis("lnit").status == 2


def test_version(portcullis):
    assert portcullis("--version").out == f"portcullis {__version__}\n"


def test_the_module_is_the_same_command():
    command = [sys.executable, "-m", "app", "--version"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ran.stdout == f"portcullis {__version__}\n"


def test_a_reader_that_leaves_is_no_error():
    script = f"{sys.executable} -m app --help | head -c 1"
    ran = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True)
    assert ran.stderr == ""


def test_colours_follow_the_environment():
    assert color_wanted({"NO_COLOR": "1", "FORCE_COLOR": "1"}) is False
    assert color_wanted({"FORCE_COLOR": "1"}) is True
    assert color_wanted({"NO_COLOR": ""}) is None


def test_forced_colours_reach_a_pipe(portcullis):
    assert "\x1b[" in portcullis("doctor", "--only", "git", FORCE_COLOR="1").out
    assert "\x1b[" not in portcullis("doctor", "--only", "git", NO_COLOR="1").out


def test_columns_ignore_colour_codes():
    shown = table([(click.style("good", fg="green"), "a", "1"), ("b", "long", "2"), ("c", "d", "")])
    assert click.unstyle(shown) == "good  a     1\nb     long  2\nc     d"
    assert table([]) == ""


def test_counts_read_well():
    assert (counted(1, "check"), counted(3, "check"), counted(0, "entry", "entries")) == (
        "1 check",
        "3 checks",
        "0 entries",
    )


def test_json_is_printed_for_any_model_value(capsys):
    output.json({"status": Exit.BLOCKED, "path": None})
    assert json.loads(capsys.readouterr().out) == {"status": 1, "path": None}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, portcullis):
    ran = portcullis(name, "--help")
    assert ran.status == 0
    assert ran.out == external_file(f"help/{name}.txt")
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.help
    assert command.get_short_help_str(200).endswith(".")
    options = [item for item in command.params if isinstance(item, click.Option)]
    assert all(option.help for option in options), "every option says what it does"


def test_a_command_does_not_load_what_it_does_not_use():
    script = "import sys; from app.cli import main; main(['schema']); print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert not {"fastapi", "sqlalchemy", "uvicorn"} & set(ran.stderr.split())


def test_the_overview_lists_every_command(portcullis):
    ran = portcullis("--help")
    listed = [line.split()[0] for line in ran.out.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == list(COMMANDS)
