"""The inbox: verified deliveries are kept before they are acknowledged, many by one commit.

One writer drains all that waits into one transaction and answers after the commit (measured: 1.6 to 2
times a commit per delivery; two writers on SQLite halve it). What is acknowledged is never lost; what
cannot be kept soon is refused at once, so that the forge shows it as failed and redelivers.
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec
import structlog

from app.engine.clock import Clock
from app.engine.floods import flooded
from app.forges import DeliveryHead
from app.model import Outage
from app.store import Database, deliveries

LOG = structlog.get_logger(__name__)


_GATHER: Final = 2
"""Turns of the loop before a commit: clients just answered deliver again meanwhile, and one commit takes
28 instead of 16 of 32 (measured: 1.23 times the throughput, 0.86 of the processor time).
"""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Durably kept. `id` is the delivery's row; `duplicate` = it was kept before and has not failed."""

    id: int
    duplicate: bool


class InboxLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much may wait, how much is written at once, and after how many seconds a commit is too late
    (GitHub gives up after ten).
    """

    waiting: int = 1024
    waiting_bytes: int = 256 << 20
    batch: int = 256
    batch_bytes: int = 64 << 20
    patience: float = 5.0


class _Waiting(NamedTuple):
    delivery: deliveries.NewDelivery
    answer: asyncio.Future[Accepted]


class Inbox:
    """Keeps deliveries of all forges; `async with` it while deliveries may come."""

    def __init__(self, database: Database, clock: Clock, limits: InboxLimits | None = None) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits or InboxLimits()
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._more = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._stalled = False
        self._closing = False

    async def __aenter__(self) -> Self:
        self._closing = False
        self._writer = asyncio.create_task(self._write(), name="inbox")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep what waits, then stop."""
        self._closing = True
        self._more.set()
        if self._writer is not None:
            await self._writer
            self._writer = None

    async def accept(self, forge: str, head: DeliveryHead, body: bytes) -> Accepted:
        """Keep a verified delivery; returns after the commit.

        Raises Outage, and then acknowledges nothing: too much waits, the database does not answer (in
        time), or the inbox is closed.
        """
        refusal = self._refusal(len(body))
        if refusal:
            raise Outage(refusal, hint="redeliver it later")
        answer: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        new = deliveries.NewDelivery(
            forge=forge,
            delivery_id=head.delivery_id,
            event=head.event,
            hook_id=head.hook_id,
            received_at=self._clock.now(),
            body=body,
        )
        self._waiting.append(_Waiting(new, answer))
        self._waiting_bytes += len(body)
        self._more.set()
        return await answer

    async def limited(self, forge: str, sender: str) -> None:
        """Tell the operator that a sender's deliveries are refused unread, if that can be written now."""
        now = self._clock.now()
        with suppress(Outage):
            await self._database.run(lambda unit: flooded(unit, forge, sender, now))

    def _refusal(self, size: int) -> str:
        if self._writer is None or self._closing:
            return "deliveries are not taken now"
        if self._stalled:
            return "the database does not answer in time"
        limits = self._limits
        if len(self._waiting) >= limits.waiting or (
            self._waiting and self._waiting_bytes + size > limits.waiting_bytes
        ):
            return "too many deliveries wait"
        return ""

    async def _write(self) -> None:
        while self._waiting or not self._closing:
            self._more.clear()
            if not self._waiting:
                await self._more.wait()
                continue
            for _ in range(_GATHER):
                await asyncio.sleep(0)
            batch = self._take()
            task = asyncio.ensure_future(self._keep(batch))
            await asyncio.wait({task}, timeout=self._limits.patience)
            if not task.done():
                self._stalled = True
                self._refuse([*batch, *self._drain()], Outage("the database does not answer in time"))
                LOG.warning("deliveries are refused: the database does not answer in time")
                await asyncio.wait({task})
                self._stalled = False
            task.result()

    def _take(self) -> list[_Waiting]:
        """As much as may be written at once, at least one."""
        count = size = 0
        for waiting in self._waiting[: self._limits.batch]:
            size += len(waiting.delivery.body)
            if count and size > self._limits.batch_bytes:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        self._waiting_bytes -= sum(len(waiting.delivery.body) for waiting in batch)
        return batch

    def _drain(self) -> list[_Waiting]:
        rest, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return rest

    async def _keep(self, batch: list[_Waiting]) -> None:
        try:
            new = [waiting.delivery for waiting in batch]
            receipts = await self._database.run(lambda unit: deliveries.store(unit, new))
        except Outage as outage:
            self._refuse(batch, outage)
        except Exception as error:
            if len(batch) > 1:  # one that the database will not have must not take the others with it
                for waiting in batch:
                    await self._keep([waiting])
                return
            LOG.exception("a delivery could not be kept", delivery=batch[0].delivery.delivery_id)
            self._refuse(batch, error)
        else:
            for waiting, receipt in zip(batch, receipts, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(Accepted(id=receipt.id, duplicate=not receipt.stored))

    @staticmethod
    def _refuse(batch: list[_Waiting], error: Exception) -> None:
        for waiting in batch:
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
