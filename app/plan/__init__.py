"""Gate file text + change → plan, or diagnostics. Pure.

`parse` gives a `GateFile` or all its diagnostics, `compile_plan` a `Plan` for one change.
"""

from app.plan.check_keys import UPLOAD_NAME
from app.plan.compile import MAX_CHECKS, applies, compile_plan, covers, definition, input_name, judged_by
from app.plan.declared import CheckDecl
from app.plan.diagnostics import as_json, format_diagnostic
from app.plan.gatefile import Catalogue, GateFile, Parsed, parse
from app.plan.hashed import hashed_globs, with_hashes
from app.plan.judged import built_in_kinds
from app.plan.matrix import Axis, Matrix
from app.plan.schema import json_schema
from app.plan.waivers import LONGEST, age, days_left

__all__ = [
    "LONGEST",
    "MAX_CHECKS",
    "UPLOAD_NAME",
    "Axis",
    "Catalogue",
    "CheckDecl",
    "GateFile",
    "Matrix",
    "Parsed",
    "age",
    "applies",
    "as_json",
    "built_in_kinds",
    "compile_plan",
    "covers",
    "days_left",
    "definition",
    "format_diagnostic",
    "hashed_globs",
    "input_name",
    "json_schema",
    "judged_by",
    "parse",
    "with_hashes",
]
