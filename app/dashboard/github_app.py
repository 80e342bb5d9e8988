"""Making the GitHub App by the manifest flow: once, guarded by the one-time token printed at start."""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from typing import Final

from app.dashboard.links import States
from app.dashboard.protocol import AppForm, SetupState
from app.engine import StoredApp, Vault
from app.forges import Gone, app_manifest, convert_manifest, manifest_url, web_url
from app.model import AuthorFault, Misconfigured
from app.store import Database, Unit, records

APP_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,33}")
ALREADY: Final = Misconfigured(
    "a GitHub App was set up already",
    hint="to make another, delete the stored one and restart the service",
)
ORGANISATION: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")


class AppSetup:
    """Implements Setup. `configured` tells whether the environment already names an app."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        states: States,
        *,
        api_url: str,
        public_url: str,
        configured: bool,
        now: Callable[[], float],
        changed: Callable[[StoredApp], None],
    ) -> None:
        self._database = database
        self._vault = vault
        self._states = states
        self._api_url = api_url
        self._public_url = public_url.rstrip("/")
        self._configured = configured
        self._now = now
        self._changed = changed
        self._token_hash = ""

    async def new_token(self) -> str:
        """A fresh one-time token, to be printed once at start; '' where an app exists already."""
        if (await self.state()).configured:
            return ""
        token = secrets.token_urlsafe(24)
        self._token_hash = _hash(token)
        now, digest = self._now(), self._token_hash
        await self._database.run(lambda unit: records.add_setup_token(unit, digest, now))
        return token

    async def state(self) -> SetupState:
        """See Setup."""
        app = await self._database.read(self._vault.load_app)
        return SetupState(
            configured=self._configured or app is not None,
            app_name=app.slug if app is not None else "",
            install_url=f"{app.html_url}/installations/new" if app is not None else "",
            public_url=self._public_url,
            github_url=web_url(self._api_url),
        )

    def allows(self, token: str) -> bool:
        """See Setup."""
        return bool(self._token_hash) and hmac.compare_digest(_hash(token), self._token_hash)

    def form(self, name: str, organisation: str) -> AppForm:
        """See Setup."""
        if not APP_NAME.fullmatch(name):
            raise AuthorFault(
                "GitHub takes app names of at most 34 letters, digits, blanks, dots and dashes",
                hint="choose another name; it can be changed on GitHub later",
            )
        if organisation and not ORGANISATION.fullmatch(organisation):
            raise AuthorFault(
                f"{organisation[:60]!r} is no organisation's name on GitHub",
                hint="write it as it stands in its address: github.com/NAME",
            )
        manifest = app_manifest(
            name=name,
            public_url=self._public_url,
            redirect_url=f"{self._public_url}/setup/github/callback",
            setup_url=f"{self._public_url}/",
        )
        state = self._states.make(self._now())
        return AppForm(
            action=f"{manifest_url(self._api_url, organisation)}?state={state}",
            manifest=json.dumps(manifest),
        )

    async def finish(self, code: str, state: str) -> str:
        """See Setup."""
        if not self._states.verify(state, self._now()):
            raise AuthorFault(
                "this answer belongs to no set-up of ours, or is older than an hour",
                hint="open the set-up page again and start over",
            )
        if not self._token_hash or (await self.state()).configured:
            raise ALREADY
        try:
            made = await convert_manifest(self._api_url, code)
        except Gone as gone:
            raise Misconfigured(
                "GitHub does not know this code: it was used, or is older than an hour",
                hint="restart the service for a new set-up token and start over",
            ) from gone
        app = StoredApp(
            app_id=made.id,
            slug=made.slug,
            html_url=made.html_url,
            private_key=made.pem,
            webhook_secret=made.webhook_secret or "",
        )
        if not await self._database.run(lambda unit: self._keep(unit, app)):
            raise ALREADY
        self._token_hash = ""
        self._changed(app)
        return f"{app.html_url}/installations/new"

    def _keep(self, unit: Unit, app: StoredApp) -> bool:
        """Use the token up and keep the app, in one transaction: of two at a time one wins."""
        if not records.use_setup_token(unit, self._token_hash, self._now()):
            return False
        self._vault.save_app(unit, app, self._now())
        return True


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
