"""The keys of the gate file, once: what may stand where, in which shape, and what comes later. Those of a
check are in `check_keys`, those of `settings` in `settings_keys`.
"""

from collections.abc import Mapping

from app.plan.check_keys import CHECK, CHECKS, NO_SECRET
from app.plan.containers import Field, Items, Record
from app.plan.gate import GateShape
from app.plan.settings_keys import GLOBS, SETTINGS
from app.plan.shapes import BAD, Reading, Schema, Text
from app.plan.waivers import WaiverShape
from app.plan.yaml import ListNode, MapNode, Node

ON = Record(
    {
        "branches": Field(GLOBS, "target branches; default and protected ones if left out"),
        "ignore_paths": Field(GLOBS, "where only such files changed, checks without 'when' are not needed"),
        "events": Field(
            Items(Text("event", choices=("pull_request", "merge_group", "push")), low=1), "what is judged"
        ),
    },
    help_topic="on",
)
DEFAULTS = Record(
    {name: CHECK.fields[name] for name in ("timeout", "retry", "env", "workdir", "shell", "resources")},
    help_topic="defaults",
)


class Version:
    """`version: 1`."""

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """1."""
        if not isinstance(node, MapNode | ListNode) and node.value == 1 and not isinstance(node.value, bool):
            return 1
        reading.wrong(node, where, "version 1", code="G014", hint="write: version: 1")
        return BAD

    def schema(self, _reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """The constant."""
        return {"const": 1}


TOP = Record(
    {
        "version": Field(Version(), "of this format: 1", required=True, missing="begin with: version: 1"),
        "on": Field(ON, "which changes are judged"),
        "defaults": Field(DEFAULTS, "for all checks that allow them"),
        "checks": Field(CHECKS, "what runs"),
        "gate": Field(GateShape(), "conditions, all of which must hold; a built-in gate if left out"),
        "settings": Field(SETTINGS, "how it is judged and shown"),
        "waivers": Field(Items(WaiverShape()), "new findings that somebody answers for until a date"),
    },
    later={
        "extends": "repeat the policy here until then",
        "enforced": "policy repositories come later",
        "notify": "the check run and the sticky comment are what is posted",
        "deploy": "not in version 1",
        "program": "write 'when' over outputs",
        "emit": "write a matrix or 'when' over outputs",
        "fan_out": "write a matrix",
        "secrets": NO_SECRET,
    },
    wanted="a mapping with 'version', 'checks' and 'gate'",
    partial=True,
)
