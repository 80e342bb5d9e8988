"""Who is obeyed by what the forge tells of them, and what becomes of a command that cannot be read."""

from app.practice import Comment, Fault, PullRequest, Repository
from tests.support.aftermath import audit, later, like_github
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage

GATE = """\
version: 1
checks:
  lint: {run: "true"}
gate:
  - has_label('reviewed')
settings:
  commands: {override: [bob, carol]}
"""
HOUR = 3600.0


async def opened(scene: Stage) -> tuple[Repository, PullRequest]:
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
    await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    return repo, pull


async def override(scene: Stage, repo: Repository, pull: PullRequest, by: str) -> str:
    body = f"/portcullis override because it is urgent {pull.head_sha}"
    await scene.forge.comment(by, repo, pull, body)
    await scene.settled()
    (comment,) = scene.comments(repo, pull)
    return comment.body


async def test_who_pushed_to_a_change_does_not_let_it_pass_whoever_opened_it(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        await scene.forge.push("bob", repo, "topic", {"a.py": "print(3)\n"})
        await scene.settled()
        assert "the author of a change cannot override it" in await override(scene, repo, pull, "bob")
        assert scene.verdict(repo, pull).conclusion != "success"
        assert "no write access to this repository now" in await override(scene, repo, pull, "carol")
        repo.permissions["carol"] = "write"
        assert "by carol was accepted" in await override(scene, repo, pull, "carol")
        assert scene.verdict(repo, pull).conclusion == "success"
        (entry,) = [one for one in await audit(scene) if one.verb == "command.obeyed"]
        assert '"because":"it is urgent"' in str(entry.details["override"])
        like_github(scene)


def reads(scene: Stage, comment: Comment) -> int:
    return sum(
        seen.method == "GET" and seen.path.endswith(f"/comments/{comment.id}")
        for seen in scene.world.requests
    )


async def test_a_command_that_cannot_be_read_is_tried_ever_more_rarely_and_given_up(tmp_path):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        repo, pull = await opened(scene)
        scene.world.faults.append(Fault(times=10_000, path=r"/issues/comments/\d+$", status=403))
        comment = await scene.forge.comment("bob", repo, pull, "/portcullis recheck")
        await scene.settled()
        for _ in range(30):
            await later(scene, clock, HOUR)
        tried = reads(scene, comment)
        assert 10 < tried < 60
        (entry,) = [one for one in await audit(scene) if one.verb == "command.given_up"]
        assert entry.details["comment"] == comment.id
        for _ in range(5):
            await later(scene, clock, HOUR)
        assert reads(scene, comment) == tried
