"""`portcullis explain`."""

import difflib

import click

from app import settings
from app.catalogue import catalogue
from app.cli import output
from app.cli.output import Exit, format_option
from app.cli.topics import Topic, topics
from app.engine import recompute
from app.model import Misconfigured, Repository
from app.publish import explain_text
from app.store import Database


def _no_page(_run_id: int, _repository: Repository) -> str:
    return ""


def _explain_run(run_id: int, output_format: output.Format) -> None:
    database = Database(settings.load().database.get_secret_value())
    try:
        with database.engine.connect() as connection:
            found = recompute(connection, run_id, _no_page)
    finally:
        database.close()
    if found is None:
        raise Misconfigured(f"there is no run {run_id}", hint="its number stands in the run page's address")
    if output_format == "json":
        output.json(found)
    else:
        output.data(explain_text(found.judgement, color=output.colored()).rstrip("\n"))
    if found.same:
        output.note(f"judged again from its inputs by rules {found.rules}: the same")
        return
    if found.rules != found.stored_rules:
        output.note(f"rules {found.rules} would judge it differently than rules {found.stored_rules} did")
        output.hint("--format json shows both verdicts")
        return
    output.error("judged again from its inputs the verdict differs", "report this bug with --format json")
    output.ends_with(Exit.BROKEN)


def _explain_topic(topic: Topic, output_format: output.Format) -> None:
    if output_format == "json":
        output.json(topic)
        return
    output.data(f"{click.style(topic.word, bold=True)}: {topic.written}")
    if topic.means:
        output.data(f"\n  {topic.means}")
    if topic.not_yet:
        output.data(f"\n  not yet supported by this version: {topic.not_yet}")
    if topic.keys:
        rows = [(f"  {key}", means) for key, means in topic.keys.items()]
        output.data(f"\n{output.table(rows)}")


@click.command("explain")
@click.argument("what")
@format_option
def command(*, what: str, output_format: output.Format) -> None:
    """Say why a run was judged as it was, or what a word of the gate file means.

    WHAT is the number of a run, a key (`checks.retry`), or a word of a condition (`coverage.new`,
    `findings`). A run's verdict is computed again from its stored inputs; should the same rules give another
    one, that is our bug and the exit status is 2.
    """
    if what.isdecimal():
        _explain_run(int(what), output_format)
        return
    known = topics(catalogue())
    if what not in known:
        near = difflib.get_close_matches(what, known, 3) or [word for word in known if what in word][:3]
        raise Misconfigured(
            f"nothing is called {what!r}",
            hint=f"did you mean {' or '.join(near)}?"
            if near
            else "name a run's number, a key or a condition",
        )
    _explain_topic(known[what], output_format)
