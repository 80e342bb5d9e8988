"""Our API held against its own OpenAPI document by schemathesis: data that fits it and data that does not, with
and without proof of who asks. Whatever is sent, what comes back is what the document says.
"""

import itertools

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from app.engine import new_token, token_hash
from app.engine.sent import is_upload_path
from app.store import tokens
from tests.flow.test_api import Api, api, private_run

__all__ = ["api"]
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.positive_data_acceptance,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.allow_header_conformance,
]
OPERATIONS = [
    ("get", "/api/v1/runs/{run_id}"),
    ("get", "/api/v1/runs/{run_id}/explain"),
    ("post", "/api/v1/reports"),
]
FUZZED = settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a case is small as it comes: nothing to shrink
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.filter_too_much,
        HealthCheck.too_slow,
    ],
)


def sayable(case: Case) -> bool:
    """Whether the document can say all that decides on this case. It cannot say that texts are printable, that
    a raw body has its fields in the query and a form has not, and that files have names of their own.
    """
    if case.method.lower() == "get":
        return True
    query, body = case.query or {}, case.body
    if case.media_type != "multipart/form-data":
        said = {"head_sha", "name", "file"} <= query.keys() and is_upload_path(str(query["file"]))
        return said and all(str(value).isprintable() for value in query.values())
    texts = [value for value in body.values() if isinstance(value, str)] if isinstance(body, dict) else []
    files = body.get("files") if isinstance(body, dict) else None
    alone = not isinstance(files, list) or len(files) == 1
    return not query and alone and all(text.isprintable() for text in texts)


class Asker:
    """Sends cases, as nobody or as who may; a token is renewed before its rate is spent."""

    def __init__(self, api: Api, *, known: bool) -> None:
        self.api = api
        self.known = known
        self.repository_id, self.run_id = private_run(api.program.database)
        self._count = itertools.count()
        self._token = ""

    def send(self, case: Case) -> None:
        if self.known:
            case.headers = {**(case.headers or {}), **self._proof(case)}
        given = case.as_transport_kwargs(base_url="http://gate.example")
        asked = requests.Request(**given).prepare()
        headers = {
            name: value.encode() if isinstance(value, str) else value for name, value in asked.headers.items()
        }
        answer = self.api.ask(asked.method, asked.url, headers=headers, content=asked.body or b"")
        unsaid = [] if sayable(case) else [checks.positive_data_acceptance, checks.negative_data_rejection]
        if answer.status_code == 422 and answer.json().get("stored"):  # taken in: no report, but well asked
            unsaid = [checks.positive_data_acceptance]
        case.validate_response(answer, checks=CHECKS, excluded_checks=unsaid)
        if not self.known:
            assert "secret-plans" not in answer.text

    def _proof(self, case: Case) -> dict[str, str]:
        if case.method.lower() == "get":
            return {
                "Authorization": f"Bearer {self.api.program.links.sign(self.run_id, self.api.program.services.clock.now())}"
            }
        if next(self._count) % 50 == 0:
            self._token = new_token()
            with self.api.program.database.unit() as unit:
                name = f"described-{token_hash(self._token)[:8]}"
                tokens.add_token(unit, self.repository_id, name, token_hash(self._token), 0.0, None)
        return {"Authorization": f"Bearer {self._token}"}


@pytest.fixture(scope="module")
def described(api: Api):
    return schemathesis.openapi.from_dict(api.described)


def test_every_operation_is_asked(described):
    found = {(one.ok().method, one.ok().path) for one in described.get_all_operations()}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize("known", [False, True], ids=["by nobody", "by who may"])
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one[0]} {one[1]}")
def test_whatever_is_asked_is_answered_as_described(api, described, operation, mode, known):
    method, path = operation
    asker = Asker(api, known=known)

    @FUZZED
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        asker.send(data.draw(described[path][method].as_strategy(generation_mode=mode)))

    ask()
