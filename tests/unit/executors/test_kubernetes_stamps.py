"""Lines behind their times, however the stream is cut, and taken up again."""

from hypothesis import given
from hypothesis import strategies as st

from app.executors.kubernetes.stamps import Stamped

LINES = [
    (b"2026-11-22T00:00:00.%09dZ" % (at * 1000), text)
    for at, text in [(1, b"a b"), (2, b""), (2, b"c"), (3, b"d")]
]
WHOLE = b"".join(stamp + b" " + text + b"\n" for stamp, text in LINES)
SHOWN = b"a b\n\nc\nd\n"


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_however_a_stream_is_cut_its_lines_are_whole(cuts: list[int]):
    stamped, at, shown = Stamped(), 0, b""
    for cut in [*sorted(cuts), len(WHOLE)]:
        shown += stamped.feed(WHOLE[at:cut])
        at = cut
    assert shown == SHOWN


@given(st.lists(st.integers(0, len(WHOLE)), min_size=1, max_size=5))
def test_a_stream_that_begins_anew_gives_each_byte_once(breaks: list[int]):
    stamped, shown = Stamped(), b""
    for broken in breaks:
        shown += stamped.feed(WHOLE[:broken])
        stamped.again()
    shown += stamped.feed(WHOLE)
    assert shown == SHOWN
    assert not stamped.gap


def test_what_the_node_put_away_meanwhile_is_noticed():
    stamped = Stamped()
    assert stamped.feed(WHOLE[: WHOLE.index(b"\n") + 1]) == b"a b\n"
    stamped.again()
    assert stamped.feed(WHOLE[WHOLE.rindex(b"2026") :]) == b"d\n"
    assert stamped.gap


def test_times_whose_zeros_are_left_out_are_in_order():
    stamped = Stamped()
    stream = b"2026-11-22T00:00:00Z a\n2026-11-22T00:00:00.09Z b\n2026-11-22T00:00:00.1Z c\n"
    assert stamped.feed(stream) == b"a\nb\nc\n"
    stamped.again()
    assert stamped.feed(stream + b"2026-11-22T00:00:00.123456789Z d\n") == b"d\n"


def test_what_does_not_end_in_a_newline_comes_as_it_is():
    stamped = Stamped()
    assert stamped.feed(b"2026-11-22T00:00:00Z no end") == b"no end"
    stamped.again()
    assert stamped.feed(b"2026-11-22T00:00:00Z no end, or is there\n") == b", or is there\n"
