"""What our own API answers beyond what its description can say: uploads, limits, who may see what."""

import asyncio
import ipaddress
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from app.engine import new_token, token_hash
from app.executors import ScriptedExecutor
from app.model import Change, ChangeKind, Repository, Sha
from app.settings import load
from app.store import Database, changes, projects, runs, tokens
from app.web import application
from app.web.reports import MAX_FILE
from app.wiring import Program, build

HEAD = "a" * 40
PRIVATE = Repository(
    forge="github",
    forge_id=7,
    full_name="acme/secret-plans",
    installation_id=3,
    default_branch="main",
    private=True,
    clone_url="https://github.example/acme/secret-plans.git",
)


class Api:
    """The application of a real program that is not started, asked in its own event loop."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.app = application(program)
        self.runner = asyncio.Runner()
        self._senders = itertools.count(1)
        self.described: dict[str, Any] = self.app.openapi()

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Each time from another address: tokens of nobody from one address make all of it wait."""
        sender = (str(ipaddress.IPv4Address(0x0A000000 + next(self._senders))), 443)

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=sender)
            async with httpx.AsyncClient(transport=transport, base_url="http://gate.example") as client:
                return await client.request(method, path, **request)

        return self.runner.run(send())

    def holds(self, method: str, path: str, answer: httpx.Response) -> None:
        """A documented status, of the documented kind, of the documented shape."""
        responses = self.described["paths"][path][method]["responses"]
        assert str(answer.status_code) in responses, (method, path, answer.status_code, answer.text)
        content = responses[str(answer.status_code)].get("content", {})
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in content, (kind, answer.status_code)
        schema = {**content[kind]["schema"], "components": self.described.get("components", {})}
        jsonschema_rs.validate(schema, answer.json())
        if answer.status_code >= 400:
            assert answer.json()["status"] == answer.status_code
            assert answer.json()["detail"]
        assert "secret-plans" not in answer.text


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Api]:
    root = tmp_path_factory.mktemp("api")
    (root / "portcullis.db").write_bytes(sqlite_template.read_bytes())
    configured = load({"PORTCULLIS_DATA_DIR": str(root), "PORTCULLIS_SECRET_KEY": "k" * 40})
    program = build(configured, runner=ScriptedExecutor({}))
    found = Api(program)
    yield found
    found.runner.run(program.identities.close())
    found.runner.close()
    program.services.reader.close()
    program.database.close()


def private_run(database: Database) -> tuple[int, int]:
    """(repository, run) rows of a private repository."""
    with database.unit() as unit:
        repository_id = projects.upsert_repository(unit, PRIVATE, 0.0)
        change = Change(
            kind=ChangeKind.PULL_REQUEST,
            key="pr-1",
            number=1,
            base_ref="main",
            head_ref="x",
            head_sha=Sha(HEAD),
        )
        change_id = changes.upsert_change(unit, repository_id, change, 0.0)
        run_id = runs.open_run(
            unit,
            repository_id=repository_id,
            change_id=change_id,
            head_sha=Sha(HEAD),
            base_ref="main",
            now=0.0,
        )
    return repository_id, run_id


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


FORM = st.fixed_dictionaries(
    {
        "head_sha": st.sampled_from([HEAD, "A" * 40, "abc", ""]) | ANY_TEXT,
        "name": st.sampled_from(["ci", "", "../x", "x" * 101]) | ANY_TEXT,
    },
    optional={
        "repository": st.sampled_from(["acme/other", "ACME/Secret-Plans"]) | ANY_TEXT,
        "root": st.sampled_from(["/work", "work", "/" + "x" * 600]) | ANY_TEXT,
        "else": ANY_TEXT,
        "job": ANY_TEXT,
    },
)
NAMES = st.sampled_from(["junit.xml", "a/b.sarif", "../x", "/etc/passwd", "", "a\\b", "x" * 300]) | ANY_TEXT
CONTENTS = st.sampled_from(
    [b"", b"{", b"<testsuite/>", b"\xff\xfe", b"TN:\nSF:a\nend_of_record\n"]
) | st.binary(max_size=100)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=FORM, files=st.lists(st.tuples(NAMES, CONTENTS), max_size=4))
def test_whatever_is_uploaded_is_answered_as_described(api, fields, files):
    repository_id, _ = private_run(api.program.database)
    token = new_token()
    with api.program.database.unit() as unit:
        tokens.revoke_token(unit, repository_id, "fuzz", 1.0)
        tokens.add_token(unit, repository_id, "fuzz", token_hash(token), 0.0, None)
    api.program.database.engine.dispose()
    answer = api.ask(
        "POST",
        "/api/v1/reports",
        headers={"authorization": f"Bearer {token}"},
        data={name: value.encode("utf-8", "replace") for name, value in fields.items()},
        files=[("files", file) for file in files] or None,
    )
    if answer.status_code == 201:
        assert fields["head_sha"] == HEAD
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}", fields["name"])
        assert all(".." not in name and not name.startswith("/") for name, _ in files)
    else:
        api.holds("post", "/api/v1/reports", answer)


def test_a_field_is_said_once(api):
    """In the query or in the form: what is said twice, or names a file that has a name, is refused."""
    repository_id, _ = private_run(api.program.database)
    token = new_token()
    with api.program.database.unit() as unit:
        tokens.add_token(unit, repository_id, "twice", token_hash(token), 0.0, None)

    def upload(params: dict[str, str], fields: dict[str, str]) -> tuple[int, str]:
        answer = api.ask(
            "POST",
            "/api/v1/reports",
            headers={"authorization": f"Bearer {token}"},
            params=params,
            data=fields,
            files=[("files", ("junit.xml", b"<testsuite/>"))],
        )
        return answer.status_code, answer.json().get("detail", "")

    assert upload({"name": "ci"}, {"head_sha": HEAD})[0] == 201
    assert upload({"name": "ci"}, {"head_sha": HEAD, "name": "ci"}) == (400, "name is said twice")
    assert upload({"file": "x.xml"}, {"head_sha": HEAD, "name": "ci"})[0] == 400


def test_a_body_that_is_too_large_is_refused_whatever_it_declares(api):
    repository_id, _ = private_run(api.program.database)
    token = new_token()
    with api.program.database.unit() as unit:
        tokens.add_token(unit, repository_id, "large", token_hash(token), 0.0, None)

    async def endless():
        for _ in range(101):
            yield b"x" * 1_000_000

    headers = {"authorization": f"Bearer {token}"}
    params = {"head_sha": HEAD, "name": "ci", "file": "junit.xml"}
    streamed = api.ask("POST", "/api/v1/reports", params=params, headers=headers, content=endless())
    declared = {**headers, "content-length": str(10**10)}
    lying = api.ask("POST", "/api/v1/reports", params=params, headers=declared, content=b"x")
    whole = api.ask("POST", "/api/v1/reports", params=params, headers=headers, content=b"x" * (MAX_FILE + 1))
    for answer in (streamed, lying, whole):
        assert answer.status_code == 413
        api.holds("post", "/api/v1/reports", answer)


def test_one_uploader_may_not_upload_without_end(api):
    repository_id, _ = private_run(api.program.database)
    token = new_token()
    with api.program.database.unit() as unit:
        tokens.add_token(unit, repository_id, "busy", token_hash(token), 0.0, None)
    headers = {"authorization": f"Bearer {token}"}
    answers = [api.ask("POST", "/api/v1/reports", headers=headers, content=b"") for _ in range(62)]
    assert {answer.status_code for answer in answers[:60]} == {400}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    api.holds("post", "/api/v1/reports", answers[-1])


def test_a_private_run_and_none_at_all_are_answered_alike(api):
    """The same bytes, by the same reads: one statement whose rows are as small for each."""
    _, run_id = private_run(api.program.database)
    statements: list[str] = []

    def seen(_connection, _cursor, statement, *_more):
        statements.append(statement)

    event.listen(api.program.database.engine, "before_cursor_execute", seen)
    told = {}
    for asked in (run_id, 10**9):
        for address in ("/api/v1/runs/{}", "/api/v1/runs/{}/explain", "/runs/{}"):
            statements.clear()
            answer = api.ask(
                "GET", address.format(asked), params={"t": api.program.links.sign(asked + 1, 0.0)}
            )
            assert answer.status_code == 404
            told.setdefault(address, []).append((answer.content, tuple(statements)))
    event.remove(api.program.database.engine, "before_cursor_execute", seen)
    for address, answers in told.items():
        assert answers[0] == answers[1], address
        assert len([one for one in answers[0][1] if "SELECT" in one]) == 1


def test_links_open_what_is_there_and_end_with_the_repository(api):
    _, run_id = private_run(api.program.database)
    now = api.program.services.clock.now()
    good, old = api.program.links.sign(run_id, now), api.program.links.sign(run_id, now - 9 * 86_400)

    def statuses(link: str) -> set[int]:
        addresses = (f"/api/v1/runs/{run_id}", f"/runs/{run_id}")
        return {api.ask("GET", address, params={"t": link}).status_code for address in addresses}

    assert statuses(good) == {200}
    assert statuses(old) == {410}
    assert statuses("") == {404}
    with api.program.database.unit() as unit:
        projects.upsert_repository(unit, msgspec.structs.replace(PRIVATE, private=False), 1.0)
    assert statuses("") == {200}
    with api.program.database.unit() as unit:
        projects.upsert_repository(unit, PRIVATE, 2.0)  # private again
    assert statuses("") == {404}
    with api.program.database.unit() as unit:
        projects.remove_repository(unit, "github", 7)
    assert statuses(good) == statuses(old) == statuses("") == {404}
