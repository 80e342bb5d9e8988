"""The published GitHub deliveries, and one line on what an event says."""

import json
from collections.abc import Iterator

import msgspec

from app.model import Event
from tests.support.contracts import contracts

_HIDDEN = {"repository", "change", "sender", "author", "body", "added", "kind"}


def published(*sources: str) -> Iterator[tuple[str, str, bytes]]:
    """(name, event, body) of each delivery in `payloads`, `synthetic` or (npm) `examples`."""
    if "payloads" in sources:
        for path in sorted(contracts("github-webhooks", "payloads").glob("*/*.json")):
            yield f"{path.parent.name}/{path.name.removesuffix('.json')}", path.parent.name, path.read_bytes()
    if "synthetic" in sources:
        for path in sorted(contracts("github-webhooks", "synthetic").glob("*.json")):
            yield f"synthetic/{path.stem}", path.name.partition(".")[0], path.read_bytes()
    if "examples" in sources:
        groups = json.loads(contracts("github-webhooks", "examples-npm-7.6.1.json").read_bytes())
        for group in groups:
            for number, example in enumerate(group["examples"]):
                yield f"{group['name']}/{number}", group["name"], json.dumps(example).encode()


def told(event: Event) -> str:
    """An event on one line: its type, and what it says in few words."""
    facts = msgspec.to_builtins(event)
    words = [type(event).__name__]
    if "repository" in facts:
        words.append(facts["repository"]["full_name"])
    if "change" in facts:
        change = facts["change"]
        flags = [flag for flag in ("from_fork", "draft") if change[flag]]
        words += [change["key"][:12], change["state"], f"{change['head_ref']}→{change['base_ref']}", *flags]
    words += [
        f"{key}={str(value)[:40]}"
        for key, value in facts.items()
        if key not in _HIDDEN | {"type"} and value not in ("", None, False, [], 0)
    ]
    if "added" in facts:
        words.append(f"added={','.join(each['full_name'] for each in facts['added'])}")
    return " ".join(words)
