"""One stage for all forges: what the contract suite acts on and looks at, whatever kind it is."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.forges import Account, Connection, Forge, GitHubIntake, Intake, Means, entry_of
from app.model import Repository
from app.practice import Comment, PracticeForge
from app.practice import Repository as PracticeRepository
from tests.support import gitea_stage, github_stage, gitlab_stage
from tests.support.github_stage import Clock, unlike_github


@dataclass(kw_only=True)
class AnyStage:
    """`practice` is the forge, `forge` our client, `another` makes one more; `post` has somebody
    post a status (by, sha, name, state). `verdicts` gives what a head
    shows under a name, oldest first, as (state, title); `ours` our comments; `unlike` how what was said
    differs from the forge's own description; `own` is who we are there.
    """

    kind: str
    practice: PracticeForge
    repo: PracticeRepository
    repository: Repository
    forge: Forge
    another: Callable[[], Forge]
    intake: Intake
    inbox: list[tuple[dict[str, str], bytes]]
    hook_url: str
    clock: Clock
    own: str
    post: Callable[[str, str, str, str], Awaitable[object]]
    verdicts: Callable[[str, str], list[tuple[str, str]]]
    ours: Callable[[], list[Comment]]
    unlike: Callable[[], list[str]]


def _statuses(repo: PracticeRepository, sha: str, name: str) -> list[tuple[str, str]]:
    return [
        (each.state, each.description or "")
        for each in repo.statuses
        if (each.sha, each.context) == (sha, name)
    ]


def _posting(
    practice: PracticeForge, repo: PracticeRepository
) -> Callable[[str, str, str, str], Awaitable[object]]:
    async def post(by: str, sha: str, name: str, state: str) -> object:
        return await practice.post_status(by, repo, sha, context=name, state=state)

    return post


@asynccontextmanager
async def _github(tmp_path: Path) -> AsyncIterator[AnyStage]:
    async with github_stage.staged(tmp_path) as stage:

        def verdicts(sha: str, name: str) -> list[tuple[str, str]]:
            shown = []
            for run in stage.repo.runs.values():
                if (run.head_sha, run.name) == (sha, name):
                    states = {"in_progress": "pending"}
                    told = [states.get(each, each.removeprefix("completed:")) for each in run.history]
                    shown += [(state, run.title or "") for state in told]
            return shown + _statuses(stage.repo, sha, name)

        yield AnyStage(
            kind="github",
            practice=stage.practice,
            repo=stage.repo,
            repository=stage.repository,
            forge=stage.github,
            another=stage.client,
            intake=GitHubIntake(lambda: [github_stage.SECRET]),
            inbox=stage.inbox,
            hook_url=stage.app.webhook_url,
            clock=stage.clock,
            own="portcullis[bot]",
            post=_posting(stage.practice, stage.repo),
            verdicts=verdicts,
            ours=lambda: [each for each in stage.repo.comments.values() if each.app_id == stage.app.id],
            unlike=lambda: unlike_github(stage),
        )


def _gitea(kind: str) -> Callable[[Path], AbstractAsyncContextManager[AnyStage]]:
    @asynccontextmanager
    async def staged(tmp_path: Path) -> AsyncIterator[AnyStage]:
        async with gitea_stage.staged(tmp_path, kind) as stage:
            await stage.forge.hook(stage.hook_url)
            stage.world.requests.clear()

            def verdicts(sha: str, name: str) -> list[tuple[str, str]]:
                return _statuses(stage.repo, sha, name)

            yield AnyStage(
                kind=kind,
                practice=stage.practice,
                repo=stage.repo,
                repository=stage.repository,
                forge=stage.forge,
                another=stage.client,
                intake=stage.intake(),
                inbox=stage.inbox,
                hook_url=stage.hook_url,
                clock=stage.clock,
                own="portcullis",
                post=_posting(stage.practice, stage.repo),
                verdicts=verdicts,
                ours=lambda: [
                    each for each in stage.repo.comments.values() if each.author.id == stage.bot.id
                ],
                unlike=stage.unlike,
            )

    return staged


_SAID = {"failed": "failure", "canceled": "error", "running": "pending"}


@asynccontextmanager
async def _gitlab(tmp_path: Path) -> AsyncIterator[AnyStage]:
    async with gitlab_stage.staged(tmp_path) as stage:
        await stage.gitlab.hook(stage.hook_url)
        stage.world.requests.clear()
        connection = Connection(name="gitlab", kind="gitlab", url=stage.world.url)
        account = Account(secret=stage.bot.token, webhook_secret=gitlab_stage.SECRET)

        async def post(by: str, sha: str, name: str, state: str) -> object:
            who = stage.world.account(by)
            return await stage.practice.set_status(who, stage.repo, sha, state=state, name=name)

        def verdicts(sha: str, name: str) -> list[tuple[str, str]]:
            return [
                (_SAID.get(each.status, each.status), each.description or "")
                for each in stage.practice.own(stage.repo).statuses
                if (each.sha, each.name) == (sha, name)
            ]

        yield AnyStage(
            kind="gitlab",
            practice=stage.practice,
            repo=stage.repo,
            repository=stage.repository,
            forge=stage.gitlab,
            another=stage.client,
            intake=entry_of("gitlab").intake(
                connection, lambda: account, Means(now=stage.clock, pause=stage.clock.pause)
            ),
            inbox=stage.inbox,
            hook_url=stage.hook_url,
            clock=stage.clock,
            own=stage.bot.login,
            post=post,
            verdicts=verdicts,
            ours=lambda: [each for each in stage.repo.comments.values() if each.author.id == stage.bot.id],
            unlike=lambda: gitlab_stage.unlike_gitlab(stage),
        )


STAGES: Mapping[str, Callable[[Path], AbstractAsyncContextManager[AnyStage]]] = {
    "github": _github,
    "gitea": _gitea("gitea"),
    "forgejo": _gitea("forgejo"),
    "gitlab": _gitlab,
}
"""A stage for every entry of FORGES."""
