"""What PORTCULLIS_SECRET_KEY protects: credentials encrypted at rest, the signature of the audit trail."""

import base64
import hashlib
import hmac
from typing import TypeVar

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from app.forges import Account
from app.forges import Connection as ForgeConnection
from app.model import Misconfigured
from app.store import Unit, connections, records

T = TypeVar("T")
PURPOSE = b"portcullis stored credentials v1"
AUDIT_PURPOSE = b"portcullis audit heads v1"


class StoredApp(msgspec.Struct, frozen=True, kw_only=True):
    """The GitHub App as its set-up returned it."""

    app_id: int
    slug: str
    html_url: str
    private_key: str
    webhook_secret: str

    def __repr__(self) -> str:
        """Without the secrets: representations end in logs."""
        return f"StoredApp(app_id={self.app_id}, slug={self.slug!r})"


class StoredConnection(msgspec.Struct, frozen=True, kw_only=True):
    """A forge that was added by hand, and whom we act as there."""

    connection: ForgeConnection
    account: Account


class AuditSigner:
    """Signs the audit trail's daily heads by Ed25519, with a key derived from PORTCULLIS_SECRET_KEY."""

    def __init__(self, secret_key: str) -> None:
        seed = hmac.digest(secret_key.encode(), AUDIT_PURPOSE, hashlib.sha256)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def key(self) -> str:
        """The public key, as hex."""
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, text: bytes) -> str:
        """The signature, as hex."""
        return self._key.sign(text).hex()


class Vault:
    """Encrypts what is stored under a name with the first key, and reads what any of the keys encrypted."""

    def __init__(self, secret_key: str, *former: str) -> None:
        self._fernet = MultiFernet([_fernet(key) for key in (secret_key, *former)])

    def save_app(self, unit: Unit, app: StoredApp, now: float) -> None:
        """Keep the app's credentials."""
        records.save_credential(unit, "github", self._fernet.encrypt(msgspec.json.encode(app)), now)

    def save_connection(self, unit: Unit, stored: StoredConnection, now: float) -> None:
        """Keep a forge with its secrets."""
        one = stored.connection
        connections.save(unit, one.name, one.kind, one.url, now)
        secret = self._fernet.encrypt(msgspec.json.encode(stored.account))
        records.save_credential(unit, connections.credential_of(one.name), secret, now)

    def load_connections(self, connection: Connection) -> tuple[StoredConnection, ...]:
        """The forges that were added. Raises Misconfigured when the key does not fit."""
        return tuple(
            StoredConnection(
                connection=ForgeConnection(name=row.name, kind=row.kind, url=row.url),
                account=self._read(row.secret, Account, f"the account of the forge {row.name}"),
            )
            for row in connections.every(connection)
        )

    def rotate(self, unit: Unit, now: float) -> int:
        """Encrypt all that is stored anew, with the first key; gives how many. Raises Misconfigured for what
        none of the keys encrypted: nothing is changed then.
        """
        stored = records.all_credentials(unit.connection)
        for name, secret in stored:
            try:
                records.save_credential(unit, name, self._fernet.rotate(secret), now)
            except InvalidToken as error:
                raise Misconfigured(
                    f"the stored credential {name} cannot be decrypted with the keys that are set",
                    hint="set PORTCULLIS_FORMER_SECRET_KEY to the key it was stored with",
                ) from error
        return len(stored)

    def load_app(self, connection: Connection) -> StoredApp | None:
        """The stored app; None if there is none. Raises Misconfigured when the key does not fit."""
        secret = records.load_credential(connection, "github")
        return None if secret is None else self._read(secret, StoredApp, "the stored GitHub App")

    def _read(self, secret: bytes, kind: type[T], what: str) -> T:
        try:
            return msgspec.json.decode(self._fernet.decrypt(secret), type=kind)
        except InvalidToken as error:
            raise Misconfigured(
                f"{what} cannot be decrypted: PORTCULLIS_SECRET_KEY has changed since",
                hint="set the key before as PORTCULLIS_FORMER_SECRET_KEY, or set the credentials anew",
            ) from error


def _fernet(secret_key: str) -> Fernet:
    key = hmac.digest(secret_key.encode(), PURPOSE, hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(key))
