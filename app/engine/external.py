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
WORST_FIRST: Final = (
    Conclusion.FAILURE,
    Conclusion.TIMED_OUT,
    Conclusion.CANCELLED,
    Conclusion.ERROR,
    Conclusion.SUCCESS,
)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an external check has come to. `ignored` names others who posted the same name."""

    status: Literal["absent", "running", "completed"]
    conclusion: Conclusion | None = None
    word: str = ""
    url: str = ""
    ignored: tuple[str, ...] = ()


def standing(spec: CheckSpec, posts: tuple[ExternalPosted, ...]) -> Standing:
    """Of equal names the newest per suite count, and the worst of them decides.

    Only posts by the pinned app or creator count; others' of that name are named as ignored.
    """
    external = spec.external
    if external is None:
        return Standing(status="absent")
    named = [post for post in posts if post.name.casefold() == external.context.casefold()]
    ours = [post for post in named if _pinned(external, post)]
    ignored = tuple(sorted({post.poster for post in named if not _pinned(external, post)}))
    newest: dict[tuple[str, int], ExternalPosted] = {}
    for post in ours:
        key = (post.kind, post.suite_id)
        if key not in newest or _age(newest[key]) < _age(post):
            newest[key] = post
    if not newest:
        return Standing(status="absent", ignored=ignored)
    running = [post for post in newest.values() if post.status != "completed"]
    if running:
        return Standing(status="running", url=running[0].url, ignored=ignored)
    ended = sorted(
        newest.values(), key=lambda post: WORST_FIRST.index(_conclusion(external, post.conclusion))
    )
    worst = ended[0]
    return Standing(
        status="completed",
        conclusion=_conclusion(external, worst.conclusion),
        word=worst.conclusion,
        url=worst.url,
        ignored=ignored,
    )


def _pinned(external: External, post: ExternalPosted) -> bool:
    if external.app:
        return post.kind == "check_run" and post.poster.casefold() == external.app.casefold()
    return post.kind == "status" and post.poster.casefold() == external.creator.casefold()


def _age(post: ExternalPosted) -> tuple[int, str]:
    """By the forge's own numbering: who posts writes the times as they like."""
    return post.external_id, post.at


def _conclusion(external: External, word: str) -> Conclusion:
    if word in external.accept:
        return Conclusion.SUCCESS
    return AS_NAMED.get(word, Conclusion.FAILURE)
