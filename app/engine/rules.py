"""What a run needs next: pure decisions, `rows, now → changed rows, attempts to queue, baselines wanted`,
then `→ verdict`.

Level-triggered: it reads where everything stands, never what happened, and can be asked any number of
times. Order per check (gate-file.md section 4): ignored paths, `when`, `needs`, `after`.
"""

from typing import Final

import msgspec

from app.engine.days import utc_day, waivers_turn
from app.engine.earlier import given_to, succeeds, taken_over
from app.engine.elsewhere import Known, by_posts, by_uploads
from app.engine.standings import Decision, Moved, Standings
from app.language import Context, Globs, used
from app.model import (
    ChangeKind,
    CheckResult,
    CheckRow,
    CheckSpec,
    Conclusion,
    Earlier,
    Evidence,
    Expression,
    Outcome,
    OutcomeValue,
    Pace,
    Plan,
    Status,
)
from app.policy import baselines_wanted, evaluate, merge_group_verdict, waivers_of
from app.policy import decide as decide_condition

NEEDS_TRUST: Final = "needs ok-to-test: an untrusted change gets no network"
GOOD: Final = {Conclusion.SUCCESS, Conclusion.NOT_NEEDED}


def first_results(plan: Plan, now: float, *, fresh: bool = False) -> tuple[CheckResult, ...]:
    """The results of a freshly planned run: all undecided (status WAITING, no attempt). In a `fresh` one no
    earlier result serves.
    """
    return tuple(
        CheckResult(
            id=spec.id,
            key=spec.key,
            required=spec.required,
            status=Status.WAITING,
            produces=tuple(sorted(spec.produces)),
            since=now,
            fresh=fresh,
        )
        for spec in plan.checks
    )


def move(state: Standings, now: float) -> Moved:
    """Look at every check until nothing moves. No check waits for a baseline."""
    return _Moving(state, now).move()


def judge(state: Standings, moved: Moved) -> Decision:
    """The verdict on where the checks are, given what is known of base."""
    evidence = msgspec.structs.replace(moved.evidence, baselines=state.baselines, flaky=state.flaky)
    if state.change.kind is ChangeKind.MERGE_GROUP:
        verdict = merge_group_verdict(state.plan, evidence, state.subject)
    else:
        verdict = evaluate(state.plan, evidence)
    return Decision(moved=moved, verdict=verdict, evidence=evidence)


class _Moving:
    def __init__(self, state: Standings, now: float) -> None:
        self.state = state
        self.now = now
        self.rows = {row.result.key: row for row in state.rows}
        self.before = dict(self.rows)
        self.by_id: dict[str, list[str]] = {}
        for spec in state.plan.checks:
            self.by_id.setdefault(spec.id, []).append(spec.key)
        self.wake_at: float | None = None
        self.read: dict[str, None] = {}
        self.start: dict[str, None] = {}
        self.took: dict[str, Pace] = {}
        ignored = state.plan.ignore_paths
        paths = state.comparison.paths
        globs = Globs(ignored)
        self.only_ignored = bool(ignored and paths) and all(globs.matches(path) for path in paths)

    def move(self) -> Moved:
        moved = True
        while moved:
            moved = False
            for spec in self.state.plan.checks:
                row = self.rows[spec.key]
                after = self._step(spec, row)
                if after != row:
                    self.rows[spec.key] = after
                    moved = True
        evidence = self.evidence()
        changed = tuple(row for key, row in self.rows.items() if row != self.before[key])
        compared = self.state.change.kind is not ChangeKind.BASE
        asked = baselines_wanted(self.state.plan, evidence) if compared else ()
        left_out = {key for key in asked if self.rows[key].result.conclusion is Conclusion.NOT_NEEDED}
        moments = (self.wake_at, waivers_turn(waivers_of(self.state.plan, evidence), evidence.today))
        return Moved(
            rows=changed,
            queue=tuple(row.result.key for row in changed if row.result.status is Status.QUEUED),
            read=tuple(self.read),
            start=tuple(self.start),
            took=self.took,
            reused=tuple(row.result.key for row in changed if row.result.reused is not None),
            wants=tuple(key for key in asked if key not in left_out),
            carries=tuple(key for key in asked if key in left_out),
            evidence=evidence,
            wake_at=min((at for at in moments if at is not None), default=None),
        )

    def evidence(self) -> Evidence:
        specs, reports = self.state.plan.checks, self.state.reports
        return Evidence(
            change=self.state.change,
            comparison=self.state.comparison,
            trusted=self.state.trusted,
            ai_authored=self.state.ai_authored,
            reverts=self.state.facts.reverts,
            configuring=self.state.facts.configuring,
            checks=tuple(self.rows[spec.key].result for spec in specs),
            reports=tuple(
                reports[spec.key]
                for spec in specs
                # of an upload they are there before it is decided that they count
                if spec.key in reports and (spec.external is None or self.rows[spec.key].evidence_id)
            ),
            people=self.state.people,
            today=utc_day(self.now),
            overrides=self.state.overrides,
            waivers=self.state.waivers,
        )

    def _step(self, spec: CheckSpec, row: CheckRow) -> CheckRow:
        """Move one check on as far as it goes now."""
        result = row.result
        if result.reused is not None:
            return row
        anew = spec.external is None and _left_out_later(result)
        if row.attempt > 0 and result.status is not Status.WAITING and not anew:
            return row  # an attempt is outstanding or has ended
        if result.status is Status.COMPLETED and spec.external is None and self._still_left_out(spec, row):
            return row
        left_out = self._left_out(spec)
        if spec.external is not None:
            row = msgspec.structs.replace(row, evidence_id=None)  # uploads count where that is decided
        if left_out is not None:
            return self._with(row, **left_out)
        held = self._held(spec)
        if held is not None:
            return self._with(row, status=Status.WAITING, conclusion=None, blocked_by="", reason=held)
        if spec.external is not None:
            return self._elsewhere(spec, row)
        earlier = self._earlier(spec)
        if earlier is not None:
            row = msgspec.structs.replace(row, evidence_id=earlier.evidence if earlier.delivered else None)
            return self._with(row, **taken_over(earlier))
        row = msgspec.structs.replace(row, attempt=row.attempt + 1)
        return self._with(
            row, status=Status.QUEUED, conclusion=None, blocked_by="", reason="", attempt=row.attempt
        )

    def _earlier(self, spec: CheckSpec) -> Earlier | None:
        """The newest earlier result that serves: given the same artifacts, and a success by this gate too."""
        found = self.state.earlier.get(spec.key, ())
        if not found:
            return None
        results = {key: row.result for key, row in self.rows.items()}
        given = given_to(spec, self.state.plan, results, {})
        return next((one for one in found if one.given == given and succeeds(spec, one)), None)

    def _still_left_out(self, spec: CheckSpec, row: CheckRow) -> bool:
        """Whether a check that was left out (skipped, not needed) would be left out again."""
        left_out = self._left_out(spec)
        return left_out is not None and left_out.get("conclusion") is row.result.conclusion

    def _left_out(self, spec: CheckSpec) -> dict[str, object] | None:
        """Not needed, or skipped because a need failed; None when it is to run or must wait."""
        if self.only_ignored and spec.ignorable:
            return self._not_needed("only ignored paths changed")
        if spec.when is not None and self._known(spec.when):
            outcome = self._condition(spec.when, context_after=False)
            if outcome.value in {OutcomeValue.UNMET, OutcomeValue.EXEMPT}:
                return self._not_needed(outcome.says or f"`when` is false: {spec.when.text}")
        if spec.when is not None and not self._known(spec.when):
            return None
        for need in spec.needs:
            for key in () if need.soft else self.by_id.get(need.check, ()):
                result = self.rows[key].result
                if result.status is Status.COMPLETED and result.conclusion not in GOOD:
                    root = result.blocked_by or key
                    return {
                        "status": Status.COMPLETED,
                        "conclusion": Conclusion.SKIPPED,
                        "blocked_by": root,
                        "reason": f"blocked by {root}",
                    }
        return None

    def _held(self, spec: CheckSpec) -> str | None:
        """Why a check that will run has to wait, None when it may start."""
        if spec.when is not None and not self._known(spec.when):
            return f"waits for {', '.join(self._open(used(spec.when.text).checks))}"
        waiting = self._open({need.check for need in spec.needs})
        if waiting:
            return f"waits for {', '.join(waiting)}"
        compared = self.state.change.kind is not ChangeKind.BASE
        if spec.network == "full" and not self.state.trusted and compared:
            return NEEDS_TRUST
        if spec.after is not None and self.state.change.kind is not ChangeKind.MERGE_GROUP:
            outcome = self._condition(spec.after, context_after=True)
            if outcome.value in {OutcomeValue.UNMET, OutcomeValue.UNKNOWN}:
                return f"held until {spec.after.text}" + (f" ({outcome.says})" if outcome.says else "")
        return None

    def _open(self, ids: set[str] | frozenset[str]) -> list[str]:
        keys = (key for check_id in sorted(ids) for key in self.by_id.get(check_id, ()))
        return [key for key in keys if self.rows[key].result.status is not Status.COMPLETED]

    def _known(self, expression: Expression) -> bool:
        """Whether every check that a `when` names has ended: an implied soft need."""
        return not self._open(used(expression.text).checks)

    def _condition(self, expression: Expression, *, context_after: bool) -> Outcome:
        context: Context = "after" if context_after else "when"
        return decide_condition(expression, self.state.plan, self.evidence(), context=context)

    def _elsewhere(self, spec: CheckSpec, row: CheckRow) -> CheckRow:
        """One that others run: where it stands by what they posted or uploaded."""
        state = self.state
        if spec.external is not None and spec.external.upload:
            head_sha = state.comparison.head_sha
            found = by_uploads(spec, row, state.uploads, state.change, head_sha=head_sha, now=self.now)
        else:
            known = Known(
                request=state.requests.get(spec.key),
                pace=state.paces.get(spec.key),
                trusted=state.trusted,
                shared=state.shared,
            )
            found = by_posts(spec, row, state.posts, known, self.now)
        if found.to_read:
            self.read[spec.key] = None
        if found.start:
            self.start[spec.key] = None
        if found.took is not None:
            self.took[spec.key] = found.took
        if found.wake_at is not None:
            self.wake_at = found.wake_at if self.wake_at is None else min(self.wake_at, found.wake_at)
        return self._with(msgspec.structs.replace(row, evidence_id=found.read), **found.fields)

    @staticmethod
    def _not_needed(reason: str) -> dict[str, object]:
        return {
            "status": Status.COMPLETED,
            "conclusion": Conclusion.NOT_NEEDED,
            "blocked_by": "",
            "reason": reason,
        }

    def _with(self, row: CheckRow, **fields: object) -> CheckRow:
        result = msgspec.structs.replace(row.result, **fields)
        if result == row.result:
            return row
        if result.status is not row.result.status and row.attempt + row.result.attempt > 0:
            result = msgspec.structs.replace(result, since=self.now)
        return msgspec.structs.replace(row, result=result)


def _left_out_later(result: CheckResult) -> bool:
    """Whether a check that ran before was left out when it was to run again: decided anew each time, or
    it would stay skipped after what blocked it has passed.
    """
    left_out = result.conclusion in {Conclusion.SKIPPED, Conclusion.NOT_NEEDED}
    return result.status is Status.COMPLETED and left_out and result.exit_code is None
