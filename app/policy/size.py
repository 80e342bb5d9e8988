"""`size.…`: how large the change is, from git, generated files left out."""

from collections.abc import Callable
from fractions import Fraction

from app.language import Known, Name, Value, ValueType
from app.model import FileChange, FileStatus
from app.policy.judged import Judged
from app.policy.newcoverage import is_generated
from app.policy.protocol import Fact, Family


def _summing(part: Callable[[FileChange], int]) -> Callable[[Judged], Value]:
    def read(judged: Judged) -> Value:
        files = (
            file for file in judged.evidence.comparison.files if not is_generated(judged.plan, file.path)
        )
        return Known(value=Fraction(sum(part(file) for file in files)))

    return read


def _bytes(file: FileChange) -> int:
    """An added or changed blob's size; a file only moved brings none."""
    only_moved = file.status is FileStatus.RENAMED and not file.hunks and not file.binary
    return 0 if only_moved or file.status is FileStatus.REMOVED else file.size


def _fact(words: str, doc: str, part: Callable[[FileChange], int]) -> Fact:
    return Fact(meaning=Name(type=ValueType.NUMBER, doc=doc), words=words, read=_summing(part))


SIZE = Family(
    name="size",
    doc="How large the change is; files of settings.generated are left out.",
    facts={
        "size.added": _fact("added lines", "Lines that the change adds or edits.", lambda file: file.added),
        "size.removed": _fact("removed lines", "Lines that it removes or edits.", lambda file: file.removed),
        "size.files": _fact("changed files", "Files that it touches; a rename is one.", lambda _: 1),
        "size.bytes": _fact("bytes of changed files", "Size of added and changed files, in bytes.", _bytes),
    },
)
