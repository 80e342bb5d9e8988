"""The official descriptions of Gitea and Forgejo (OpenAPI 2), and what does not agree with them."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from tests.support.contracts import contracts

_PARAMETER = re.compile(r"\{[^}]+\}")


@cache
def _description(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(contracts(kind, "swagger.v1.json").read_text("utf-8"))
    return found


@cache
def _patterns(kind: str) -> list[tuple[re.Pattern[str], str]]:
    """Paths by their pattern, the most literal first; only a file's path may hold slashes, and a branch's."""
    long = ("{filepath}", "{branch}")
    found = []
    for path in _description(kind)["paths"]:
        parts = re.split(r"(\{[^}]+\})", path)
        pattern = "".join(
            (".+" if part in long else "[^/]+") if _PARAMETER.fullmatch(part) else re.escape(part)
            for part in parts
        )
        found.append((re.compile(pattern), path))
    return sorted(found, key=lambda each: each[1].count("{"))


def _operation(kind: str, method: str, path: str) -> dict[str, Any] | None:
    for pattern, template in _patterns(kind):
        if pattern.fullmatch(path):
            found = _description(kind)["paths"][template].get(method.lower())
            if found is not None:
                return dict(found)
    return None


def _resolved(kind: str, described: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in described:
        return described
    _, *names = described["$ref"].split("/")
    found: Any = _description(kind)
    for name in names:
        found = found[name]
    return dict(found)


@cache
def _validator(kind: str, schema: str) -> Any:
    whole = {**json.loads(schema), "definitions": _description(kind)["definitions"]}
    return jsonschema_rs.Draft7Validator(whole)


def _problems(kind: str, what: str, schema: dict[str, Any], value: Any) -> Iterator[str]:
    for error in _validator(kind, json.dumps(schema)).iter_errors(value):
        yield f"{what} {'.'.join(map(str, error.instance_path))}: {error.message[:160]}"


def _without_nulls(value: Any) -> Any:
    """OpenAPI 2 knows no null; a real server writes it for what is not there."""
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _unknown(kind: str, schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    known = _resolved(kind, schema).get("properties", {})
    for name in value if isinstance(value, dict) else ():
        if known and name not in known:
            yield f"{where}{name} is not described"


def request_problems(kind: str, method: str, path: str, query: Mapping[str, str], body: Any) -> list[str]:
    """What the forge would not take, or would silently ignore (path without /api/v1)."""
    operation = _operation(kind, method, path)
    if operation is None:
        return [f"no such operation: {method} {path}"]
    parameters = [_resolved(kind, each) for each in operation.get("parameters", ())]
    named = {each["name"]: each for each in parameters if each["in"] == "query"}
    found = [f"no query parameter {name!r}" for name in query if name not in named | {"page": 0, "limit": 0}]
    found += [
        f"{name}={value} is none of {named[name]['enum']}"
        for name, value in query.items()
        if value not in named.get(name, {}).get("enum", [value])
    ]
    described = next((each["schema"] for each in parameters if each["in"] == "body"), None)
    if described is None:
        return [*found, *(["no body expected"] if body else [])]
    if body is not None:
        found += _problems(kind, "body", described, body)
        found += _unknown(kind, described, body, "body.")
    return found


def answer_problems(kind: str, method: str, path: str, status: int, body: Any) -> list[str]:
    """How an answer differs from what the forge describes. Errors need only their `message`."""
    operation = _operation(kind, method, path)
    if operation is None:
        return [f"no such operation: {method} {path}"]
    if status >= 400 or status == 307:
        return []
    described = operation["responses"].get(str(status))
    if described is None:
        return [f"status {status} is not described for {method} {path}"]
    schema = _resolved(kind, described).get("schema")
    if schema is None or schema == {"type": "file"}:
        return []
    if "/contents/" in path and isinstance(body, list):
        return []  # described as one entry: a directory is a list of them all the same
    value = _without_nulls(json.loads(json.dumps(body)))
    found = list(_problems(kind, f"answer {status}", schema, value))
    for one in value if isinstance(value, list) else [value]:
        found += _unknown(kind, schema.get("items", schema), one, "answer ")
    return found
