"""What all processes of a fleet create on a forge is counted together, exactly."""

import asyncio
from pathlib import Path

from app.engine import SharedLedger
from app.forges import GitHubForge, Limits
from app.forges.importance import Importance, asking_for
from app.model import Outage
from app.store import Database
from tests.support.github_stage import staged


async def test_many_that_ask_at_once_get_no_more_than_there_is(migrated_url: str) -> None:
    database = Database(migrated_url)
    ledgers = [SharedLedger(database, "github") for _ in range(2)]

    def free_at(spent: object) -> float:
        return 1000.0 if len(list(spent)) < 7 else 1060.0

    asked = (ledgers[number % 2].take(5, 1000.0, free_at) for number in range(20))
    got = await asyncio.gather(*asked)
    assert sorted(got) == [1000.0] * 7 + [1060.0] * 13
    assert await ledgers[0].take(6, 1000.0, free_at) == 1000.0, "another installation has its own"
    assert await ledgers[0].take(5, 1000.0 + 3600, free_at) == 1000.0, "after an hour all is forgotten"
    database.close()


async def test_two_processes_share_the_limit_of_content(tmp_path: Path, migrated_url: str) -> None:
    database = Database(migrated_url)
    limits = Limits(points_per_minute=0, content_per_minute=10, content_per_hour=500)
    async with staged(tmp_path) as stage:
        await stage.practice.push("alice", stage.repo, "topic", {"a": "b"})
        pull = await stage.practice.open_pull_request("alice", stage.repo, "topic")
        comment = await stage.practice.comment("bob", stage.repo, pull, "hello")
        both = [stage.client(limits=limits, ledger=SharedLedger(database, "github")) for _ in range(2)]

        async def react(forge: GitHubForge) -> bool:
            asking_for.set(Importance.COMMENT)
            try:
                await forge.react(stage.repository, comment.number, comment.id, "eyes")
            except Outage:
                return False
            return True

        found = [await react(both[number % 2]) for number in range(16)]
        alone = [await react(stage.client(limits=limits)) for _ in range(1)]
    assert found.count(True) == 10
    assert found == sorted(found, reverse=True)
    assert alone == [True], "one that does not ask the others would go on"
    database.close()
