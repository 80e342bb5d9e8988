"""Publications that rest on no verdict."""

import msgspec

from app.model import DiagnosticSeverity, PublishedConclusion
from app.publish import cancelled, first_gate_file, gate_file_removed, render_publication
from app.publish.notices import foreign_post
from tests.unit.publish.samples import BLOCKED, GATE, HEAD, NOW, PAGE, PENDING

ERROR = BLOCKED.head_diagnostics[0]
WARNING = msgspec.structs.replace(ERROR, severity=DiagnosticSeverity.WARNING, line=30)


def test_a_valid_first_gate_file() -> None:
    publication = first_gate_file(head_sha=HEAD, path=GATE, base_ref="main", run_id=3, page_url=PAGE, now=NOW)
    assert publication.conclusion is PublishedConclusion.NEUTRAL
    assert publication.title == "The first gate file .portcullis.yml is valid"
    assert "once it is on main" in publication.summary
    assert publication.annotations == ()
    assert publication.external_id == "3:portcullis"
    assert publication.details_url == PAGE


def test_a_broken_first_gate_file_blocks_nothing_and_shows_each_mistake_on_its_line() -> None:
    publication = first_gate_file(
        head_sha=HEAD, path=GATE, base_ref="main", diagnostics=(ERROR, WARNING), now=NOW
    )
    assert publication.conclusion is PublishedConclusion.NEUTRAL
    assert publication.title == "The first gate file .portcullis.yml has 1 error"
    assert [(found.line, found.level) for found in publication.annotations] == [
        (22, "failure"),
        (30, "warning"),
    ]
    assert "did you mean" in publication.text


def test_warnings_alone_are_told() -> None:
    publication = first_gate_file(
        head_sha=HEAD, path=GATE, base_ref="main", diagnostics=(WARNING, WARNING), now=NOW
    )
    assert publication.title == "The first gate file .portcullis.yml is valid, with 2 warnings"


def test_removed_closed_superseded() -> None:
    removed = gate_file_removed(head_sha=HEAD, base_ref="release/@x", now=NOW)
    assert removed.conclusion is PublishedConclusion.NEUTRAL
    assert removed.title == "No gate file on release/@x any more"
    assert "@&#8203;x" in removed.summary
    pending = render_publication(PENDING, now=NOW)
    closed = cancelled(pending, "closed", now=NOW)
    assert (closed.conclusion, closed.title) == (PublishedConclusion.CANCELLED, "Closed before it was judged")
    assert (closed.name, closed.external_id) == (pending.name, pending.external_id)
    superseded = cancelled(pending, "superseded", now=NOW)
    assert superseded.title == "Superseded: a newer head is judged instead"
    assert cancelled(pending, "withdrawn", now=NOW).title == "Not asked for any more"


def test_others_under_our_name_are_named() -> None:
    assert "mallory posted a result named 'portcullis'" in foreign_post("portcullis", "mallory")
