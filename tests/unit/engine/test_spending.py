"""What was asked of a forge is written down once, whatever becomes of a write."""

from collections.abc import Mapping

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.engine.spending import Spending
from app.model import Outage
from app.store import spendings
from tests.unit.engine.conftest import Desk


class Asked:
    """A forge of which all that matters here is what it was asked since it was last told."""

    rates: Mapping[int, object] = {}

    def __init__(self) -> None:
        self.calls: dict[tuple[int, str], int] = {}

    def spent(self) -> Mapping[tuple[int, str], int]:
        calls, self.calls = self.calls, {}
        return calls


async def test_a_write_that_fails_loses_nothing(desk: Desk) -> None:
    forge = Asked()
    desk.services.forges = {"github": forge}  # type: ignore[dict-item]
    spending = Spending(desk.services)
    forge.calls = {(3, "permission"): 2}
    with desk.unit() as unit:
        unit.connection.execute(text("ALTER TABLE spendings RENAME TO gone"))
    with pytest.raises((Outage, DBAPIError)):
        await spending.note()
    with desk.unit() as unit:
        unit.connection.execute(text("ALTER TABLE gone RENAME TO spendings"))
    forge.calls = {(3, "permission"): 1, (0, "token"): 4}
    await spending.note()
    await spending.note()
    with desk.unit() as unit:
        found = spendings.since(unit.connection, 0.0)
    assert {(one.installation_id, one.purpose): one.calls for one in found} == {
        (3, "permission"): 3,
        (0, "token"): 4,
    }
