"""Who asks: the app (a JSON Web Token that is really checked), an installation, a person, nobody."""

import base64
import binascii
from dataclasses import dataclass

import jwt

from app.practice.state import AccessToken, Account, App, Installation, Repository
from app.practice.world import World

_RANK = {"none": 0, "read": 1, "write": 2, "admin": 3}
_LONGEST_JWT = 600


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whoever asks; all None = nobody."""

    app: App | None = None
    installation: Installation | None = None
    token: AccessToken | None = None
    person: Account | None = None

    @property
    def name(self) -> str:
        """For the record of requests."""
        if self.installation is not None:
            return f"installation {self.installation.id}"
        if self.person is not None:
            return f"person {self.person.login}"
        return f"app {self.app.id}" if self.app is not None else "nobody"

    def holds(self, permission: str, level: str) -> bool:
        """Whether an installation was granted a permission; people are judged by the repository."""
        if self.token is None:
            return self.person is not None
        return _RANK[self.token.permissions.get(permission, "none")] >= _RANK[level]

    def reaches(self, world: World, repository: Repository) -> bool:
        """Whether an installation's token is for a repository."""
        if self.installation is None or self.token is None:
            return False
        wanted = self.token.repositories
        return world.reaches(self.installation, repository) and (wanted is None or repository.id in wanted)

    def sees(self, world: World, repository: Repository) -> bool:
        """Whether a repository is there for the caller at all."""
        if not repository.private:
            return True
        if self.installation is not None:
            return self.reaches(world, repository)
        return self.person is not None and world.allows(repository, self.person.login, "read")


class BadCredentials(Exception):
    """Answered 401; the text is GitHub's message."""


class Suspended(Exception):
    """Answered 403: the installation is suspended."""


def caller_of(world: World, authorization: str) -> Caller:
    """Who an Authorization header proves. Raises BadCredentials, Suspended."""
    if not authorization:
        return Caller()
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise BadCredentials("Bad credentials") from None
    elif scheme.lower() not in {"bearer", "token"}:
        raise BadCredentials("Bad credentials")
    if value.count(".") == 2:  # noqa: PLR2004 - a JSON Web Token has three parts
        return Caller(app=_app_of(world, value))
    if value.startswith("ghs_"):
        return _installation_of(world, value)
    for account in world.accounts.values():
        if value and account.token == value:
            return Caller(person=account)
    raise BadCredentials("Bad credentials")


def _app_of(world: World, token: str) -> App:
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        app = world.apps[int(claims.get("iss", 0))]
        claims = jwt.decode(
            token, app.public_key, algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat"]},
        )  # fmt: skip
    except (jwt.PyJWTError, KeyError, ValueError, TypeError):
        raise BadCredentials("A JSON web token could not be decoded") from None
    now = world.clock()
    if claims["iat"] > now:
        raise BadCredentials("'Issued at' claim ('iat') must not be in the future")
    if claims["exp"] <= now:
        raise BadCredentials("'Expiration time' claim ('exp') must be a numeric value in the future")
    if claims["exp"] > now + _LONGEST_JWT:
        raise BadCredentials("'Expiration time' claim ('exp') is too far in the future")
    return app


def _installation_of(world: World, value: str) -> Caller:
    token = world.tokens.get(value)
    if token is None or token.revoked or token.expires <= world.clock():
        raise BadCredentials("Bad credentials")
    installation = world.installations.get(token.installation_id)
    if installation is None:
        raise BadCredentials("Bad credentials")
    if installation.suspended_at is not None:
        raise Suspended("This installation has been suspended")
    return Caller(app=world.apps[installation.app_id], installation=installation, token=token)
