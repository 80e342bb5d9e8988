"""Holds requests, answers and deliveries against GitHub's own published descriptions.

Two descriptions: the REST cut (OpenAPI 3.0, dereferenced) with some older operations beside it, and the
webhooks (OpenAPI 3.1). Beyond the schema: query parameters and body fields that GitHub does not know are
problems, and so are the limits its schema does not state.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from tests.support.contracts import contracts

_DROPPED = {
    "example",
    "examples",
    "discriminator",
    "xml",
    "externalDocs",
    "readOnly",
    "writeOnly",
    "deprecated",
}
_STATUS_DESCRIPTION = 140
_COMMENT = 65_536
_NOT_DESCRIBED = {"/repositories/"}
"""Real, but in no description: GitHub's redirects after a rename lead to /repositories/ID."""


def to_json_schema(schema: Any, *, names: bool = False) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema 2020-12: `nullable`, boolean exclusive bounds.

    `names` is true inside `properties`, whose keys are names and never keywords.
    """
    if isinstance(schema, list):
        return [to_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {name: to_json_schema(each) for name, each in schema.items()}
    found = {
        key: value
        if key in {"enum", "required", "default"}
        else to_json_schema(value, names=key == "properties")
        for key, value in schema.items()
        if key not in _DROPPED and key != "nullable"
    }
    if {each.get("title") for each in found.get("allOf", ())} == {"Simple User", "Enterprise"}:
        found["anyOf"] = found.pop("allOf")  # the cut's source says allOf where GitHub's own says anyOf
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(found.get(exclusive), bool) and found.pop(exclusive) and bound in found:
            found[exclusive] = found.pop(bound)
    if not schema.get("nullable"):
        return found
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    if isinstance(found.get("type"), str):
        return {**found, "type": [found["type"], "null"]}
    return found if "type" in found else {"anyOf": [found, {"type": "null"}]}


class Operation:
    """One operation of the REST description."""

    def __init__(self, method: str, path: str, item: Mapping[str, Any], operation: Mapping[str, Any]) -> None:
        self.method, self.path = method.upper(), path
        both = [*item.get("parameters", []), *operation.get("parameters", [])]
        self.parameters = {(each["in"], each["name"]): each for each in both}
        self.responses: Mapping[str, Any] = operation["responses"]
        content = operation.get("requestBody", {}).get("content", {})
        self.body: Mapping[str, Any] | None = content.get("application/json", {}).get("schema")
        self.body_required = bool(operation.get("requestBody", {}).get("required"))
        pattern = re.sub(r"\\\{([\w-]+)\\\}", self._parameter, re.escape(path))
        self.pattern = re.compile(pattern)
        self._validators: dict[str, Any] = {}

    def _parameter(self, found: re.Match[str]) -> str:
        described = self.parameters.get(("path", found[1]), {})
        inside = ".+" if described.get("x-multi-segment") else "[^/]+"
        return f"(?P<{found[1].replace('-', '_')}>{inside})"

    def problems(self, key: str, schema: Any, value: Any) -> Iterator[str]:
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator(to_json_schema(schema))
        for error in self._validators[key].iter_errors(value):
            where = ".".join(str(part) for part in error.instance_path)
            yield f"{key} {where}: {error.message[:200]}"


@cache
def operations() -> tuple[Operation, ...]:
    """All described operations: those with fewer parameters first, so that literal paths win."""
    cut = json.loads(contracts("github-openapi", "github-openapi-cut.json").read_bytes())
    more = json.loads(
        gzip.decompress(contracts("github-openapi", "github-openapi-extra.json.gz").read_bytes())
    )
    found = [
        Operation(method, path, item, operation)
        for description in (cut, more)
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]
    return tuple(sorted(found, key=lambda each: (each.path.count("{"), -len(each.path))))


def operation_for(method: str, path: str) -> Operation | None:
    """The operation a request is, if it is described."""
    return next((o for o in operations() if o.method == method and o.pattern.fullmatch(path)), None)


def _unknown_keys(schema: Any, value: Any, where: str) -> Iterator[str]:
    """Fields of a body that no branch of the schema names: GitHub would ignore them, we mistyped them."""
    if isinstance(value, list):
        for each in value:
            yield from _unknown_keys(schema.get("items", {}), each, where)
    if not isinstance(value, dict):
        return
    branches = [schema, *(b for key in ("oneOf", "anyOf", "allOf") for b in schema.get(key, []))]
    known: dict[str, Any] = {}
    for branch in branches:
        for name, inner in branch.get("properties", {}).items():
            known[name] = inner if name not in known or inner.get("properties") else known[name]
    if not known:
        return
    for name, inner in value.items():
        if name not in known:
            yield f"body {where}: GitHub knows no field {name!r}"
        else:
            yield from _unknown_keys(known[name], inner, f"{where}.{name}")


def _typed(raw: str, schema: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "integer":
            return int(raw)
        case "boolean":
            return {"true": True, "false": False}[raw]
        case _:
            return raw


def _parameter_problems(operation: Operation, path: str, query: Mapping[str, str]) -> Iterator[str]:
    matched = operation.pattern.fullmatch(path)
    at = matched.groupdict() if matched else {}
    for (place, name), described in operation.parameters.items():
        raw = (
            at.get(name.replace("-", "_"))
            if place == "path"
            else query.get(name)
            if place == "query"
            else None
        )
        if raw is None:
            if described.get("required") and place in {"path", "query"}:
                yield f"{place} parameter {name} is missing"
            continue
        try:
            value = _typed(raw, described["schema"])
        except (ValueError, KeyError):
            yield f"{place} parameter {name}: {raw!r} is no {described['schema'].get('type')}"
            continue
        if described["schema"].get("type") != "array":
            yield from operation.problems(f"{place} {name}", described["schema"], value)
    for name in query:
        if ("query", name) not in operation.parameters and name not in {"per_page", "page"}:
            yield f"GitHub knows no query parameter {name!r}"


def _unstated_limits(path: str, body: Any) -> Iterator[str]:
    """Limits that GitHub enforces and its schema does not state."""
    if not isinstance(body, dict):
        return
    if "/statuses/" in path and len(body.get("description") or "") > _STATUS_DESCRIPTION:
        yield "a status description has at most 140 characters"
    if "/comments" in path and len(body.get("body") or "") > _COMMENT:
        yield "a comment has at most 65,536 characters"
    output = body.get("output") or {}
    for each in output.get("annotations") or []:
        if each.get("start_line") != each.get("end_line") and (
            "start_column" in each or "end_column" in each
        ):
            yield "columns only on annotations of one line"


def request_problems(method: str, path: str, query: Mapping[str, str], body: Any) -> list[str]:
    """What GitHub would not accept, or would silently ignore, of a request (path without /api/v3)."""
    if any(path.startswith(known) for known in _NOT_DESCRIBED):
        return []
    operation = operation_for(method, path)
    if operation is None:
        return [f"no such operation: {method} {path}"]
    found = list(_parameter_problems(operation, path, query))
    if operation.body is None:
        return [*found, *(["no body expected"] if body else [])]
    if body is None:
        return [*found, *(["body missing"] if operation.body_required else [])]
    found += operation.problems("body", operation.body, body)
    found += _unknown_keys(operation.body, body, "")
    return [*found, *_unstated_limits(path, body)]


def answer_problems(method: str, path: str, status: int, body: Any) -> list[str]:
    """How an answer differs from what GitHub describes. Errors need only their `message`."""
    if any(path.startswith(known) for known in _NOT_DESCRIBED):
        path = "/repos/owner/repo"
    operation = operation_for(method, path)
    if operation is None:
        return [f"no such operation: {method} {path}"]
    if (status == 304 and method == "GET") or status in {301, 307}:
        return []  # every read can be revalidated and every repository renamed, only some operations say so
    described = operation.responses.get(str(status))
    if described is None:
        errs = status >= 400 and isinstance(body, dict) and "message" in body
        return [] if errs else [f"status {status} is not described for {method} {path}"]
    schema = (described.get("content") or {}).get("application/json", {}).get("schema")
    found = operation.problems(f"answer {status}", schema, body) if schema else ()
    # a deleted fork: described as nullable for deliveries only, and null in both
    return [each for each in found if not each.endswith('head.repo: null is not of type "object"')]


@cache
def _webhooks() -> tuple[Mapping[str, Any], Any]:
    text = contracts("github-webhooks", "schemas", "openapi-webhooks-12.1.0.json").read_bytes()
    description = json.loads(text)
    return description, jsonschema_rs.Registry([("urn:webhooks", description)])


@cache
def _webhook(name: str) -> tuple[Mapping[str, Any], Any] | None:
    description, registry = _webhooks()
    found = description["webhooks"].get(name)
    if found is None:
        return None
    reference = found["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = {"$ref": f"urn:webhooks{reference}"}
    return found["post"], jsonschema_rs.Draft202012Validator(schema, registry=registry)


def delivery_problems(event: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> list[str]:
    """How a delivery differs from GitHub's published webhook (header names in lower case)."""
    action = payload.get("action")
    name = "-".join([event, str(action)] if action else [event]).replace("_", "-")
    webhook = _webhook(name)
    if webhook is None:
        return [f"GitHub describes no webhook {name}"]
    described, validator = webhook
    found = [
        f"header {each['name']} is missing"
        for each in described["parameters"]
        if each.get("required") and each["name"].lower() not in headers
    ]
    for error in validator.iter_errors(payload):
        where = ".".join(str(part) for part in error.instance_path)
        if re.search(r"\.app\.events\.\d+$", where):
            continue  # some webhooks list the events an app may have as of years ago, without merge_group
        found.append(f"{name} {where}: {error.message[:200]}")
    return found
