"""Approvals do not count from whoever wrote the change, whatever address git knows them by."""

import subprocess

from app.practice import Repository, Signature
from tests.support.aftermath import like_github
from tests.support.service import stage

GATE = """\
version: 1
checks:
  lint: {run: "true"}
gate:
  - checks.passed
  - approvals >= 1
"""
AT = 1_767_000_000


def many_commits(repo: Repository, branch: str, count: int, *, last: str) -> str:
    """Grow a branch by commits of alice's, the newest by `last`; gives its tip."""
    script = f"""
        set -e
        tree=$(git rev-parse main^{{tree}}); tip=$(git rev-parse main)
        export GIT_COMMITTER_NAME=alice GIT_COMMITTER_EMAIL=alice@acme.example GIT_AUTHOR_NAME=alice
        blob=$(echo 'print(3)' | git hash-object -w --stdin)
        tree=$( (git ls-tree main | grep -v a.py; printf '100644 blob %s\ta.py\n' "$blob") | git mktree)
        for n in $(seq {count}); do
          tip=$(GIT_AUTHOR_EMAIL=alice@acme.example git commit-tree -p "$tip" -m "$n" "$tree" </dev/null)
        done
        tip=$(GIT_AUTHOR_EMAIL={last} git commit-tree -p "$tip" -m last "$tree" </dev/null)
        git update-ref refs/heads/{branch} "$tip"; echo "$tip"
    """
    done = subprocess.run(
        ["bash", "-c", script], cwd=repo.directory, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


async def test_an_author_known_by_a_private_address_cannot_approve(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        repo.permissions["carol"] = "write"
        bob = scene.world.account("bob")
        bob.name = "Bob Builder"
        git = Signature(name="bob builder", email="bob@home.example", at=AT)
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main", author=git)
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.forge.review("bob", repo, pull, "APPROVED")
        await scene.settled()
        run = scene.verdict(repo, pull)
        assert run.conclusion == "action_required"
        doubt = "an approval by bob does not count: they may be bob builder"
        assert doubt in str(run.text).replace("\u200b", "")
        await scene.forge.review("carol", repo, pull, "APPROVED")
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "success"

        bob.addresses.add("bob@home.example")  # now the forge knows: an author, without doubt
        await scene.forge.review("carol", repo, pull, "CHANGES_REQUESTED")
        await scene.settled()
        run = scene.verdict(repo, pull)
        assert run.conclusion == "action_required"
        assert doubt not in str(run.text).replace("\u200b", "")
        like_github(scene)


async def test_a_co_author_cannot_approve(tmp_path):
    async with stage(tmp_path) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        repo.permissions["carol"] = "write"
        message = (
            "Change\n\nCo-authored-by: B. <12+bob@users.noreply.github.com>\n"
            "Co-authored-by: carol <c@home.example>\nCo-authored-by: Robot <robot@machines.example>"
        )
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, message, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        for who in ("bob", "carol"):
            await scene.forge.review(who, repo, pull, "APPROVED")
            await scene.settled()
            assert scene.verdict(repo, pull).conclusion == "action_required"
        repo.permissions["dave"] = "write"
        scene.world.add_user("dave")
        await scene.forge.review("dave", repo, pull, "APPROVED")
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "success"


async def test_an_author_of_a_commit_that_the_forge_does_not_list_cannot_approve(tmp_path):
    async with stage(tmp_path) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        scene.world.account("bob").addresses.add("builder@home.example")
        scene.world.account("alice").addresses.add("alice@acme.example")
        many_commits(repo, "topic", 260, last="builder@home.example")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.forge.review("bob", repo, pull, "APPROVED")
        await scene.settled()
        listed = await scene.program.services.forges["github"].commit_authors(
            (
                await scene.program.services.forges["github"].installation_repositories(
                    next(iter(scene.world.installations))
                )
            )[0],
            pull.number,
        )
        assert "bob" not in listed.logins
        assert scene.verdict(repo, pull).conclusion == "action_required"
