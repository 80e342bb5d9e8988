"""Where an external check stands, from others' posts on head_sha: a pure decision."""

from typing import Final, Literal

import msgspec

from app.model import CheckSpec, Conclusion, External, ExternalPosted

AS_NAMED: Final = {
    "cancelled": Conclusion.CANCELLED,
    "timed_out": Conclusion.TIMED_OUT,
    "startup_failure": Conclusion.ERROR,
    "stale": Conclusion.ERROR,
    "error": Conclusion.ERROR,
}
MEANINGS: Final = {
    "action_required": "somebody has to allow it there",
    "stale": "the forge gave it up as it never ended",
    "startup_failure": "it could not even begin: is its file valid?",
    "neutral": "not among what 'accept' takes as success",
    "skipped": "not among what 'accept' takes as success",
}
"""What a conclusion other than success means, where its name does not say so."""
REPLACED: Final = frozenset({"cancelled", "skipped"})
WORST_FIRST: Final = (
    Conclusion.FAILURE,
    Conclusion.TIMED_OUT,
    Conclusion.CANCELLED,
    Conclusion.ERROR,
    Conclusion.SUCCESS,
)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an external check has come to. `ignored` names others who posted the same name, `post` is the one
    that decides.
    """

    status: Literal["absent", "queued", "running", "completed"]
    conclusion: Conclusion | None = None
    word: str = ""
    post: ExternalPosted | None = None
    ignored: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Where to see more of it."""
        return "" if self.post is None else self.post.url


def standing(
    spec: CheckSpec,
    posts: tuple[ExternalPosted, ...],
    again: tuple[ExternalPosted, ...] = (),
    *,
    shared: bool = False,
) -> Standing:
    """Of equal names the newest per suite count, and the worst of them decides. Only posts by the pinned app
    or creator count; others' of that name are named as ignored. While one of `again`, which were asked for
    again, is the newest of its suite, it says nothing and is waited for. `shared`: another open change has
    this head too, and no post tells whose it is.
    """
    external = spec.external
    if external is None:
        return Standing(status="absent")
    ignored = tuple(
        sorted({post.poster for post in posts_of(external, posts) if not _pinned(external, post)})
    )
    newest, asked = _newest(external, posts, shared=shared), {post.mark for post in again}
    counting = [post for post in newest if post.mark not in asked]
    running = [post for post in counting if post.status != "completed"]
    if running:
        # of check runs nobody tells when they leave the queue
        queued = all(post.status == "queued" and post.kind == "workflow_run" for post in running)
        return Standing(status="queued" if queued else "running", post=running[0], ignored=ignored)
    if len(counting) < len(newest) or not counting:
        return Standing(status="absent", ignored=ignored)
    worst = min(counting, key=lambda post: WORST_FIRST.index(_conclusion(external, post.conclusion)))
    return Standing(
        status="completed",
        conclusion=_conclusion(external, worst.conclusion),
        word=worst.conclusion,
        post=worst,
        ignored=ignored,
    )


def to_run_again(
    spec: CheckSpec, posts: tuple[ExternalPosted, ...], *, shared: bool = False
) -> tuple[ExternalPosted, ...]:
    """What has ended and is no success; where all is one, that which decides."""
    external = spec.external
    if external is None:
        return ()
    ended = [post for post in _newest(external, posts, shared=shared) if post.status == "completed"]
    failed = [post for post in ended if _conclusion(external, post.conclusion) is not Conclusion.SUCCESS]
    return tuple(failed or ended[:1])


def _newest(external: External, posts: tuple[ExternalPosted, ...], *, shared: bool) -> list[ExternalPosted]:
    """The newest of each suite. One that was cancelled or skipped and then run anew for the same cause (as
    concurrency groups do) counts no more; one that failed does, whatever ran later.
    """
    newest: dict[tuple[str, int], ExternalPosted] = {}
    for post in posts_of(external, posts):
        key = post.kind, post.suite_id
        if _pinned(external, post) and (key not in newest or newest[key].age < post.age):
            newest[key] = post
    return [
        post
        for post in newest.values()
        if shared or not any(_replaces(other, post) for other in newest.values())
    ]


def _replaces(newer: ExternalPosted, post: ExternalPosted) -> bool:
    """Whether the newer stands for a post too: never for a second attempt, before which it may have failed;
    and what ran to no end stands for nothing.
    """
    gave_way = post.conclusion in REPLACED and post.attempt <= 1
    stands = newer.conclusion not in REPLACED and newer.age > post.age
    return gave_way and stands and newer.cause == post.cause != ""


def posts_of(external: External, posts: tuple[ExternalPosted, ...]) -> tuple[ExternalPosted, ...]:
    """Those of the name that is waited for, whoever made them."""
    return tuple(post for post in posts if names(external, post))


def names(external: External, post: ExternalPosted) -> bool:
    """Whether a post is of the name that is waited for; a workflow is no check of that name."""
    runs = post.kind == "workflow_run"
    return runs is (external.posted_as == "workflow_run") and post.name.casefold() == external.name.casefold()


def _pinned(external: External, post: ExternalPosted) -> bool:
    who = external.creator if external.posted_as == "status" else external.app
    return post.kind == external.posted_as and post.poster.casefold() == who.casefold()


def _conclusion(external: External, word: str) -> Conclusion:
    if word in external.accept:
        return Conclusion.SUCCESS
    return AS_NAMED.get(word, Conclusion.FAILURE)
