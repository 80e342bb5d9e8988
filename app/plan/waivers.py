"""`waivers:` of the gate file, and how old they are on a given day (gate-file.md section 9)."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from app.model import Waiver
from app.plan.containers import Field, Record
from app.plan.shapes import BAD, Reading, Schema, Text, Whole
from app.plan.yaml import MapNode, Node, ScalarNode

LONGEST: Final = 90
"""Days between `granted` and `expires` at most."""


class Day:
    """A date as `2026-11-21`; it stays a text."""

    pattern: Final = re.compile("2[0-9]{3}-[0-9]{2}-[0-9]{2}")

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """The date as written."""
        text = node.text if isinstance(node, ScalarNode) else ""
        try:
            return dt.date.fromisoformat(text if self.pattern.fullmatch(text) else "").isoformat()
        except ValueError:
            return reading.wrong(node, where, "a date like 2026-11-21", code="G014")

    def schema(self, _reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """A string with the pattern."""
        return {"type": "string", "format": "date", "pattern": f"^{self.pattern.pattern}$"}


_SAID: Final = r"[\s\S]*\S[\s\S]*"
_KEYS: Final = Record(
    {
        "fingerprint": Field(Text("a fingerprint", pattern=r"\S{1,256}"), "of the one finding it covers"),
        "rule": Field(Text("a rule"), "glob of rules it covers, such as S101 or ruff/S*; with path and max"),
        "path": Field(Text("a path"), "glob of the files it covers them in"),
        "max": Field(Whole(1, 10_000), "if more new findings match rule and path, none is covered"),
        "reason": Field(Text("a reason", pattern=_SAID), "why the finding may stay for now", required=True),
        "owner": Field(Text("an owner", pattern=_SAID), "who answers for it", required=True),
        "granted": Field(Day(), "the day it was granted, from which it counts", required=True),
        "expires": Field(Day(), f"its last day, UTC; at most {LONGEST} days after granted", required=True),
        "ticket": Field(Text("a ticket"), "where it is followed up"),
    },
    help_topic="waivers",
    partial=True,
)
_FORMS: Final = "either 'fingerprint', or 'rule', 'path' and 'max'"


class WaiverShape:
    """One waiver."""

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """A Waiver."""
        values = _KEYS.read(node, where, reading)
        if not isinstance(node, MapNode) or not isinstance(values, dict):
            return BAD
        sound = [_one_form(node, where, reading), _in_time(node, values, where, reading)]
        # a key that could not be read: what is left of the waiver might cover more
        if not all(sound) or len(values) < len(node.entries) or not set(_KEYS.required) <= set(values):
            return BAD
        return msgspec.convert({**values, "source": reading.source(node)}, Waiver)

    def schema(self, reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """An object of one of the two forms."""
        area = ["rule", "path", "max"]
        return {
            **_KEYS.schema(reading),
            "oneOf": [
                {"required": ["fingerprint"], "not": {"anyOf": [{"required": [key]} for key in area]}},
                {"required": area, "not": {"required": ["fingerprint"]}},
            ],
        }


def _one_form(node: MapNode, where: str, reading: Reading) -> bool:
    """Complain unless it names a fingerprint, or a rule, a path and how many."""
    add = reading.complaints.add
    area: list[str] = [key for key in ("rule", "path") if key in node.entries]
    if "fingerprint" in node.entries:
        for key in area:
            add("G021", f"a waiver has {_FORMS}, not both", node.entries[key][0].span, where=f"{where}.{key}")
        if "max" in node.entries and not area:
            message = "'max' stands only beside 'rule' and 'path': a fingerprint is one finding"
            add("G025", message, node.entries["max"][0].span, where=f"{where}.max")
        return not area and "max" not in node.entries
    if not area:
        add("G021", f"a waiver has {_FORMS}, this one has neither", node.span, where=where)
        return False
    missing: list[str] = [key for key in ("rule", "path", "max") if key not in node.entries]
    for missed in missing:
        hint = "if more new findings match than 'max', none is covered" if missed == "max" else ""
        add("G010", f"'{missed}' is missing", node.span, where=where, hint=hint or f"a waiver has {_FORMS}")
    return not missing


def _in_time(node: MapNode, values: dict[str, object], where: str, reading: Reading) -> bool:
    """Complain unless it ends after it begins, and soon enough."""
    if not {"granted", "expires"} <= set(values):
        return False  # complained about already
    granted, expires = _day(values["granted"]), _day(values["expires"])
    latest = granted + dt.timedelta(days=LONGEST)
    place, span, add = f"{where}.expires", node.entries["expires"][1].span, reading.complaints.add
    if expires < granted:
        add("G014", f"it expires before it is granted on {granted}", span, where=place)
        return False
    if expires > latest:
        message = f"{(expires - granted).days} days after it is granted; at most {LONGEST} are allowed"
        hint = f"at the latest {latest}; what must stay longer is granted anew then"
        add("G014", message, span, where=place, hint=hint)
        return False
    if reading.today and str(expires) < reading.today:
        hint = "remove it, or grant it anew"
        add("G051", f"this waiver expired on {expires}", span, where=place, hint=hint, warning=True)
    return True


def _day(text: object) -> dt.date:
    return dt.date.fromisoformat(str(text))


def days_left(waiver: Waiver, today: str) -> int:
    """Whole days from `today` (ISO date) to its last; 0 on the last, negative once it has expired."""
    return (_day(waiver.expires) - _day(today)).days


def age(waiver: Waiver, today: str) -> int:
    """Whole days since it was granted; negative before."""
    return (_day(today) - _day(waiver.granted)).days
