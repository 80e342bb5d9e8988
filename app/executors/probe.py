"""Trying the hostile set on this machine, at start. (The set itself is added next.)"""

from typing import Protocol

from app.executors.protocol import ProbeReport, Protection


class Probed(Protocol):
    """What a probe needs of an executor."""

    name: str


async def probe(executor: Probed) -> ProbeReport:
    """Claim nothing that was not tried."""
    untried = Protection(name="hostile_set", held=False, detail="not tried")
    return ProbeReport(executor=executor.name, usable=True, safe_for_untrusted=False, protections=(untried,))
