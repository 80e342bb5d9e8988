"""Where a check stands that waits for uploaded reports, decided from what was uploaded."""

import hashlib

import msgspec
import pytest

from app.engine.rules import first_results, move
from app.engine.sent import Sender, Sent, UploadRefused, Why, checked, is_upload_path
from app.engine.standings import Moved, Standings
from app.engine.uploaded import declared
from app.model import (
    CheckRow,
    CheckSpec,
    Conclusion,
    External,
    Kind,
    Need,
    Plan,
    ReportSpec,
    Sha,
    Status,
    Upload,
    Uploader,
    UploadReading,
)
from tests.unit.policy.world import CHANGE, compare

NOW = 1000.0
SPEC = CheckSpec(
    id="ci",
    key="ci",
    external=External(upload="ci"),
    reports=(
        ReportSpec(path="junit-*.xml", kind=Kind.TESTS),
        ReportSpec(path="cov/coverage.xml", kind=Kind.COVERAGE),
        ReportSpec(path="lint.sarif", kind=Kind.FINDINGS, optional=True),
    ),
    produces=(Kind.TESTS, Kind.COVERAGE, Kind.FINDINGS),
    timeout=600.0,
)
CI = Uploader(key="token:ci", says="token ci")
OTHER = Uploader(key="token:other", says="token other")


def file(path: str, content: str = "", by: Uploader = CI, name: str = "ci") -> Upload:
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Upload(
        name=name, path=path, head_sha=CHANGE.head_sha, uploader=by, digest=digest, size=len(content)
    )


class Table:
    """One run, decided again and again while files come in."""

    def __init__(self, spec: CheckSpec = SPEC, *more: CheckSpec) -> None:
        self.plan = Plan(path="", policy_sha="", gate_hash="", checks=(*more, spec))
        self.rows = {
            result.key: CheckRow(id=n, run_id=1, result=result)
            for n, result in enumerate(first_results(self.plan, NOW), 1)
        }
        self.files: list[Upload] = []

    def decide(self, *files: Upload, now: float = NOW) -> Moved:
        for new in files:
            same = (new.name, new.path, new.uploader.key)
            self.files = [one for one in self.files if (one.name, one.path, one.uploader.key) != same]
            self.files.append(new)
        state = Standings(
            plan=self.plan,
            change=CHANGE,
            comparison=compare(),
            rows=tuple(self.rows.values()),
            reports={},
            uploads=tuple(sorted(self.files, key=lambda one: (one.path, one.uploader.key))),
        )
        decision = move(state, now)
        self.rows |= {row.result.key: row for row in decision.rows}
        return decision

    def read(self, digest: str, evidence_id: int | None = 7, **says: object) -> None:
        reading = UploadReading(digest=digest, evidence_id=evidence_id, delivered=("tests",), **says)
        self.rows["ci"] = msgspec.structs.replace(self.rows["ci"], reading=reading)

    def digest(self) -> str:
        from app.engine.uploaded import gather

        return gather(
            SPEC, tuple(sorted(self.files, key=lambda one: (one.path, one.uploader.key))), CHANGE
        ).digest

    @property
    def ci(self) -> tuple[Status, Conclusion | None, str]:
        result = self.rows["ci"].result
        return result.status, result.conclusion, result.reason


ALL = (file("junit-1.xml"), file("cov/coverage.xml"))


def test_it_waits_until_every_required_report_is_there():
    table = Table()
    decision = table.decide()
    head = CHANGE.head_sha[:7]
    assert table.ci == (
        Status.WAITING,
        None,
        f"waits for upload ci for head {head}: junit-*.xml, cov/coverage.xml",
    )
    assert decision.wake_at == NOW + 600
    table.decide(ALL[0])
    assert table.ci[2] == f"waits for upload ci for head {head}: cov/coverage.xml (1 here)"
    decision = table.decide(ALL[1])
    assert decision.read == ("ci",)
    assert table.ci == (Status.WAITING, None, "its reports are being read")
    assert table.decide().read == ("ci",), "asked for again until it was read"
    table.read(table.digest())
    decision = table.decide()
    assert (decision.read, decision.wake_at) == ((), None)
    assert table.ci == (Status.COMPLETED, Conclusion.SUCCESS, "")
    assert table.rows["ci"].evidence_id == 7
    assert table.rows["ci"].result.origin == "uploaded by token ci"


def test_a_replaced_file_is_read_anew_and_an_added_one_too():
    table = Table()
    table.decide(*ALL)
    table.read(table.digest())
    table.decide()
    for more in (
        file("junit-1.xml", "new"),
        file("junit-2.xml"),
        file("junit-1.xml", by=OTHER),
        file("lint.sarif"),
    ):
        decision = table.decide(more)
        assert decision.read == ("ci",), more
        assert table.ci[0] is Status.WAITING
        assert table.rows["ci"].evidence_id is None, "what it replaces does not count any more"
        table.read(table.digest())
        table.decide()
        assert table.ci[0] is Status.COMPLETED
    assert table.rows["ci"].result.origin == "uploaded by token ci, token other"
    for nothing in (file("notes.txt"), file("junit-1.xml", name="other"), file("deep/junit-1.xml")):
        assert table.decide(nothing).read == (), nothing


def test_it_times_out_and_a_later_upload_still_counts():
    table = Table()
    table.decide(ALL[0], now=NOW + 599)
    assert table.ci[0] is Status.WAITING
    assert table.decide(now=NOW + 600).wake_at is None
    assert table.ci == (
        Status.COMPLETED,
        Conclusion.TIMED_OUT,
        "upload ci: cov/coverage.xml not uploaded within 10 min",
    )
    assert table.decide(now=NOW + 9000).rows == ()
    assert table.decide(ALL[1], now=NOW + 9000).read == ("ci",)
    table.read(table.digest())
    table.decide(now=NOW + 9001)
    assert table.ci[1] is Conclusion.SUCCESS


def test_it_waits_for_as_many_shards_as_are_declared():
    spec = msgspec.structs.replace(
        SPEC,
        external=External(upload="ci", shards=3),
        reports=(
            ReportSpec(path="junit.xml", kind=Kind.TESTS),
            ReportSpec(path="*/coverage.xml", kind=Kind.COVERAGE),
            ReportSpec(path="lint.sarif", kind=Kind.FINDINGS, optional=True),
        ),
    )
    table = Table(spec)
    head = CHANGE.head_sha[:7]
    jobs = [Uploader(key=f"token:ci:{n}", says=f"token ci, job {n}") for n in range(3)]
    for job in jobs[:2]:
        decision = table.decide(file("junit.xml", by=job), file("1/coverage.xml", by=job))
        assert decision.read == ()
    waits = (
        f"waits for upload ci for head {head}: 2 of 3 shards of junit.xml, 2 of 3 shards of */coverage.xml"
    )
    assert table.ci == (Status.WAITING, None, f"{waits} uploaded")
    table.decide(file("junit.xml", "again", by=jobs[1]))
    assert table.ci[2] == f"{waits} uploaded", "a job that runs again is no further shard"
    table.decide(file("junit.xml", by=jobs[2]), file("lint.sarif", by=jobs[2]))
    assert table.ci[2] == f"waits for upload ci for head {head}: 2 of 3 shards of */coverage.xml uploaded"
    table.decide(now=NOW + 600)
    assert table.ci == (
        Status.COMPLETED,
        Conclusion.TIMED_OUT,
        "upload ci: only 2 of 3 shards of */coverage.xml uploaded within 10 min",
    )
    # by the folder they lie in shards are told apart too
    assert table.decide(file("2/coverage.xml", by=jobs[1]), now=NOW + 700).read == ("ci",)


@pytest.mark.parametrize(
    ("says", "judged", "conclusion", "reason"),
    [
        ({}, False, Conclusion.SUCCESS, ""),
        ({"bad": "2 failed tests"}, True, Conclusion.SUCCESS, "2 failed tests; the gate judges it"),
        (
            {"bad": "1 finding"},
            False,
            Conclusion.FAILURE,
            "1 finding, and not all of its reports are judged by a condition",
        ),
        (
            {"bad": "1 finding", "secrets": True},
            True,
            Conclusion.FAILURE,
            "1 finding, and no condition judges the secrets among it (secrets.new == 0 would)",
        ),
        (
            {"problems": ("report unreadable: a.xml: line 1",)},
            True,
            Conclusion.FAILURE,
            "report unreadable: a.xml: line 1",
        ),
        ({"problems": ("x",), "errors": ("a mistake of ours",)}, True, Conclusion.ERROR, "a mistake of ours"),
    ],
)
def test_how_it_ends(says, judged, conclusion, reason):
    table = Table(msgspec.structs.replace(SPEC, findings_succeed=judged))
    table.decide(*ALL)
    table.read(table.digest(), **says)
    table.decide()
    assert table.ci == (Status.COMPLETED, conclusion, reason)


def test_a_job_of_another_pull_request_does_not_count():
    assert CHANGE.number is not None
    for pull, counts in ((CHANGE.number, True), (CHANGE.number + 1, False)):
        by = msgspec.structs.replace(CI, pull=pull)
        table = Table()
        decision = table.decide(file("junit-1.xml", by=by), file("cov/coverage.xml", by=by))
        assert (decision.read == ("ci",)) is counts


def test_what_it_needs_comes_first():
    lint = CheckSpec(id="lint", key="lint", script="x")
    table = Table(msgspec.structs.replace(SPEC, needs=(Need(check="lint"),)), lint)
    assert table.decide(*ALL).read == ()
    assert table.ci == (Status.WAITING, None, "waits for lint")
    ended = msgspec.structs.replace(
        table.rows["lint"].result, status=Status.COMPLETED, conclusion=Conclusion.FAILURE
    )
    table.rows["lint"] = msgspec.structs.replace(table.rows["lint"], result=ended)
    table.decide()
    assert table.ci[:2] == (Status.COMPLETED, Conclusion.SKIPPED)


def test_the_first_declared_report_that_matches_is_the_one():
    spec = msgspec.structs.replace(
        SPEC,
        reports=(
            ReportSpec(path="./a/*.xml"),
            ReportSpec(path="a/b.xml", flag="x"),
            ReportSpec(path="**/c.xml"),
        ),
    )
    found = {
        path: declared(spec, path) for path in ("a/b.xml", "x/y/c.xml", "c.xml", "b/a/b.xml", "a/deep/b.xml")
    }
    assert {path: one.path if one else None for path, one in found.items()} == {
        "a/b.xml": "./a/*.xml",
        "x/y/c.xml": "**/c.xml",
        "c.xml": "**/c.xml",
        "b/a/b.xml": None,
        "a/deep/b.xml": None,
    }


SENDER = Sender(repository_id=1, repository="acme/shop", uploader=CI)
HEAD = "a" * 40


def sent(**fields: object) -> Sent:
    return Sent(**{"head_sha": HEAD, "name": "ci", "files": (("junit.xml", b"x"),), **fields})


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"head_sha": "a" * 39}, Why.MALFORMED),
        ({"head_sha": "A" * 40}, Why.MALFORMED),
        ({"head_sha": "main"}, Why.MALFORMED),
        ({"name": ""}, Why.MALFORMED),
        ({"name": "a/b"}, Why.MALFORMED),
        ({"name": "a\n"}, Why.MALFORMED),
        ({"root": "work"}, Why.MALFORMED),
        ({"root": "/work\x00"}, Why.MALFORMED),
        ({"files": ()}, Why.MALFORMED),
        ({"files": (("../a", b""),)}, Why.MALFORMED),
        ({"files": (("a", b""), ("a", b"x"))}, Why.MALFORMED),
        ({"repository": "acme/other"}, Why.ABSENT),
    ],
)
def test_what_may_not_be_uploaded(fields, why):
    with pytest.raises(UploadRefused) as refused:
        checked(SENDER, sent(**fields))
    assert refused.value.why is why


def test_what_may_be_uploaded():
    assert checked(SENDER, sent(repository="ACME/Shop", root="/home/runner/work")) == HEAD
    assert checked(SENDER, sent(head_sha="a" * 64)) == "a" * 64
    bound = msgspec.structs.replace(SENDER, uploader=msgspec.structs.replace(CI, sha=Sha(HEAD)))
    assert checked(bound, sent()) == HEAD
    with pytest.raises(UploadRefused) as refused:
        checked(bound, sent(head_sha="b" * 40))
    assert refused.value.why is Why.FORBIDDEN
    for path in ("junit.xml", "a/b/c.xml", "Ünïcode.xml", ".hidden"):
        assert is_upload_path(path)
    for path in ("", "/a", "a/", "a//b", "./a", "a/../b", "a\\b", "a\nb", "é" * 200, "a\u202eb"):
        assert not is_upload_path(path), path
