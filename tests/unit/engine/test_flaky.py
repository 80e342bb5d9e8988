"""Flaky tests in the tables: seen beside earlier evidence of the same tree, known for a while, bounded."""

import msgspec
import pytest
from sqlalchemy import func, select

from app.engine.flaky import known_flaky, remember_flaky
from app.engine.retention import prune
from app.model import CheckEvidence, CheckSpec, FileChange, FileStatus, Kind, ReportContent, Run, Sha
from app.model import TestCase as Case
from app.policy import FLAKY_WINDOW
from app.store import evidence as stored
from app.store import flaky, metadata
from tests.unit.engine.conftest import Desk
from tests.unit.policy.world import F, P, compare, ended, file
from tests.unit.policy.world import evidence as judged_of

SPEC = CheckSpec(id="test", key="test (3.12)", definition="d", produces=(Kind.TESTS,))
TREE, OTHER = Sha("e" * 40), Sha("f" * 40)


def body(*names: str, outcome: object = P, path: str = "") -> CheckEvidence:
    classname = path.removesuffix(".py").replace("/", ".")
    tests = tuple(Case(name=name, classname=classname, path=path, outcome=outcome) for name in names)  # type: ignore[arg-type]
    return CheckEvidence(key=SPEC.key, reports=(ReportContent(format="junit", kind="tests", tests=tests),))


class Story:
    """Evidence that comes in as the engine keeps it, and what is known afterwards."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def run(self, *, trusted: bool = True, files: tuple[FileChange, ...] = ()) -> Run:
        return Run(
            id=1,
            repository_id=self.desk.repository_id,
            change_id=1,
            head_sha=Sha("1" * 40),
            trusted=trusted,
            comparison=compare(*files),
        )

    def comes(
        self,
        what: CheckEvidence,
        *,
        tree: Sha = TREE,
        definition: str = "d",
        trusted: bool = True,
        ago: float = 0.0,
        origin: str = "run 1",
        files: tuple[FileChange, ...] = (),
    ) -> None:
        spec = msgspec.structs.replace(SPEC, definition=definition)
        now = self.desk.now - ago
        with self.desk.unit() as unit:
            remember_flaky(unit, self.run(trusted=trusted, files=files), spec, tree, origin, what, now)
            stored.keep_evidence(
                unit,
                repository_id=self.desk.repository_id,
                definition=definition,
                base_tree=tree,
                tested_tree=tree,
                source=stored.EvidenceSource.CHANGE,
                origin=origin,
                body=what,
                now=now,
            )

    def turns(self, *names: str, path: str = "", **fields: object) -> None:
        """They fail, then pass, on the same tree."""
        self.comes(body(*names, outcome=F, path=path), **fields)  # type: ignore[arg-type]
        self.comes(body(*names, path=path), **fields)  # type: ignore[arg-type]

    def known(
        self, *failed: str, tree: Sha = OTHER, path: str = "", files: tuple[FileChange, ...] = ()
    ) -> list[tuple[int, bool]]:
        """(times, whether on this tree) of what is known where these fail on a tree."""
        judged = judged_of(
            msgspec.structs.replace(ended(SPEC.key, None), id="test", delivered=("tests",)),
            reports=[body(*failed, outcome=F, path=path)],
        )
        judged = msgspec.structs.replace(
            judged, comparison=msgspec.structs.replace(compare(*files), tested_tree=tree)
        )
        with self.desk.unit() as unit:
            found = known_flaky(unit.connection, self.run(), judged, self.desk.now)
        return [(one.times, one.here) for one in found]

    def count(self) -> int:
        with self.desk.unit() as unit:
            table = metadata.tables["flaky_tests"]
            return int(unit.connection.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.fixture
def story(desk: Desk) -> Story:
    return Story(desk)


def test_what_turned_on_one_tree_is_known_on_all_others(story: Story) -> None:
    story.turns("a")
    assert story.known("a") == [(1, False)]
    assert story.known("b") == []
    assert story.known("b", tree=TREE) == [(1, True)]
    story.turns("a")  # the same tree again is no other sight
    assert story.known("a") == [(1, False)]
    story.turns("a", tree=Sha("c" * 40), origin="base run of main@abc1234")
    assert story.known("a") == [(2, False)]


def test_another_tree_or_definition_proves_nothing(story: Story) -> None:
    story.comes(body("a", outcome=F))
    story.comes(body("a"), tree=OTHER)
    story.comes(body("a"), definition="another")
    assert story.count() == 0


def test_a_strangers_change_speaks_for_its_own_tree_alone(story: Story) -> None:
    story.turns("a", trusted=False)
    assert story.known("a") == []
    assert story.known("a", tree=TREE) == [(1, True)]
    story.turns("a")
    assert story.known("a") == [(1, False)]
    story.turns("a", trusted=False)  # what was seen by somebody trusted stays so
    assert story.known("a") == [(1, False)]


RENAMED = (
    file("tests/new/test_b.py", status=FileStatus.RENAMED, old_path="tests/test_a.py"),
    file("shop.py"),
)


def test_it_goes_with_its_file_where_a_change_renames_that(story: Story) -> None:
    story.turns("a", "b", path="tests/test_a.py")
    assert story.known("a", path="tests/new/test_b.py", files=RENAMED) == [(1, False)]
    assert story.known("a", path="tests/new/test_b.py") == []  # nothing tells that it is the same


def test_it_stays_where_the_renamed_file_is_once_that_is_merged(story: Story) -> None:
    story.turns("a", "b", path="tests/test_a.py", ago=FLAKY_WINDOW - 60)
    stranger = body("a", path="tests/new/test_b.py")
    story.comes(stranger, tree=Sha("c" * 40), files=RENAMED, trusted=False)
    assert story.known("a", path="tests/new/test_b.py") == []
    story.comes(body("a", path="tests/new/test_b.py"), tree=Sha("d" * 40), files=RENAMED)
    assert story.known("a", path="tests/new/test_b.py") == [(1, False)]
    assert story.known("a", path="tests/new/test_b.py", files=RENAMED) == [(1, False)]
    assert story.known("b", path="tests/new/test_b.py") == []  # it did not run there
    assert story.count() == 3


async def test_it_is_forgotten_after_a_while(story: Story) -> None:
    story.turns("old", ago=FLAKY_WINDOW + 60)
    story.turns("new", tree=Sha("c" * 40), ago=FLAKY_WINDOW - 60)
    assert story.known("old") == []
    assert story.count() == 2
    await prune(story.desk.services)
    assert story.count() == 1
    assert story.known("new") == [(1, False)]


def test_one_repository_takes_so_much_room_and_no_more(story: Story) -> None:
    with story.desk.unit() as unit:
        for n in range(5):
            one = flaky.Seen(test=f"t{n}", tree=TREE, trusted=True, origin="", at=float(n))
            flaky.keep_seen(unit, story.desk.repository_id, (one,), most=3)
        left = flaky.seen_of(unit.connection, story.desk.repository_id, (), TREE, 0.0)
    assert [one.test for one in left] == ["t2", "t3", "t4"]
