"""What a scripted check does and leaves, from the short descriptions of a story (tests/scenarios/README.md)."""

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from app.executors import Answer, Ended

Described = Mapping[str, Any]

_FINDING = re.compile(
    r"(?P<path>\S+):(?P<line>\d+) (?P<level>error|warning|note|none) (?P<rule>\S+) (?P<says>.+)"
)
_OUTCOMES = {
    "passed": "",
    "failed": "<failure message='no'/>",
    "errored": "<error message='no'/>",
    "skipped": "<skipped/>",
}


def answers(described: object) -> tuple[Answer, ...]:
    """One description, or a list of them: the n-th for the n-th attempt."""
    listed = described if isinstance(described, list) else [described]
    return tuple(answer(**each) for each in listed)


def answer(
    *,
    exit: int = 0,  # noqa: A002 - the word people use
    ended: str = "",
    signal: int | None = None,
    detail: str = "",
    seconds: float = 1.0,
    log: str = "",
    hold: bool = False,
    files: Mapping[str, Described] | None = None,
) -> Answer:
    """One attempt. Raises TypeError for a word that means nothing here."""
    how = Ended(ended) if ended else Ended.SIGNALED if signal is not None else Ended.EXITED
    return Answer(
        ended=how,
        exit_code=exit,
        signal=signal,
        detail=detail,
        seconds=seconds,
        log=log.encode(),
        hold=hold,
        files={path: content(each) for path, each in (files or {}).items()},
    )


def content(described: Described) -> bytes:
    """The bytes of one report or output."""
    (kind, what), *rest = described.items()
    assert not rest, f"one kind per file, not {list(described)}"
    return _KINDS[kind](what)


def junit(cases: Mapping[str, int | list[str]]) -> bytes:
    """`{passed: 3, failed: [test_price]}`: counts, or names where they matter."""
    made = []
    for outcome, which in cases.items():
        names = [f"test_{outcome}_{n}" for n in range(which)] if isinstance(which, int) else which
        inside = _OUTCOMES[outcome]
        made += [
            f"<testcase classname='tests' name={quoteattr(name)} time='0.1'>{inside}</testcase>"
            for name in names
        ]
    return f"<testsuites><testsuite name='s' tests='{len(made)}'>{''.join(made)}</testsuite></testsuites>".encode()


def cobertura(files: Mapping[str, Mapping[str, str | int]]) -> bytes:
    """`{src/shop.py: {hit: 1-3, missed: "4,6-7"}}`."""
    classes = []
    for path, lines in files.items():
        assert not lines.keys() - {"hit", "missed"}, f"hit or missed, not {list(lines)}"
        numbers = dict.fromkeys(_numbers(lines.get("hit", "")), 1) | dict.fromkeys(
            _numbers(lines.get("missed", "")), 0
        )
        shown = "".join(f'<line number="{n}" hits="{hits}"/>' for n, hits in sorted(numbers.items()))
        classes.append(
            f'<class name="c" filename={quoteattr(path)} line-rate="0"><methods/><lines>{shown}</lines></class>'
        )
    return (
        '<?xml version="1.0" ?><coverage version="7.6" line-rate="0" branch-rate="0" timestamp="1">'
        f'<sources/><packages><package name="p"><classes>{"".join(classes)}</classes></package></packages></coverage>'
    ).encode()


def _numbers(text: str | int) -> list[int]:
    found: list[int] = []
    for part in str(text).split(",") if text != "" else []:
        first, _, last = part.strip().partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def sarif(findings: list[str]) -> bytes:
    """`["src/shop.py:3 error F821 Undefined name"]`."""
    results = []
    for text in findings:
        match = _FINDING.fullmatch(text)
        assert match, f"not `path:line level rule message`: {text!r}"
        place = {
            "artifactLocation": {"uri": match["path"]},
            "region": {"startLine": int(match["line"])},
        }
        results.append(
            {
                "ruleId": match["rule"],
                "level": match["level"],
                "message": {"text": match["says"]},
                "locations": [{"physicalLocation": place}],
            }
        )
    run = {"tool": {"driver": {"name": "lint", "rules": []}}, "results": results}
    return json.dumps({"version": "2.1.0", "runs": [run]}).encode()


_KINDS = {
    "junit": junit,
    "cobertura": cobertura,
    "sarif": sarif,
    "json": lambda value: json.dumps(value).encode(),
    "text": lambda value: str(value).encode(),
}
