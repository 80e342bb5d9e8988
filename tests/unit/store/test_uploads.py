"""Uploaded files as rows: one per uploader and name, forgotten when nobody can ask for them any more."""

import msgspec
import pytest

from app.model import Change, ChangeKind, Repository, RunStatus, Sha, Upload, Uploader
from app.store import Database, changes, projects, runs, uploads

HEAD, OTHER = Sha("a" * 40), Sha("b" * 40)
CI = Uploader(key="token:ci", says="token ci")


@pytest.fixture
def database(migrated_url: str):
    made = Database(migrated_url)
    yield made
    made.close()


@pytest.fixture
def repository_id(database) -> int:
    repository = Repository(
        forge="github",
        forge_id=7,
        full_name="acme/shop",
        installation_id=3,
        default_branch="main",
        private=False,
        clone_url="",
    )
    with database.unit() as unit:
        return projects.upsert_repository(unit, repository, 0.0)


def file(
    content: bytes = b"x", *, path: str = "junit.xml", head: Sha = HEAD, at: float = 0.0, run: str = ""
) -> Upload:
    uploader = Uploader(key=CI.key, says=CI.says, run=run)
    return Upload(name="ci", path=path, head_sha=head, uploader=uploader, digest=content.hex(), size=1, at=at)


def keep(database: Database, repository_id: int, upload: Upload, content: bytes = b"x") -> str:
    with database.unit() as unit:
        return uploads.keep_upload(unit, repository_id, upload, uploads.compress(content))


def test_a_file_is_kept_replaced_or_known(database, repository_id):
    assert keep(database, repository_id, file(b"x")) == "stored"
    assert keep(database, repository_id, file(b"x", at=5.0)) == "unchanged"
    assert keep(database, repository_id, file(b"y", at=6.0), b"y") == "replaced"
    assert keep(database, repository_id, file(b"y", path="b.xml")) == "stored"
    with database.engine.connect() as connection:
        found = uploads.uploads_on(connection, repository_id, HEAD)
        assert [(one.path, one.digest, one.at) for one in found] == [
            ("b.xml", b"y".hex(), 0.0),
            ("junit.xml", b"y".hex(), 6.0),
        ]
        assert uploads.read_upload(connection, found[1]) == b"y"
        assert uploads.read_upload(connection, msgspec.structs.replace(found[1], id=10**6)) is None
        as_it_was = msgspec.structs.replace(found[1], digest=b"x".hex())
        assert uploads.read_upload(connection, as_it_was) is None, "these are other bytes"
        assert uploads.uploads_on(connection, repository_id, OTHER) == ()
        assert uploads.uploads_on(connection, repository_id + 1, HEAD) == ()
        assert uploads.count_on(connection, repository_id, HEAD) == 2
        assert uploads.bytes_of(connection, repository_id) == 2 * len(uploads.compress(b"y"))
        assert uploads.bytes_of(connection, repository_id + 1) == 0


def test_within_one_run_of_ci_the_first_stays(database, repository_id):
    assert keep(database, repository_id, file(b"x", run="1.1")) == "stored"
    assert keep(database, repository_id, file(b"y", run="1.1")) == "taken"
    assert keep(database, repository_id, file(b"x", run="1.1")) == "unchanged"
    assert keep(database, repository_id, file(b"y", run="1.2")) == "replaced"


def test_old_files_are_forgotten_unless_a_live_run_may_read_them(database, repository_id):
    for head in (HEAD, OTHER):
        for at in (10.0, 90.0):
            keep(database, repository_id, file(head=head, at=at, path=f"{at}.xml"))
    change = Change(
        kind=ChangeKind.PULL_REQUEST, key="pr-1", number=1, base_ref="main", head_ref="x", head_sha=HEAD
    )
    with database.unit() as unit:
        change_id = changes.upsert_change(unit, repository_id, change, 0.0)
        run_id = runs.open_run(
            unit, repository_id=repository_id, change_id=change_id, head_sha=HEAD, base_ref="main", now=0.0
        )
    with database.unit() as unit:
        assert uploads.oldest(unit.connection) == 10.0
        assert uploads.prune_uploads(unit, 50.0) == 0, "what would be left would say less than was read"
        assert uploads.prune_uploads(unit, 95.0) == 2
        assert uploads.count_on(unit.connection, repository_id, OTHER) == 0
        runs.end_run(unit, run_id, RunStatus.CLOSED, 1.0)
        assert uploads.prune_uploads(unit, 95.0) == 2
