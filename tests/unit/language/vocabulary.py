"""A small vocabulary and facts to try the language on, apart from what policy knows."""

from collections.abc import Mapping

from app.language import (
    About,
    Function,
    Known,
    Name,
    Parameter,
    Plain,
    Unknown,
    Value,
    ValueType,
    Vocabulary,
)
from app.model import Kind, UnknownCause

TYPES = {
    "coverage.new": ValueType.PERCENT,
    "coverage.overall": ValueType.PERCENT,
    "tests.failed": ValueType.NUMBER,
    "tests.total": ValueType.NUMBER,
    "size.added": ValueType.NUMBER,
    "pr.draft": ValueType.BOOL,
    "pr.title": ValueType.TEXT,
    "pr.base": ValueType.TEXT,
    "pr.labels": ValueType.LIST,
    "checks.passed": ValueType.BOOL,
    "rating.new": ValueType.RATING,
    "checks.lint.seconds": ValueType.DURATION,
}
KINDS = {"coverage.new": Kind.COVERAGE, "tests.failed": Kind.TESTS}
PEOPLE = frozenset({"pr.draft", "pr.title", "pr.labels"})

VOCABULARY = Vocabulary(
    names={
        name: Name(
            type=kind,
            doc=name,
            kinds=frozenset({KINDS[name]} if name in KINDS else ()),
            people=name in PEOPLE,
            gate_only=name == "checks.passed",
        )
        for name, kind in TYPES.items()
        if not name.startswith("checks.lint")
    }
    | {
        "duplication.new": Name(
            type=ValueType.PERCENT, doc="", unsupported="not yet supported by this version"
        )
    },
    functions={
        "findings": Function(
            parameters=(
                Parameter(name="min_severity", type=ValueType.TEXT, choices=("high", "low")),
                Parameter(name="age", type=ValueType.TEXT, choices=("new", "all")),
                Parameter(name="tool", type=ValueType.TEXT, required=False, keyword_only=True),
            ),
            returns=ValueType.NUMBER,
            doc="",
            kinds=frozenset({Kind.FINDINGS}),
        ),
        "changed": Function(
            parameters=(Parameter(name="glob", type=ValueType.TEXT, variadic=True),),
            returns=ValueType.BOOL,
            doc="",
        ),
        "approved_by": Function(
            parameters=(
                Parameter(name="who", type=ValueType.TEXT),
                Parameter(name="n", type=ValueType.NUMBER, required=False),
            ),
            returns=ValueType.BOOL,
            doc="",
            people=True,
        ),
        "deployed": Function(parameters=(), returns=ValueType.BOOL, doc="", unsupported="for later"),
    },
    per_check={
        "passed": Name(type=ValueType.BOOL, doc=""),
        "seconds": Name(type=ValueType.DURATION, doc=""),
        "conclusion": Name(type=ValueType.TEXT, doc="", choices=("success", "failure")),
    },
)


class Given:
    """Facts as given; calls are looked up by name."""

    def __init__(self, values: Mapping[str, Value], people: frozenset[str] = PEOPLE) -> None:
        self.values = values
        self.people = people

    def name(self, name: str) -> Value:
        return self.values[name]

    def call(self, name: str, args: tuple[Plain, ...], kwargs: Mapping[str, Plain]) -> Value:
        found = self.values[name]
        if isinstance(found, Known) and isinstance(found.value, str):
            return Known(value=f"{found.value}{args}{dict(kwargs)}")
        return found

    def about(self, name: str, args: tuple[Plain, ...], kwargs: Mapping[str, Plain]) -> About:
        words = {"coverage.new": "coverage on new code", "tests.failed": "failed tests"}.get(name, name)
        kind = TYPES.get(name, ValueType.ANY)
        return About(words=words, type=kind, people=name in self.people, fixed=name == "pr.base")


def unknown(
    cause: UnknownCause = UnknownCause.OUTSTANDING, reason: str = "waits for test", **bounds: object
) -> Unknown:
    return Unknown(cause=cause, reason=reason, **bounds)  # type: ignore[arg-type]
