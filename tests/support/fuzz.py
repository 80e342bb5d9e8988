"""Everything of ours that reads what strangers write, with samples to bend and what must hold whatever comes.

Each entry of a registry is a target of its own: a new report format or forge is fuzzed by being registered.
`tests/unit/fuzz` bends each sample a little in every run of the suite, `python -m tests.bench fuzz` for as long
as it is told.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.catalogue import catalogue
from app.forges import FORGES, Account, BadDelivery, Connection, Means
from app.language import check_expression, used
from app.language.parser import parse as parse_expression
from app.model import AuthorFault, ReportSpec
from app.plan import compile_plan, parse
from app.policy import vocabulary
from app.reports import FORMATS, ReadContext, ingest
from tests.support.prerequisites import REPOSITORY
from tests.unit.reports.reading import SAMPLES
from tests.unit.reports.test_ingest import EXPECTED

PIECES = (
    b"<", b">", b'"', b"'", b"{", b"}", b"[", b"]", b":", b",", b"null", b"true", b"-1", b"0", b"1e999", b"NaN",
    b"\\ud800", b"\\u0000", b"&x;", b"<!--", b"]]>", b"\x00", b"\xff", b"\xef\xbb\xbf", b"../", b"/", b"\n", b"\r\n",
    b"\t", b"  ", b"- ", b"? ", b"*a", b"&a", b"!!python/object:os.system", b"%", b"#", b"9" * 400, b"a" * 300,
    "\u202e".encode(), "é".encode(), b" and ", b" or ", b" not ", b"(", b")", b"==", b"30m", b"80%",
)  # fmt: skip
_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    10**400,
    "",
    "x" * 300,
    "\ud800",
    "\0",
    [],
    {},
    [[]],
    {"": None},
    [None],
)


def bend(rng: random.Random, content: bytes) -> bytes:
    """A sample with a few places cut out, put twice, swapped or replaced."""
    bent = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        at, length = rng.randint(0, len(bent)), rng.choice((0, 1, 2, 8, 40, 400))
        match rng.randint(0, 4):
            case 0:
                bent[at : at + length] = rng.choice(PIECES)
            case 1:
                bent[at : at + length] = rng.randbytes(rng.randint(0, 8))
            case 2:
                bent[at:at] = bent[at : at + length] * rng.choice((1, 2, 50))
            case 3:
                del bent[at : at + length]
            case _:
                other = rng.randint(0, len(bent))
                bent[at : at + length] = bent[other : other + length]
    return bytes(bent[:100_000])


def bend_value(rng: random.Random, value: Any) -> Any:
    """A JSON value with something of another kind, gone or twice at one place in it."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.15:
        return rng.choice(_ODD)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, bent = rng.choice(keys), value.copy()
    if rng.random() < 0.15:
        del bent[key]
    elif isinstance(bent, list) and rng.random() < 0.1:
        bent += [bent[key]] * 20
    else:
        bent[key] = bend_value(rng, bent[key])
    return bent


@dataclass(frozen=True)
class Target:
    """One reader. `holds` raises whatever must not be."""

    samples: Sequence[bytes]
    holds: Callable[[bytes], None]

    def once(self, rng: random.Random) -> bytes:
        """Bend a sample and read it; gives what was read. Raises what must not be, with the content noted."""
        content = rng.choice(self.samples)
        if rng.random() < 0.4:
            try:
                content = json.dumps(bend_value(rng, json.loads(content))).encode()
            except ValueError:
                content = bend(rng, content)
        else:
            content = bend(rng, content)
        try:
            self.holds(content)
        except Exception as error:
            error.add_note(f"content: {content!r}")
            raise
        return content


CONTEXT = ReadContext(
    tree_paths=lambda: {"a.py", "src/shop/prices.py"},
    sources=lambda path: b"one\ntwo\n" if path == "a.py" else None,
)


def _report(name: str) -> Callable[[bytes], None]:
    def holds(content: bytes) -> None:
        try:
            ingest(content, ReportSpec(path="out/x", format=name), context=CONTEXT)
        except AuthorFault as fault:
            sentence = fault.message
        else:
            return
        assert sentence.isprintable()
        assert 0 < len(sentence) < 1_000

    return holds


def _delivery(intake: Any, event: str) -> Callable[[bytes], None]:
    def holds(content: bytes) -> None:
        try:
            intake.read(event, content)
        except BadDelivery as bad:
            refused = bad.status
        else:
            return
        assert refused == 400

    return holds


def _gate_file(content: bytes) -> None:
    parsed = parse(content, "g.yml", catalogue())
    errors = [one for one in parsed.diagnostics if one.severity == "error"]
    assert (parsed.gatefile is None) == bool(errors)
    lines = content.count(b"\n") + content.count(b"\r") + 2
    assert all(1 <= one.line <= lines and one.column >= 1 and one.message for one in parsed.diagnostics)
    if parsed.gatefile is not None:
        compile_plan(parsed.gatefile, comparison=None, tree_paths=("a.py",), policy_sha="x")


def _expression(content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    for problem in check_expression(text, vocabulary(), context="gate", check_ids=("lint",)):
        assert problem.message
        assert problem.length >= 1
    parsed = parse_expression(text)
    assert (parsed.tree is None) <= bool(parsed.problems)
    assert isinstance(used(text).names, frozenset)


def _texts(folder: Path, pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob(pattern))]


def _everything() -> bytes:
    """One object with whatever a delivery may hold; each event reads its part."""
    person = {"login": "alice", "id": 7, "type": "User", "node_id": "x"}
    repository = {
        "id": 5, "full_name": "acme/shop", "private": False, "default_branch": "main", "owner": person,
        "clone_url": "https://github.com/acme/shop.git", "html_url": "https://github.com/acme/shop", "name": "shop",
    }  # fmt: skip
    sha, other, when = "a" * 40, "b" * 40, "2026-03-02T09:00:00Z"
    pull = {
        "number": 3, "title": "T", "body": "B", "state": "open", "draft": False, "merged": False, "user": person,
        "head": {"ref": "f", "sha": sha, "repo": repository}, "base": {"ref": "main", "sha": other, "repo": repository},
        "labels": [{"name": "x"}], "requested_reviewers": [person], "updated_at": when, "author_association": "MEMBER",
    }  # fmt: skip
    suite = {"id": 4, "head_sha": sha, "app": {"id": 9, "slug": "x"}, "pull_requests": [{"number": 3}]}
    said = {
        "id": 8, "name": "lint", "head_sha": sha, "status": "completed", "conclusion": "success", "external_id": "e",
        "check_suite": suite, "app": {"id": 9, "slug": "x"}, "output": {"title": "t"}, "started_at": when,
        "completed_at": when, "details_url": "https://x", "pull_requests": [{"number": 3, "head": {"sha": sha}}],
    }  # fmt: skip
    return json.dumps(
        {
            "action": "opened", "number": 3, "repository": repository, "sender": person, "pull_request": pull,
            "installation": {"id": 9, "account": person}, "repositories": [repository], "check_run": said,
            "repositories_added": [repository], "repositories_removed": [repository], "check_suite": suite,
            "merge_group": {"head_sha": sha, "head_ref": "refs/heads/gh-readonly-queue/main/pr-3-" + other,
                            "base_sha": other, "base_ref": "refs/heads/main", "head_commit": {"id": sha}},
            "issue": {"number": 3, "pull_request": {"url": "x"}, "user": person, "state": "open"},
            "comment": {"id": 6, "body": "/portcullis recheck", "user": person, "author_association": "OWNER"},
            "review": {"id": 6, "state": "approved", "user": person, "commit_id": sha, "submitted_at": when},
            "ref": "refs/heads/main", "before": other, "after": sha, "sha": sha, "context": "ci", "state": "success",
            "commits": [{"id": sha}], "head_commit": {"id": sha, "timestamp": when}, "created_at": when,
            "changes": {"base": {"ref": {"from": "dev"}}, "repository": {"name": {"from": "old"}}},
            "requested_action": {"identifier": "recheck|1"}, "hook_id": 1, "zen": "z", "label": {"name": "x"},
            "organization": person, "team": {"slug": "t"}, "member": person, "branches": [{"name": "main"}],
        }
    ).encode()  # fmt: skip


def targets() -> Mapping[str, Target]:
    """All of them by name."""
    samples = {name: (SAMPLES / name).read_bytes() for name in EXPECTED}
    found = {
        f"report {entry.name}": Target(
            [samples[name] for name, format_ in EXPECTED.items() if format_ == entry.name],
            _report(entry.name),
        )
        for entry in FORMATS
    }
    found["report of a kind not named"] = Target(list(samples.values()), _report(""))
    for forge in FORGES:
        there = Connection(name=forge.kind, kind=forge.kind, url="https://forge.example")
        intake = forge.intake(there, lambda: Account(secret="token", webhook_secret="secret"), Means())
        for event in sorted(intake.events):
            found[f"delivery {forge.kind} {event}"] = Target([_everything()], _delivery(intake, event))
    gates = [
        *_texts(REPOSITORY / "tests/scenarios", "*/gate.yml"),
        (REPOSITORY / ".portcullis.yml").read_bytes(),
    ]
    found["gate file"] = Target(gates, _gate_file)
    found["expression"] = Target([*map(str.encode, CONDITIONS)], _expression)
    return found


CONDITIONS = (
    "coverage.new >= 80% and tests.failed == 0",
    "findings('medium', 'new') == 0 or pr.labels == ['urgent']",
    "changed('app/**', '!**/*.md') and not pr.draft",
    "coverage.new - coverage.overall >= -0.2%",
    "checks.lint.seconds < 5m and checks.lint.passed",
    "rating.new in ['A', 'B'] and approvals >= 2",
    "(tests.failed + 1) * 2 / 3 <= size.added % 7",
)
