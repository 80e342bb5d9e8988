"""What one fetch is to bring: the tips of a target and of a head, and the refs of ours that keep them."""

import hashlib
import re
from typing import Self

import msgspec

from app.model import AuthorFault

SHA = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_REF = re.compile(r"[^\x00-\x20~^:?*\[\\\x7f]+\Z")


def _is_ref(name: str) -> bool:
    return bool(_REF.match(name)) and ".." not in name and not name.startswith(("-", "+"))


class Tips(msgspec.Struct, frozen=True):
    """The two refs of one request, in full, and ours that they are fetched into. `head` may be a SHA."""

    base: str
    head: str
    base_ref: str
    head_ref: str

    @classmethod
    def of(cls, base_ref: str, head_refspec: str) -> Self:
        """Raises AuthorFault for what is no name of a ref."""
        if not _is_ref(base_ref) or not _is_ref(head_refspec):
            raise AuthorFault(f"not a name git can fetch: {base_ref!r} or {head_refspec!r}")
        base = base_ref if base_ref.startswith("refs/") else f"refs/heads/{base_ref}"
        full = bool(SHA.match(head_refspec)) or head_refspec.startswith("refs/")
        head = head_refspec if full else f"refs/heads/{head_refspec}"
        return cls(base, head, _own_ref("base", base), _own_ref("base" if head == base else "head", head))

    @property
    def by_sha(self) -> bool:
        """Whether the head is named by its commit."""
        return bool(SHA.match(self.head))

    def refs(self) -> dict[str, str]:
        """Their refs and ours."""
        return {self.base: self.base_ref, self.head: self.head_ref}


def _own_ref(role: str, name: str) -> str:
    # Hashed: of branches `a` and, later, `a/b`, git could not keep both as refs.
    return f"refs/portcullis/{role}/{hashlib.sha256(name.encode()).hexdigest()[:24]}"
