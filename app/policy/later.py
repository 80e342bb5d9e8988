"""Names of the language that later versions judge: refused by name, never ignored."""

from app.language import Function, Name, Parameter, ValueType
from app.policy.protocol import Family

LATER = "not yet supported by this version"
_NOTIFY = "only for 'notify' and 'deploy', which are not yet supported by this version"


def _name(kind: ValueType, doc: str, *, why: str = LATER) -> Name:
    return Name(type=kind, doc=doc, unsupported=why)


LATER_FAMILY = Family(
    name="later",
    doc="Not yet supported by this version.",
    later_names={
        "verdict": _name(ValueType.TEXT, "The verdict.", why=_NOTIFY),
        "waiting_for": _name(ValueType.LIST, "What the gate waits for.", why=_NOTIFY),
        "window": _name(ValueType.BOOL, "Whether a deployment window is open.", why=_NOTIFY),
    },
    later_functions={
        "deployed": Function(
            parameters=(Parameter(name="env", type=ValueType.TEXT),),
            returns=ValueType.BOOL,
            doc="Whether an environment runs it.",
            unsupported=_NOTIFY,
        ),
    },
)
