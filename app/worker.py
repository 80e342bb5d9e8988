"""The process of a worker: no HTTP, only work; ended by a signal."""

import asyncio
import signal
from collections.abc import Callable

from app.wiring import Program


async def work(program: Program, started: Callable[[], None]) -> None:
    """Work until SIGTERM or SIGINT comes. Raises what start-up raised.

    What runs at the end is given back and goes on elsewhere, or at the next start.
    """
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    async with program.running():
        if not ending.is_set():
            started()
        await ending.wait()
