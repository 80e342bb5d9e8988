"""Where each check of a plan would begin, decided by the same rules as a run."""

from app.engine import rules
from app.engine.standings import Standings
from app.model import Change, CheckResult, CheckRow, Comparison, People, Plan, Readable


def preview(plan: Plan, change: Change, comparison: Comparison, now: float) -> tuple[CheckResult, ...]:
    """The plan's checks as they stand before anything ran: queued, waiting, not needed. In plan order.

    Facts about people are not applicable, as for a local run.
    """
    rows = tuple(
        CheckRow(id=number, run_id=0, result=result)
        for number, result in enumerate(rules.first_results(plan, now), 1)
    )
    state = Standings(
        plan=plan,
        change=change,
        comparison=comparison,
        rows=rows,
        reports={},
        people=People(state=Readable.NOT_APPLICABLE),
    )
    moved = {row.result.key: row.result for row in rules.move(state, now).rows}
    return tuple(moved.get(row.result.key, row.result) for row in rows)
