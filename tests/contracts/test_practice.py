"""The practice forge is held against GitHub's own descriptions: every answer, every delivery."""

from pathlib import Path

from app.model import (
    Annotation,
    Button,
    CheckRunStatus,
    CommitStatus,
    Publication,
    PublishedConclusion,
    Sha,
    StickyComment,
)
from tests.support.github_stage import staged, unlike_github

EVERY_DELIVERY = {
    "ping None",
    "push None",
    "status None",
    *(f"check_run {each}" for each in ("created", "completed", "rerequested", "requested_action")),
    *(f"check_suite {each}" for each in ("requested", "rerequested")),
    *(f"issue_comment {each}" for each in ("created", "edited", "deleted")),
    *(f"pull_request_review {each}" for each in ("submitted", "dismissed")),
    *(f"merge_group {each}" for each in ("checks_requested", "destroyed")),
    *(f"installation_repositories {each}" for each in ("added", "removed")),
    *(
        f"installation {each}"
        for each in ("created", "deleted", "suspend", "unsuspend", "new_permissions_accepted")
    ),
    *(
        f"pull_request {each}"
        for each in (
            "opened", "synchronize", "labeled", "unlabeled", "converted_to_draft", "ready_for_review",
            "edited", "closed", "reopened",
        )
    ),
}  # fmt: skip


async def test_everything_that_happens_looks_like_github(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        practice, repo, github, repository = stage.practice, stage.repo, stage.github, stage.repository
        await practice.push("alice", repo, "feature", {"src/shop.py": "PRICE = 2\n"})
        pull = await practice.open_pull_request("alice", repo, "feature", title="Raise", body="Why not")
        await practice.push("alice", repo, "feature", {"src/new.py": "x\n"}, amend=True)
        await practice.label("bob", repo, pull, "risky")
        await practice.unlabel("bob", repo, pull, "risky")
        await practice.set_draft("alice", repo, pull, draft=True)
        await practice.set_draft("alice", repo, pull, draft=False)
        await practice.retitle("alice", repo, pull, "Raise it")
        await practice.push("alice", repo, "release", {"a": "a"})
        await practice.retarget("alice", repo, pull, "release")
        review = await practice.review("bob", repo, pull, "CHANGES_REQUESTED", body="no")
        await practice.dismiss("alice", repo, pull, review)
        await practice.review("bob", repo, pull, "APPROVED")
        comment = await practice.comment("bob", repo, pull, "/portcullis explain")
        await practice.edit_comment("bob", repo, comment, "/portcullis recheck")
        head = Sha(pull.head_sha)
        publication = Publication(
            name="portcullis",
            head_sha=head,
            status=CheckRunStatus.COMPLETED,
            conclusion=PublishedConclusion.FAILURE,
            title="blocked",
            summary="why",
            text="more",
            annotations=(
                Annotation(path="src/new.py", line=1, end_line=1, level="failure", title="E1", message="bad"),
            ),
            buttons=(Button(label="Re-run failed", description="Run what failed", identifier="rerun"),),
            details_url="https://gate.example/runs/1",
            external_id="p1",
        )
        posted = await github.publish(repository, publication, None)
        await github.publish_comment(
            repository, StickyComment(number=1, marker="<!-- p -->", body="<!-- p -->"), None
        )
        await github.react(repository, comment.id, "eyes")
        await github.set_status(
            repository,
            CommitStatus(
                sha=head, context="gate", state="success", description="ok", target_url="https://x.example/"
            ),
        )
        run = repo.runs[posted.id]
        await practice.press_rerun("alice", repo, run)
        await practice.press_button("alice", repo, run, "rerun")
        await practice.press_rerun_all("alice", repo, stage.app, head)
        await practice.close("alice", repo, pull)
        await practice.reopen("alice", repo, pull)
        group = await practice.queue("bob", repo, pull)
        await practice.dequeue("bob", repo, group, "merged")
        await practice.merge("bob", repo, pull)
        await practice.delete_comment("bob", repo, comment)
        other = await practice.create_repository("acme/other", {"a": "b"})
        practice.select_repositories("alice", stage.installation, [repo])
        practice.select_repositories("alice", stage.installation, [repo, other])
        practice.suspend("alice", stage.installation)
        practice.unsuspend("alice", stage.installation)
        practice.accept_permissions("alice", stage.installation)
        practice.events.ping(stage.app, stage.world.account("alice"))
        await github.get_change(repository, 1)
        await github.open_changes(repository)
        await github.get_repository(repository)
        await github.protected_branches(repository)
        await github.required_checks(repository, "main")
        await github.read_file(repository, "README.md", "main")
        await github.read_file(repository, "src", "main")
        await github.read_file(repository, "nothing", "main")
        await github.permission(repository, "bob")
        await github.permission(repository, "nobody")
        await github.team_members(repository, "@acme/platform")
        await github.reviews(repository, 1)
        await github.external_posts(repository, head)
        await github.recent_comments(repository, 1, "2020-01-01T00:00:00Z")
        await github.installations()
        await github.installation_repositories(stage.installation.id)
        await github.whoami()
        practice.uninstall("alice", stage.installation)
        await practice.settle()
        assert unlike_github(stage) == []
        told = {f"{each.event} {each.action}" for each in stage.world.deliveries.values()}
        assert told == EVERY_DELIVERY
