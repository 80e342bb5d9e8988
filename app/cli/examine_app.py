"""Examinations of our GitHub App: who we are there, what we may do, and whether anybody waits for us."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from app.cli.examined import Examined, Health, broken, from_store, good, skipped, warning
from app.engine import StoredApp, Vault, drifts
from app.forges import Forge, GitHubForge, check_app
from app.model import PortcullisError, Repository
from app.settings import Settings, secret_keys
from app.wiring import Credentials

NAME = "portcullis"
_MOST_REPOSITORIES = 20
_NO_APP = "there is no GitHub App to act as"
_SET_UP = (
    "open the set-up page that `portcullis serve` prints, or set PORTCULLIS_GITHUB_APP_ID, …_PRIVATE_KEY "
    "and …_WEBHOOK_SECRET"
)


def _stored(settings: Settings) -> StoredApp | None:
    """The app that the set-up page stored; None where there is no database to look into."""
    return from_store(settings, lambda connection: Vault(*secret_keys(settings)).load_app(connection))


async def _credentials(settings: Settings) -> Credentials:
    found = Credentials(settings)
    if not found.from_environment:
        try:
            found.use(await asyncio.to_thread(_stored, settings))
        except SQLAlchemyError:
            return found
    return found


@asynccontextmanager
async def _forge(settings: Settings) -> AsyncIterator[Forge | None]:
    """The forge, acting as our app; None without credentials, or where they cannot be read: of that the
    examination of credentials tells.
    """
    try:
        found = await _credentials(settings)
    except PortcullisError:
        found = None
    if found is None or found.app() is None:
        yield None
        return
    forge = GitHubForge(found.app, api_url=settings.github_api_url)
    await forge.start()
    try:
        yield forge
    finally:
        await forge.close()


async def credentials(settings: Settings) -> tuple[Examined, ...]:
    """Whether we have a GitHub App to act as, and from where."""
    try:
        found = await _credentials(settings)
    except PortcullisError as error:
        return broken(error.message, error.hint or _SET_UP)
    app = found.app()
    if app is None:
        return broken("there is no GitHub App yet", _SET_UP)
    return good(
        f"app {app.app_id}, from {'the environment' if found.from_environment else 'the set-up page'}"
    )


async def app(settings: Settings) -> tuple[Examined, ...]:
    """Whether GitHub accepts our key, and the app has every permission and event that we need."""
    try:
        async with _forge(settings) as forge:
            if forge is None:
                return skipped(_NO_APP)
            live = await forge.whoami()
    except PortcullisError as error:
        return broken(error.message, error.hint or "check the app's id and private key")
    page = str(live.get("html_url") or "the app's page on GitHub")
    lacking = tuple(
        Examined(
            health=Health.BROKEN,
            says=f"{problem.what} {problem.name}: {problem.found}, needs {problem.needed}",
            mend=f"change it on {page} (settings, permissions & events), then accept it in each installation",
        )
        for problem in check_app(live)
    )
    return lacking or good(f"{live.get('slug')}: every permission and event is there")


async def _rule(forge: Forge, repository: Repository, app_id: int) -> Examined:
    place = f"{repository.full_name}: {repository.default_branch}"
    try:
        required = await forge.required_checks(repository, repository.default_branch)
    except PortcullisError as error:
        return skipped(f"{place}: its rules cannot be read: {error.message}")[0]
    found = drifts(required, None, name=NAME, own_app=app_id)
    if found:
        return warning(f"{place}: {'; '.join(drift.says for drift in found)}", found[0].mend)[0]
    return good(f"{place} requires {NAME!r} from this app")[0]


async def rules(settings: Settings) -> tuple[Examined, ...]:
    """Whether the default branches of the installed repositories require our check, from our app."""
    try:
        async with _forge(settings) as forge:
            if forge is None:
                return skipped(_NO_APP)
            app_id = int(str((await forge.whoami()).get("id", 0)))
            repositories = [
                repository
                for installation, _ in await forge.installations()
                for repository in await forge.installation_repositories(installation)
            ]
            if not repositories:
                return warning("the app is installed nowhere", "install it on the repositories to be judged")
            found = [await _rule(forge, one, app_id) for one in repositories[:_MOST_REPOSITORIES]]
    except PortcullisError as error:
        return skipped(error.message)
    left = len(repositories) - len(found)
    return (*found, *(skipped(f"{left} more repositories were not looked at") if left else ()))
