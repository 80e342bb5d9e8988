"""What Prometheus is shown, and to whom."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.forges import Rate
from app.store import Database, figures, spendings, troubles
from app.web.metrics import Scrape, rendered
from app.web.webhooks import Tally
from tests.support.edge import ask, edge_app, served

TOKEN = "a token of the operator, long enough"


def read(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """(name, label values) → value."""
    return {
        (sample.name.removeprefix("portcullis_"), tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scrape() -> Scrape:
    return Scrape(
        now=1000.0,
        figures=figures.Figures(
            deliveries={"done": 7},
            attempts={"queued": 2},
            verdicts={"blocked": 3},
            publications=figures.Line(count=2, since=940.0),
        ),
        spent=(spendings.Spent(forge="github", installation_id=5, purpose='a "purpose"', calls=9),),
        rates={("github", 5): Rate(limit=5000, remaining=4321, reset=3600.0)},
    )


async def test_each_figure_has_its_line() -> None:
    found = read(rendered(await scrape()).decode())
    assert found["deliveries", ("done",)] == 7
    assert found["attempts", ("queued",)] == 2
    assert found["verdicts", ("blocked",)] == 3
    assert found["waiting", ("publications",)] == 2
    assert found["waiting_longest_seconds", ("publications",)] == 60
    assert found["waiting_longest_seconds", ("deliveries",)] == 0
    assert found["forge_calls_this_hour", ("github", "5", 'a "purpose"')] == 9
    assert found["forge_limit_left", ("github", "5")] == 4321


async def asked(token: str, *headers: str) -> tuple[int, bytes]:
    database = Database("sqlite://")
    try:
        async with served(edge_app(database, Tally(), scrape=scrape, metrics_token=token)) as port:
            lines = ["GET /metrics HTTP/1.1", "host: portcullis", *headers, "", ""]
            answer = await ask(port, "\r\n".join(lines).encode())
            return answer.status, answer.body
    finally:
        database.close()


async def test_only_the_operators_token_opens_it() -> None:
    status, body = await asked(TOKEN, f"authorization: Bearer {TOKEN}")
    assert status == 200
    assert b"portcullis_deliveries" in body


@pytest.mark.parametrize(
    "header",
    [
        "x-nothing: 1",
        "authorization: Bearer wrong",
        f"authorization: Basic {TOKEN}",
        "authorization: Bearer ",
    ],
)
async def test_nobody_else_sees_anything(header: str) -> None:
    status, body = await asked(TOKEN, header)
    assert status == 401
    assert b"portcullis_" not in body


async def test_without_a_token_there_is_no_such_page() -> None:
    assert (await asked("", f"authorization: Bearer {TOKEN}"))[0] == 404


def test_what_waits_is_read_from_the_tables(migrated_url: str) -> None:
    database = Database(migrated_url)
    with database.unit() as unit:
        troubles.tell(unit, "refused", "acme/shop", says="no", mend="grant it", now=1.0)
        found = figures.read(unit.connection, 100.0)
    assert found.troubles == {"refused": 1}
    assert found.queued == figures.Line()
    assert found.deliveries == {}
    database.close()
