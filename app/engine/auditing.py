"""The audit trail's hash chain: what was appended is sealed with each sweep, each day's end is signed, and
all of it can be verified, from the tables or from what was exported.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.engine.days import utc_day
from app.engine.services import Services
from app.engine.vault import AuditSigner
from app.model import AuditHead, AuditLink
from app.store import Unit, audit_chain

LOG = structlog.get_logger(__name__)
BATCH: Final = 500
DAY: Final = 86_400.0
MOST_PROBLEMS: Final = 20


async def seal(services: Services) -> None:
    """Chain all that was appended since, then sign yesterday's end of the chain if nobody did."""
    while await services.database.run(lambda unit: audit_chain.seal(unit, BATCH)) == BATCH:
        pass
    if services.signer is None:
        return
    yesterday, signer = utc_day(services.clock.now() - DAY), services.signer
    if await services.database.read(audit_chain.last_day) >= yesterday:
        return
    head = await services.database.run(lambda unit: _sign(unit, signer, yesterday))
    if head is not None:
        LOG.info("audit head", **msgspec.structs.asdict(head))


def _sign(unit: Unit, signer: AuditSigner, day: str) -> AuditHead | None:
    seq, digest = audit_chain.last_link(unit.connection)
    if not seq:
        return None
    head = AuditHead(day=day, seq=seq, hash=digest, key=signer.key, signature="")
    head = msgspec.structs.replace(head, signature=signer.sign(head.signed_text))
    audit_chain.save_head(unit, head)
    return head


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the chain found. `first` and `last` are places (0 = none); `keys` are those that signed
    a head that is right; `problems` are sentences, none where all is whole.
    """

    first: int
    last: int
    heads: int
    keys: tuple[str, ...]
    problems: tuple[str, ...]


def verify(
    links: Iterable[AuditLink], heads: Sequence[AuditHead], *, keys: Sequence[str] = (), after: int = 0
) -> Verified:
    """Look at each link and each daily head. `keys` (hex) are those that may have signed, if given; `after`
    is the place behind which the links begin, and heads up to there are left out.
    """
    heads = [head for head in heads if head.seq > after]
    problems: list[str] = []
    ending: dict[int, list[AuditHead]] = {}
    for head in heads:
        ending.setdefault(head.seq, []).append(head)
    first, last = 0, after
    previous = None if after else ""
    signed: dict[str, None] = {}
    for link in links:
        if link.seq != last + 1:
            problems.append(f"entries {last + 1} to {link.seq - 1} are missing")
        elif previous is not None and link.previous != previous:
            problems.append(f"entry {link.seq} does not follow entry {last}")
        if not link.whole:
            problems.append(f"entry {link.seq} was altered: its hash is another")
        for head in ending.pop(link.seq, ()):
            if problem := _head_problem(head, link, keys):
                problems.append(problem)
            else:
                signed[head.key] = None
        first, last, previous = first or link.seq, link.seq, link.hash
        if len(problems) >= MOST_PROBLEMS:
            break
    else:
        problems += [_lost(head, last) for same in ending.values() for head in same]
    return Verified(
        first=first,
        last=last if first else 0,
        heads=len(heads),
        keys=tuple(signed),
        problems=tuple(problems[:MOST_PROBLEMS]),
    )


def _lost(head: AuditHead, last: int) -> str:
    """A daily head whose entry was not met."""
    if head.seq > last:
        return f"the chain ended at {head.seq} on {head.day}; now it ends at {last}"
    return f"entry {head.seq}, which ended the chain on {head.day}, is missing"


def _head_problem(head: AuditHead, link: AuditLink, keys: Sequence[str]) -> str:
    """Why a daily head does not vouch for the chain; '' where it does."""
    if head.hash != link.hash:
        return f"entry {link.seq} is not the one that ended the chain on {head.day}"
    if keys and head.key not in keys:
        return f"the head of {head.day} is signed by another key, {head.key}"
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(head.key))
        public.verify(bytes.fromhex(head.signature), head.signed_text)
    except (ValueError, InvalidSignature):
        return f"the signature of the head of {head.day} is wrong"
    return ""
