"""One run as people look at it: the single value that check run, comment, page, CLI and API render."""

import msgspec

from app.model.change import Change, Repository
from app.model.evidence import Evidence
from app.model.plan import Diagnostic, Plan
from app.model.verdict import Verdict


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A run, its inputs and its verdict.

    `run_id` is 0 for a local run. `plan` and `evidence` are None where the change could not be planned
    (conflict, broken gate file). `diagnostics` are those of the judging gate file or, for a change that
    edits it, of the head's version (`head_diagnostics`). `notes` are sentences for people ("gate file on
    main is invalid since 3fa92c1, judged by 91be0aa"). Times are epoch seconds; `page_url` may be ''.
    `also` names other open changes with the same head and their verdict in words. `title_note` is the one
    sentence that must stand in the title too (a gate file that is invalid since some commit). `usual` are the
    seconds that checks a pending verdict waits for usually take, by key. `spent` and `saved` are the seconds
    that its attempts took, and those that the results it reused had taken.
    """

    run_id: int
    repository: Repository
    change: Change
    verdict: Verdict
    plan: Plan | None = None
    evidence: Evidence | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    head_diagnostics: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    opened_at: float = 0.0
    settled_at: float | None = None
    page_url: str = ""
    also: tuple[str, ...] = ()
    superseded: bool = False
    title_note: str = ""
    usual: dict[str, float] = {}
    spent: float = 0.0
    saved: float = 0.0
