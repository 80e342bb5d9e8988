"""The audit trail: chained by the sweep, signed by day, verified by the command line, never altered unseen."""

import json

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.engine import AuditSigner, verify
from app.model import AuditHead, AuditLink, link_hash
from app.store import audit_chain
from tests.flow.test_command_line import environment_of, portcullis
from tests.support.aftermath import audit, later
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage

GATE = "version: 1\nchecks:\n  lint: {run: 'true'}\n"


async def some_days(scene: Stage, clock: HandTurnedClock) -> None:
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"})
    await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    await later(scene, clock, 86_400)
    await scene.forge.comment("alice", repo, pull, "/portcullis recheck")
    await scene.settled()
    await later(scene, clock, 86_400)


def alter(scene: Stage, statement: str) -> None:
    """As somebody with the database's password does who removes what is in the way."""
    with scene.program.database.engine.begin() as connection:
        if scene.program.database.is_sqlite:
            for name in ("audit_kept", "audit_as_written", "audit_heads_kept", "audit_heads_as_written"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
            connection.execute(text("ALTER TABLE audit_heads DISABLE TRIGGER ALL"))
        connection.execute(text(statement))


async def test_what_was_put_on_record_is_chained_signed_and_whole(tmp_path, database_url):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=database_url) as scene:
        await some_days(scene, clock)
        environment = environment_of(scene.program.settings)
        status, out, err = await portcullis(environment, "audit", "verify", "--format", "json")
        assert out, err
        found = json.loads(out)
        assert (status, found["whole"], found["unsealed"]) == (0, True, 0), err
        assert found["chain"]["last"] == len(await audit(scene)) > 3
        _, key, _ = await portcullis(environment, "audit", "key")
        assert found["chain"]["keys"] == [key.strip()]
        assert found["chain"]["heads"] == 2
        _, exported, _ = await portcullis(environment, "audit", "export")
        kept = tmp_path / "kept.jsonl"
        kept.write_text(exported)
        elsewhere = ("audit", "verify", "--file", str(kept), "--key", key.strip())
        assert (await portcullis(environment, *elsewhere))[0] == 0
        assert (await portcullis(environment, "audit", "verify", "--file", str(kept)))[0] == 0, "ours"
        _, part, _ = await portcullis(environment, "audit", "export", "--after", "2")
        rest = tmp_path / "rest.jsonl"
        rest.write_text(part)
        of_rest = ("audit", "verify", "--file", str(rest))
        assert (await portcullis(environment, *of_rest, "--after", "2"))[0] == 0
        status, _, err = await portcullis(environment, *of_rest)
        assert (status, "entries 1 to 2 are missing" in err) == (1, True)
        kept.write_text(exported.replace("recheck", "explain", 1))
        status, out, err = await portcullis(environment, *elsewhere)
        assert (status, out.startswith("broken")) == (1, True)
        assert "was altered" in err


@pytest.mark.parametrize(
    ("act", "says"),
    [
        ("UPDATE audit SET hash = '0' WHERE seq = 2", "entry 2 was altered"),
        ("DELETE FROM audit WHERE seq = 2", "entries 2 to 2 are missing"),
        ("DELETE FROM audit WHERE seq >= 3", "the chain ended at"),
        ("DELETE FROM audit WHERE seq = 1", "entries 1 to 1 are missing"),
        ("UPDATE audit_heads SET signature = 'ab'", "the signature of the head of"),
        ("DELETE FROM audit_heads", ""),
    ],
)
async def test_whoever_alters_the_record_is_found_out(tmp_path, database_url, act, says):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=database_url) as scene:
        await some_days(scene, clock)
        with (
            pytest.raises(DBAPIError, match="append-only"),
            scene.program.database.engine.begin() as connection,
        ):
            connection.execute(text(act))
        alter(scene, act)
        environment = environment_of(scene.program.settings)
        if not says:  # seen by what was kept elsewhere only
            return
        status, _, err = await portcullis(environment, "audit", "verify")
        assert status == 1
        assert says in err


def link(seq: int, previous: str, entry: bytes) -> AuditLink:
    return AuditLink(
        seq=seq, previous=previous, entry=msgspec.Raw(entry), hash=link_hash(previous, seq, entry)
    )


def head(signer: AuditSigner, day: str, last: AuditLink) -> AuditHead:
    plain = AuditHead(day=day, seq=last.seq, hash=last.hash, key=signer.key, signature="")
    return msgspec.structs.replace(plain, signature=signer.sign(plain.signed_text))


def test_a_chain_made_anew_does_not_lead_through_a_head_kept_elsewhere():
    signer, other = AuditSigner("ours" * 16), AuditSigner("theirs" * 16)
    first = link(1, "", b"{}")
    chain = [first, link(2, first.hash, b"{}")]
    forged = [link(1, "", b'{"verb":"none"}')]
    forged.append(link(2, forged[0].hash, b"{}"))
    kept = head(signer, "2026-03-02", chain[1])
    assert verify(chain, [kept], keys=[signer.key]).problems == ()
    assert verify(forged, [kept]).problems == ("entry 2 is not the one that ended the chain on 2026-03-02",)
    assert verify(chain, [head(other, "2026-03-02", chain[1])], keys=[signer.key]).problems == (
        f"the head of 2026-03-02 is signed by another key, {other.key}",
    )
    wrong = msgspec.structs.replace(kept, signature=other.sign(kept.signed_text))
    assert verify(chain, [wrong]).problems == ("the signature of the head of 2026-03-02 is wrong",)
    assert verify([chain[1]], [kept]).problems == ("entries 1 to 1 are missing",)
    assert verify([chain[1]], [kept], after=1).problems == ()


def test_every_head_is_looked_at():
    """Of two for one place too, and those of places that are not there."""
    signer, other = AuditSigner("ours" * 16), AuditSigner("theirs" * 16)
    first = link(1, "", b"{}")
    second = link(2, first.hash, b"{}")
    chain = [first, second, link(3, second.hash, b"{}")]
    good, late = head(signer, "2026-03-03", second), head(signer, "2026-03-04", second)
    junk = msgspec.structs.replace(head(other, "2026-03-02", second), hash="1" * 64)
    assert verify(chain, [good, late], keys=[signer.key]).problems == ()
    assert verify(chain, [junk, good], keys=[signer.key]).problems == (
        "entry 2 is not the one that ended the chain on 2026-03-02",
    )
    assert verify([first, chain[2]], [good]).problems == (
        "entries 2 to 2 are missing",
        "entry 2, which ended the chain on 2026-03-03, is missing",
    )
    assert verify([], [good]).problems == ("the chain ended at 2 on 2026-03-03; now it ends at 0",)


async def test_an_export_that_somebody_else_made_and_signed_is_not_ours(tmp_path):
    signer = AuditSigner("theirs" * 16)
    made = link(1, "", b'{"verb":"forged"}')
    forged = tmp_path / "forged.jsonl"
    forged.write_bytes(
        msgspec.json.encode(made) + b"\n" + msgspec.json.encode(head(signer, "2026-03-02", made)) + b"\n"
    )
    environment = {"PORTCULLIS_DATA_DIR": str(tmp_path / "data"), "PORTCULLIS_SECRET_KEY": "k" * 40}
    looked = ("audit", "verify", "--file", str(forged))
    status, _, err = await portcullis(environment, *looked)
    assert (status, "is signed by another key" in err) == (1, True)
    status, _, err = await portcullis(environment, *looked, "--any-key")
    assert (status, f"signed by {signer.key}" in err) == (0, True)
    assert (await portcullis(environment, *looked, "--any-key", "--key", signer.key))[0] == 2


async def test_entries_are_sealed_in_order_in_batches(tmp_path, database_url):
    async with stage(tmp_path, database_url=database_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        database = scene.program.database
        entries = len(await audit(scene))
        assert await database.run(lambda unit: audit_chain.seal(unit, 1)) == 1
        assert await database.read(audit_chain.unsealed) == entries - 1
        while await database.run(lambda unit: audit_chain.seal(unit, 2)):
            pass
        found = await database.read(lambda c: audit_chain.links(c, 0, 1000))
        assert [one.seq for one in found] == list(range(1, entries + 1))
        assert verify(found, ()).problems == ()
        assert await database.read(lambda c: audit_chain.links(c, 1, 1)) == found[1:2]
