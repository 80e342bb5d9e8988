"""The condition language (pure): parse, check types, evaluate with three values and an explanation."""

from app.language.arithmetic import LETTERS
from app.language.calls import signature
from app.language.checking import check_expression
from app.language.evaluate import evaluate, group
from app.language.explain import show
from app.language.globs import Globs, branch_matches, globs, like
from app.language.licences import Standing, licence_problem, licence_standing
from app.language.protocol import (
    About,
    Context,
    Facts,
    Function,
    Known,
    Name,
    NotApplicable,
    Parameter,
    Plain,
    Problem,
    Unknown,
    Used,
    Value,
    ValueType,
    Vocabulary,
)
from app.language.ternary import combine, worst
from app.language.usage import checks_given, used
from app.language.values import leaves

__all__ = [
    "LETTERS",
    "About",
    "Context",
    "Facts",
    "Function",
    "Globs",
    "Known",
    "Name",
    "NotApplicable",
    "Parameter",
    "Plain",
    "Problem",
    "Standing",
    "Unknown",
    "Used",
    "Value",
    "ValueType",
    "Vocabulary",
    "branch_matches",
    "check_expression",
    "checks_given",
    "combine",
    "evaluate",
    "globs",
    "group",
    "leaves",
    "licence_problem",
    "licence_standing",
    "like",
    "show",
    "signature",
    "used",
    "worst",
]
