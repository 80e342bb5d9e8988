"""Whose evidence enters aggregates: that of required checks, whatever they declared."""

from collections.abc import Iterator

from app.model import Evidence, Plan, ReportContent


def required_keys(plan: Plan) -> frozenset[str]:
    """The keys of the required checks."""
    return frozenset(spec.key for spec in plan.checks if spec.required)


def required_reports(plan: Plan, evidence: Evidence) -> Iterator[tuple[str, ReportContent]]:
    """The reports that required checks delivered, each with its check's key, in the order of delivery."""
    required = required_keys(plan)
    for delivered in evidence.reports:
        if delivered.key in required:
            for report in delivered.reports:
                yield delivered.key, report
