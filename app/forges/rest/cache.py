"""Answers kept for revalidation: a 304 carries nothing, and on GitHub costs no rate limit."""

from collections import OrderedDict

import msgspec


class Kept(msgspec.Struct, frozen=True):
    """One answer: its ETag, bytes and Link header."""

    etag: str
    content: bytes
    link: str


class EtagCache:
    """The most recently used answers, bounded in bytes."""

    def __init__(self, most_bytes: int = 16 * 1024 * 1024) -> None:
        self._most = most_bytes
        self._held = 0
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    def get(self, key: tuple[str, str]) -> Kept | None:
        """The answer kept under (who asked, what), now the most recently used."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: tuple[str, str], kept: Kept) -> None:
        """Keep an answer; ones larger than an eighth of the room are not kept."""
        self.drop(key)
        if len(kept.content) > self._most // 8:
            return
        self._kept[key] = kept
        self._held += len(kept.content)
        while self._held > self._most:
            _, oldest = self._kept.popitem(last=False)
            self._held -= len(oldest.content)

    def drop(self, key: tuple[str, str]) -> None:
        """Forget an answer."""
        known = self._kept.pop(key, None)
        if known is not None:
            self._held -= len(known.content)
