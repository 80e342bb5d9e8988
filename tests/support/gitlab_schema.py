"""Holds requests and answers against our description of GitLab's API (tests/contracts/gitlab/description.yml)."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs
import yaml

from tests.support.prerequisites import REPOSITORY

DESCRIPTION = REPOSITORY / "tests" / "contracts" / "gitlab" / "description.yml"
_PAGES = frozenset({"per_page", "page"})
_SLASHES = frozenset({"path", "group"})
"""Parameters of paths that may hold slashes, written as %2F."""


class Operation:
    """One call of the description."""

    def __init__(self, named: str, told: Mapping[Any, Any], definitions: Mapping[str, Any]) -> None:
        self.method, _, self.path = named.partition(" ")
        self.pattern = re.compile(re.sub(r"\{(\w+)\}", _parameter, self.path))
        self.needed = set(told.get("needs", ()))
        self.query = self.needed | set(told.get("query", ()))
        self.body = _validator(told["body"], definitions) if "body" in told else None
        self.answers = {
            status: _validator(schema, definitions)
            for status, schema in told.items()
            if isinstance(status, int)
        }


def _parameter(found: re.Match[str]) -> str:
    return ".+" if found[1] in _SLASHES else "[^/]+"


def _validator(
    schema: Mapping[str, Any], definitions: Mapping[str, Any]
) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "definitions": definitions})


@cache
def operations() -> tuple[Operation, ...]:
    """All described calls: those with fewer parameters first, so that literal paths win."""
    told = yaml.safe_load(DESCRIPTION.read_bytes())
    found = [Operation(named, each, told["definitions"]) for named, each in told["operations"].items()]
    return tuple(sorted(found, key=lambda each: (each.path.count("{"), -len(each.path))))


def operation_for(method: str, path: str) -> Operation | None:
    """The call that a request is, if it is described."""
    return next((o for o in operations() if o.method == method and o.pattern.fullmatch(path)), None)


def _problems(validator: jsonschema_rs.Draft202012Validator, value: Any, what: str) -> Iterator[str]:
    for error in validator.iter_errors(json.loads(json.dumps(value))):
        where = ".".join(str(part) for part in error.instance_path)
        yield f"{what} {where}: {error.message[:200]}"


def request_problems(method: str, path: str, query: Mapping[str, str], body: Any) -> list[str]:
    """What GitLab would not accept, or would silently ignore, of a request (path without /api/v4)."""
    operation = operation_for(method, path)
    if operation is None:
        return [f"no such operation: {method} {path}"]
    found = [f"no query parameter {name}" for name in query.keys() - operation.query - _PAGES]
    found += [f"query parameter {name} is missing" for name in operation.needed - query.keys()]
    if operation.body is None:
        return [*found, *(["no body expected"] if body else [])]
    return [*found, *_problems(operation.body, body, "body")]


def answer_problems(method: str, path: str, status: int, body: Any) -> list[str]:
    """How an answer differs from what is described. Errors need only say something."""
    operation = operation_for(method, path)
    if operation is None:
        return [f"no such operation: {method} {path}"]
    if status == 304:
        return []
    if status >= 400:
        said = isinstance(body, dict) and bool({"message", "error"} & body.keys())
        return [] if said else [f"status {status} says nothing"]
    validator = operation.answers.get(status)
    if validator is None:
        return [f"status {status} is not described for {method} {path}"]
    return list(_problems(validator, body, f"answer {status}"))
