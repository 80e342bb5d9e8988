"""A world per test, and a browser without JavaScript to look at it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.unit.dashboard.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def browser(world: World) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=world.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://gate.example") as client:
        yield client
