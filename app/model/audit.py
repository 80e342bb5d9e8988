"""The append-only record of who did what, and the hash chain over it."""

import hashlib

import msgspec

from app.model.change import Actor


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `verb` is `subject.verb` (`run.opened`, `command.refused`); `details` are scalars."""

    at: float
    actor: Actor
    verb: str
    repository: str = ""
    change: str = ""
    run: int | None = None
    details: dict[str, str | int | float | bool | None] = {}


class AuditLink(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in the chain: its place from 1 on, the hash of the link before ('' of the first), the bytes of
    the entry as stored, and the hash over all three.
    """

    seq: int
    previous: str
    entry: msgspec.Raw
    hash: str

    @property
    def whole(self) -> bool:
        """Whether the hash is the one of what it covers."""
        return self.hash == link_hash(self.previous, self.seq, bytes(self.entry))


class AuditHead(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the chain when a day (ISO date, UTC) was over, signed by Ed25519 over `signed_text`.
    `key` is the public key, both as hex.
    """

    day: str
    seq: int
    hash: str
    key: str
    signature: str

    @property
    def signed_text(self) -> bytes:
        """What the signature covers."""
        return f"portcullis audit {self.day} {self.seq} {self.hash}".encode()


def link_hash(previous: str, seq: int, entry: bytes) -> str:
    """SHA-256 (hex) of `previous`, the place and the entry's bytes, parted by line feeds."""
    return hashlib.sha256(b"%s\n%d\n%s" % (previous.encode(), seq, entry)).hexdigest()
