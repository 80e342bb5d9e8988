"""`portcullis explain`."""

import difflib
from collections.abc import Mapping
from typing import assert_never

import click

from app import settings
from app.catalogue import catalogue
from app.cli import output
from app.cli.output import Exit, format_option
from app.cli.topics import Topic, topics
from app.engine import recompute
from app.model import Misconfigured, Repository
from app.publish import explain_text
from app.store import Database, SchemaLevel, schema_state

_HOLDERS = ("checks", "settings", "on")
_WHICH_DATABASE = "PORTCULLIS_DATA_DIR or PORTCULLIS_DATABASE_URL say which database is read"


def _no_page(_run_id: int, _repository: Repository) -> str:
    return ""


def _readable_database() -> str:
    """The URL of the database that the settings name, once it is known to hold runs. Raises Misconfigured."""
    configured = settings.load()
    url = configured.database.get_secret_value()
    if not configured.database_url and not (configured.data_dir / "portcullis.db").is_file():
        raise Misconfigured(
            f"no database is in {configured.data_dir}, so there is no run to explain", hint=_WHICH_DATABASE
        )
    state = schema_state(url)
    match state.level:
        case SchemaLevel.CURRENT | SchemaLevel.EXPANDED:
            return url
        case SchemaLevel.EMPTY | SchemaLevel.FOREIGN:
            raise Misconfigured("the database holds no runs of ours", hint=_WHICH_DATABASE)
        case SchemaLevel.OLDER | SchemaLevel.NEWER:
            raise Misconfigured(
                f"the database has the {state.level} schema {state.found}, not {state.expected}",
                hint="explain by the version that serves it, or run `portcullis migrate`"
                if state.level is SchemaLevel.OLDER
                else "explain by the version that serves it",
            )
        case _:
            assert_never(state.level)


def _explain_run(run_id: int, output_format: output.Format) -> None:
    database = Database(_readable_database())
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


def _shortened(what: str, known: Mapping[str, Topic]) -> Topic | None:
    """A key without the mapping that holds it, as people say it: `needs` for `checks.needs`."""
    return next((known[f"{holder}.{what}"] for holder in _HOLDERS if f"{holder}.{what}" in known), None)


def _family(what: str, known: Mapping[str, Topic]) -> Topic | None:
    """All words that begin alike: `tests` for `tests.failed`, `tests.total` and so on."""
    members = {word: topic for word, topic in known.items() if word.startswith(f"{what}.")}
    if not members:
        return None
    keys = {
        word: f"{topic.means} (not yet supported)" if topic.not_yet else topic.means
        for word, topic in members.items()
    }
    return Topic(word=what, written="words of conditions", means="", keys=keys)


@click.command("explain", short_help="Say why a run was judged so, or what a word means.")
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
    topic = known.get(what) or _family(what, known) or _shortened(what, known)
    if topic is None:
        near = difflib.get_close_matches(what, known, 3) or [word for word in known if what in word][:3]
        raise Misconfigured(
            f"nothing is called {what!r}",
            hint=f"did you mean {' or '.join(near)}?"
            if near
            else "portcullis explain checks lists the keys of a check, explain gate the words of conditions",
        )
    _explain_topic(topic, output_format)
