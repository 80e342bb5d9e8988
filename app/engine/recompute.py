"""A stored verdict judged again from its stored inputs: the same bytes, or the difference is shown."""

import msgspec
from sqlalchemy import Connection

from app.engine.judging import judgement_of
from app.engine.services import PageLink
from app.model import RULES_VERSION, ChangeKind, Judgement, Verdict
from app.policy import evaluate, merge_group_verdict
from app.store import pack, runs, verdicts


class Recomputed(msgspec.Struct, frozen=True, kw_only=True):
    """A stored verdict and what the rules say of its inputs now.

    `same` is true when both are the same bytes; else `now` is what today's rules say. `stored_rules` and
    `rules` are the versions of the rules then and now.
    """

    judgement: Judgement
    same: bool
    stored_rules: int
    rules: int
    now: Verdict | None = None


def recompute(connection: Connection, run_id: int, page_link: PageLink) -> Recomputed | None:
    """A run's latest verdict, recomputed where it rests on a plan; None if there is no such run."""
    run = runs.load_run(connection, run_id)
    if run is None:
        return None
    judgement = judgement_of(connection, run, page_link)
    stored, plan, evidence = judgement.verdict, judgement.plan, judgement.evidence
    now: Verdict | None = None
    if plan is not None and evidence is not None:
        if evidence.change.kind is ChangeKind.MERGE_GROUP:
            recorded = verdicts.load_verdict(connection, run_id)
            subject = None if recorded is None else recorded.subject
            # a record from before subjects were kept: what it copied stands, whole, in its own outcomes
            now = merge_group_verdict(plan, evidence, subject or stored)
        else:
            now = evaluate(plan, evidence)
    same = now is None or pack(now) == pack(stored)
    return Recomputed(
        judgement=judgement,
        same=same,
        stored_rules=stored.rules_version,
        rules=RULES_VERSION,
        now=None if same else now,
    )
