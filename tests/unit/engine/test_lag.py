"""Whether what a forge shows may be older than what it told of."""

import pytest

from app.engine.reconcile import LAG, read_again_at
from app.model import Sha

A, B, C = Sha("a" * 40), Sha("b" * 40), Sha("c" * 40)


@pytest.mark.parametrize(
    ("read", "waited", "again"),
    [
        (B, 0.0, None),  # as it was told
        (C, 0.0, None),  # no delivery told of it yet: newer
        (A, 0.0, 2.0),
        (A, 1.0, 2.0),
        (A, 16.0, 16.0),
        (A, LAG - 1, LAG - 1),
        (A, LAG, None),  # by now it is the truth
    ],
)
def test_an_older_head_than_the_one_told_is_read_again_for_a_minute(
    read: Sha, waited: float, again: float | None
) -> None:
    now = 1000.0
    found = read_again_at(read, ((A, now - 500), (B, now - waited)), now)
    assert found == (None if again is None else now + again)


def test_where_nothing_was_told_all_is_believed() -> None:
    assert read_again_at(A, (), 1000.0) is None
