"""What people say: comments, reviews, labels, drafts, reactions."""

from app.practice.changes import Forbidden
from app.practice.merging import Merging
from app.practice.state import Account, Comment, Label, PullRequest, Reaction, Repository, Review

BODY_LIMIT = 65_536


class Talk(Merging):
    """Actions of people around a pull request."""

    async def comment(
        self, by: str, repo: Repository, pull: PullRequest, body: str, *, app_id: int | None = None
    ) -> Comment:
        """Write a comment."""
        now = self.world.stamp()
        comment = Comment(
            id=self.world.new_id(),
            number=pull.number,
            author=self.world.account(by),
            body=body,
            created_at=now,
            updated_at=now,
            app_id=app_id,
        )
        repo.comments[comment.id] = comment
        pull.updated_at = now
        self.events.comment("created", repo, pull, comment, comment.author)
        return comment

    async def edit_comment(self, by: str, repo: Repository, comment: Comment, body: str) -> None:
        """Change a comment's text; always visible as edited."""
        was, comment.body = comment.body, body
        now = self.world.stamp()
        # times are whole seconds: an edit within the first second must still differ
        comment.updated_at = now if now > comment.created_at else self.world.stamp(self.world.clock() + 1)
        pull = repo.pulls[comment.number]
        changes = {"changes": {"body": {"from": was}}}
        self.events.comment("edited", repo, pull, comment, self.world.account(by), changes)

    async def delete_comment(self, by: str, repo: Repository, comment: Comment) -> None:
        """Remove a comment."""
        del repo.comments[comment.id]
        pull = repo.pulls[comment.number]
        self.events.comment("deleted", repo, pull, comment, self.world.account(by))

    def react(self, by: Account, comment: Comment, content: str) -> tuple[Reaction, bool]:
        """React; the same reaction twice is one. The reaction, and whether it is new."""
        for known in comment.reactions:
            if known.author.id == by.id and known.content == content:
                return known, False
        reaction = Reaction(id=self.world.new_id(), author=by, content=content, created_at=self.world.stamp())
        comment.reactions.append(reaction)
        return reaction, True

    async def review(
        self, by: str, repo: Repository, pull: PullRequest, state: str, *, body: str = "", commit: str = ""
    ) -> Review:
        """Submit a review: APPROVED, CHANGES_REQUESTED or COMMENTED. Nobody approves their own."""
        account = self.world.account(by)
        if state != "COMMENTED" and account.id == pull.author.id:
            raise Forbidden("nobody may approve or refuse their own pull request")
        review = Review(
            id=self.world.new_id(),
            author=account,
            state=state,
            body=body,
            commit_id=commit or pull.head_sha,
            submitted_at=self.world.stamp(),
        )
        pull.reviews.append(review)
        pull.updated_at = review.submitted_at
        self.events.review("submitted", repo, pull, review, account)
        return review

    async def dismiss(self, by: str, repo: Repository, pull: PullRequest, review: Review) -> None:
        """Dismiss a review: its state changes in place, as on GitHub."""
        review.state = "DISMISSED"
        pull.updated_at = self.world.stamp()
        self.events.review("dismissed", repo, pull, review, self.world.account(by))

    async def label(self, by: str, repo: Repository, pull: PullRequest, name: str) -> None:
        """Add a label."""
        if not self.world.allows(repo, by, "triage"):
            raise Forbidden(f"{by} may not label in {repo.full_name}")
        label = repo.labels.setdefault(name, Label(id=self.label_id(repo, name), name=name))
        if label not in pull.labels:
            pull.labels.append(label)
            await self._labelled("labeled", by, repo, pull, label)

    async def unlabel(self, by: str, repo: Repository, pull: PullRequest, name: str) -> None:
        """Take a label off."""
        for label in [each for each in pull.labels if each.name == name]:
            pull.labels.remove(label)
            await self._labelled("unlabeled", by, repo, pull, label)

    async def _labelled(
        self, action: str, by: str, repo: Repository, pull: PullRequest, label: Label
    ) -> None:
        more = {
            "label": {
                "id": label.id,
                "node_id": f"L_{label.id}",
                "url": f"{self.world.api_url}/repos/{repo.full_name}/labels/{label.name}",
                "name": label.name,
                "color": "ededed",
                "default": False,
                "description": None,
            }
        }
        pull.updated_at = self.world.stamp()
        await self.events.pull_request(action, repo, pull, self.world.account(by), more)

    async def set_draft(self, by: str, repo: Repository, pull: PullRequest, *, draft: bool) -> None:
        """Convert to draft, or mark as ready for review."""
        if pull.draft != draft:
            pull.draft, pull.updated_at = draft, self.world.stamp()
            action = "converted_to_draft" if draft else "ready_for_review"
            await self.events.pull_request(action, repo, pull, self.world.account(by))
