"""`pr.…`, labels and paths: what the pull request is and what it touches."""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import assert_never

from app.language import (
    Function,
    Known,
    Name,
    NotApplicable,
    Parameter,
    Plain,
    Unknown,
    Value,
    ValueType,
    globs,
    like,
)
from app.model import Change, ChangeKind, UnknownCause
from app.policy.judged import Judged
from app.policy.protocol import Fact, Family, Kwargs, Operation

_GROUP = "not told in a merge group"
_NONE = "no pull request"


def elsewhere(judged: Judged) -> Value | None:
    """Without a pull request (a push, a local run) nothing about it applies; a merge group takes it from
    its change.
    """
    change = judged.evidence.change
    match change.kind:
        case ChangeKind.MERGE_GROUP:
            return Unknown(cause=UnknownCause.MISSING, reason=_GROUP)
        case ChangeKind.PULL_REQUEST if change.number is not None:
            return None
        case ChangeKind.PULL_REQUEST | ChangeKind.PUSH | ChangeKind.BASE:
            return NotApplicable(reason=_NONE)
        case _:
            assert_never(change.kind)


def _of_change(get: Callable[[Change], Value]) -> Callable[[Judged], Value]:
    def read(judged: Judged) -> Value:
        return elsewhere(judged) or get(judged.evidence.change)

    return read


def _flag(get: Callable[[Judged], bool], yes: str, no: str) -> Callable[[Judged], Value]:
    def read(judged: Judged) -> Value:
        if (untold := elsewhere(judged)) is not None:
            return untold
        value = get(judged)
        return Known(value=value, says=yes if value else no)

    return read


def _changed(judged: Judged, args: tuple[Plain, ...], _kwargs: Kwargs) -> Value:
    patterns = tuple(str(arg) for arg in args)
    hits = [path for path in judged.paths if globs(patterns).matches(path)]
    if not hits:
        return Known(value=False, says=f"nothing under {_places(args)} changed")
    more = f" and {len(hits) - 1} more" if len(hits) > 1 else ""
    return Known(value=True, says=f"{hits[0]}{more} changed")


def _only_changed(judged: Judged, args: tuple[Plain, ...], _kwargs: Kwargs) -> Value:
    patterns = tuple(str(arg) for arg in args)
    paths = judged.paths
    if not paths:
        return Known(value=False, says="nothing changed")
    other = [path for path in paths if not globs(patterns).matches(path)]
    if not other:
        return Known(value=True, says=f"only {_places(args)} changed")
    more = f" and {len(other) - 1} more" if len(other) > 1 else ""
    return Known(value=False, says=f"{other[0]}{more} changed too")


def _has_label(judged: Judged, args: tuple[Plain, ...], _kwargs: Kwargs) -> Value:
    if (untold := elsewhere(judged)) is not None:
        return untold
    labels = {label.casefold() for label in judged.evidence.change.labels}
    for arg in args:
        if str(arg).casefold() in labels:
            return Known(value=True, says=f"label '{arg}'")
    return Known(value=False, says=f"no label {_listed(args, glue=' or ')}")


def _like(_judged: Judged, args: tuple[Plain, ...], kwargs: Kwargs) -> Value:
    named = dict(zip(("text", "glob"), args, strict=False)) | dict(kwargs)
    text, glob = str(named["text"]), str(named["glob"])
    fits = like(text, glob)
    return Known(value=fits, says=f"'{text}' is {'' if fits else 'not '}like '{glob}'")


def _listed(args: tuple[Plain, ...], *, glue: str = ", ") -> str:
    return glue.join(f"'{arg}'" for arg in args)


def _places(args: tuple[Plain, ...]) -> str:
    """Globs as people read them: infra/** is what lies under infra/."""
    return ", ".join(re.sub(r"/\*\*$", "/", str(arg)) for arg in args)


def _some(name: str) -> tuple[Parameter, ...]:
    return (Parameter(name=name, type=ValueType.TEXT, variadic=True),)


PR = Family(
    name="pr",
    doc="The pull request and the files that it touches; paths come from git, a rename is both its paths.",
    facts={
        "pr.number": Fact(
            meaning=Name(type=ValueType.NUMBER, doc="Its number."),
            words="the number",
            read=_of_change(lambda change: Known(value=Fraction(change.number or 0))),
            fixed=True,
        ),
        "pr.title": Fact(
            meaning=Name(type=ValueType.TEXT, doc="Its title.", people=True),
            words="the title",
            read=_of_change(lambda change: Known(value=change.title)),
        ),
        "pr.author": Fact(
            meaning=Name(type=ValueType.TEXT, doc="Login of who opened it."),
            words="the author",
            read=_of_change(lambda change: Known(value=change.author.login)),
            fixed=True,
        ),
        "pr.base": Fact(
            meaning=Name(type=ValueType.TEXT, doc="The target branch; on a push the pushed one."),
            words="the target branch",
            read=lambda judged: Known(value=judged.evidence.change.base_ref),
        ),
        "pr.head": Fact(
            meaning=Name(type=ValueType.TEXT, doc="The head branch."),
            words="the head branch",
            read=_of_change(lambda change: Known(value=change.head_ref)),
        ),
        "pr.draft": Fact(
            meaning=Name(type=ValueType.BOOL, doc="Whether it is a draft.", people=True),
            words="draft",
            read=_flag(lambda judged: judged.evidence.change.draft, "a draft", "not a draft"),
            people=True,
        ),
        "pr.labels": Fact(
            meaning=Name(type=ValueType.LIST, doc="Its labels.", people=True),
            words="the labels",
            read=_of_change(lambda change: Known(value=change.labels)),
            people=True,
        ),
        "pr.from_fork": Fact(
            meaning=Name(type=ValueType.BOOL, doc="Whether its head is in another repository."),
            words="from a fork",
            read=_flag(lambda judged: judged.evidence.change.from_fork, "from a fork", "not from a fork"),
            fixed=True,
        ),
        "pr.trusted": Fact(
            meaning=Name(type=ValueType.BOOL, doc="Whether its head is trusted.", people=True),
            words="trusted",
            read=_flag(lambda judged: judged.evidence.trusted, "a trusted head", "not a trusted head"),
            people=True,
        ),
        "pr.ai_authored": Fact(
            meaning=Name(
                type=ValueType.BOOL,
                doc="Whether a mark of settings.ai_authored was ever seen on it.",
                people=True,
            ),
            words="written by a machine",
            read=_flag(
                lambda judged: judged.evidence.ai_authored, "written by a machine", "not written by a machine"
            ),
            fixed=True,
        ),
        "pr.reverts": Fact(
            meaning=Name(type=ValueType.BOOL, doc="Whether it exactly undoes commits of base."),
            words="a revert",
            read=_flag(lambda judged: judged.evidence.reverts, "a revert", "not a revert"),
        ),
    },
    operations={
        "changed": Operation(
            meaning=Function(
                parameters=_some("glob"), returns=ValueType.BOOL, doc="Whether any touched path fits a glob."
            ),
            words=lambda args, _: f"changes under {_places(args)}",
            call=_changed,
        ),
        "only_changed": Operation(
            meaning=Function(
                parameters=_some("glob"),
                returns=ValueType.BOOL,
                doc="Whether all touched paths fit a glob; of an empty change they do not.",
            ),
            words=lambda args, _: f"changes only under {_places(args)}",
            call=_only_changed,
        ),
        "has_label": Operation(
            meaning=Function(
                parameters=_some("name"), returns=ValueType.BOOL, doc="Whether it has a label.", people=True
            ),
            words=lambda args, _: f"label {_listed(args, glue=' or ')}",
            call=_has_label,
            people=True,
        ),
        "like": Operation(
            meaning=Function(
                parameters=(
                    Parameter(name="text", type=ValueType.TEXT),
                    Parameter(name="glob", type=ValueType.TEXT),
                ),
                returns=ValueType.BOOL,
                doc="Whether the whole text fits a glob; * is anything.",
            ),
            words=lambda args, _: f"{_listed(args[:1])} like {_listed(args[1:])}",
            call=_like,
        ),
    },
)
