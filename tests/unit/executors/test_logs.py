"""What is kept of a log, what is masked, and that nobody waits for a viewer."""

import asyncio
import base64
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from app.executors.logs import CHUNK, Log, LogLimits, Mask
from app.executors.protocol import LogChunk


class Viewer:
    def __init__(self) -> None:
        self.chunks: list[LogChunk] = []

    async def __call__(self, chunk: LogChunk) -> None:
        self.chunks.append(chunk)


async def written(parts: list[bytes], limits: LogLimits, mask: Mask | None = None) -> tuple[Viewer, Log]:
    viewer = Viewer()
    log = Log(viewer, limits, mask or Mask())
    for part in parts:
        log.write(part)
    await log.close()
    return viewer, log


async def test_a_small_log_is_passed_on_whole_and_in_order():
    parts = [b"%d\n" % number for number in range(1000)]
    viewer, log = await written(parts, LogLimits())
    assert b"".join(chunk.data for chunk in viewer.chunks) == b"".join(parts)
    assert [chunk.seq for chunk in viewer.chunks] == list(range(len(viewer.chunks)))
    assert (log.dropped, log.bytes) == (0, sum(map(len, parts)))


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.binary(min_size=1, max_size=90), max_size=30),
    head=st.integers(0, 200),
    tail=st.integers(0, 200),
)
def test_the_start_and_the_end_are_kept_and_the_middle_counted(parts: list[bytes], head: int, tail: int):
    viewer, log = asyncio.run(written(parts, LogLimits(head=head, tail=tail)))
    whole = b"".join(parts)
    kept = bytearray()
    for chunk in viewer.chunks:
        assert whole[chunk.offset : chunk.offset + len(chunk.data)] == chunk.data
        assert 0 < len(chunk.data) <= CHUNK
        kept += chunk.data
    assert len(kept) + log.dropped == len(whole)
    assert log.dropped == max(0, len(whole) - head - tail)
    assert bytes(kept[:head]) == whole[:head]
    assert log.dropped == 0 or tail == 0 or bytes(kept[-tail:]) == whole[-tail:]


async def test_no_chunk_is_larger_than_64_kib():
    viewer, _ = await written([b"x" * 300_000], LogLimits())
    assert max(len(chunk.data) for chunk in viewer.chunks) == CHUNK
    assert sum(len(chunk.data) for chunk in viewer.chunks) == 300_000


async def test_the_hard_limit_is_told():
    _, log = await written([b"x" * 100], LogLimits(most=99))
    assert log.over.is_set()
    _, log = await written([b"x" * 99], LogLimits(most=99))
    assert not log.over.is_set()


async def test_a_viewer_that_hangs_costs_a_bounded_time_and_a_count():
    release = asyncio.Event()

    async def hanging(chunk: LogChunk) -> None:
        await release.wait()

    log = Log(hanging, LogLimits(head=1000, tail=1000, drain_seconds=0.05), Mask())
    for _ in range(100):
        log.write(b"x" * 1000)
    async with asyncio.timeout(60):
        await log.close()
    assert log.dropped >= 98_000


SECRET = b"s3cr3t/with+odd=chars&more"


def forms(secret: bytes) -> list[bytes]:
    text = secret.decode()
    quoted = quote(text, safe="").encode()
    shifted = [base64.b64encode(b"x" * lead + secret + b"y" * 3) for lead in range(6)]
    return [
        secret,
        quoted,
        quoted.lower() if b"%" in quoted else quoted,
        *shifted,
        base64.urlsafe_b64encode(b"ab" + secret),
    ]


@settings(max_examples=150, deadline=None)
@given(
    which=st.integers(0, 9),
    before=st.binary(max_size=40),
    after=st.binary(max_size=40),
    cuts=st.lists(st.integers(1, 30), max_size=8),
)
def test_a_secret_is_masked_in_every_form_wherever_reads_end(
    which: int, before: bytes, after: bytes, cuts: list[int]
):
    form = forms(SECRET)[which]
    stream = before + form + after
    mask = Mask([SECRET])
    shown = b""
    at = 0
    for cut in cuts:
        shown += mask.feed(stream[at : at + cut])
        at += cut
    shown += mask.feed(stream[at:]) + mask.finish()
    assert b"***" in shown
    assert SECRET not in shown
    assert SECRET[4:-4] not in shown
    decoded = form[4:-6]  # the part of an encoding that no neighbour influences
    assert decoded not in shown


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=300).filter(lambda data: b"s" not in data), cut=st.integers(1, 50))
def test_what_holds_no_secret_is_left_alone(data: bytes, cut: int):
    mask = Mask([b"sssss-secret-sssss"])
    shown = b"".join(mask.feed(data[at : at + cut]) for at in range(0, len(data), cut)) + mask.finish()
    assert shown == data


def test_three_hundred_secrets_split_over_writes_do_not_leak():
    secrets = [b"secret-%d-%s" % (number, b"z" * (number % 40)) for number in range(300)]
    stream = b" ".join(secrets)
    mask = Mask(secrets)
    shown = b"".join(mask.feed(stream[at : at + 7]) for at in range(0, len(stream), 7)) + mask.finish()
    assert b"secret-" not in shown
    assert shown.count(b"***") == 300


def test_only_what_may_become_a_secret_is_held_back():
    mask = Mask([b"hunter2-hunter2"])
    assert mask.feed(b"up\n") == b"up\n"
    assert mask.feed(b"a hunter2-") == b"a "
    assert mask.feed(b"but no!\n") == b"hunter2-but no!\n"
