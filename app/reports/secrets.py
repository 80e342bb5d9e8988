"""What all scanners for secrets share: of a secret nothing is kept but a hash.

detect-secrets writes SHA-1 of a secret; so that other tools' findings of the same secret are known by the
same hash, theirs is taken too, and what is kept is SHA-256 of that.
"""

import hashlib

_MASK = "[secret]"
_MIN = 4


def identity(sha1: str) -> tuple[str, str]:
    """What a secret is known by, from the hexadecimal SHA-1 of its text."""
    return "secret", sha1.lower()


def identity_of(secret: str) -> tuple[str, str]:
    """What a secret is known by, from its text."""
    # An identity, not a safeguard: `Fingerprints.named` hashes it again by SHA-256.
    return identity(hashlib.sha1(secret.encode("utf-8", "replace"), usedforsecurity=False).hexdigest())


def masked(text: str, *secrets: str) -> str:
    """A text of ours about secrets, should a rule have quoted one."""
    for secret in sorted((one for one in secrets if len(one) >= _MIN), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text
