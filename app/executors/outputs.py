"""The outputs of a check: a JSON object of flat facts that other checks' conditions may use."""

import math
import re

import msgspec

from app.executors.protocol import MISSING, Collected
from app.model import CheckSpec, Scalar

MAX_OUTPUTS = 4_096
"""Bytes of the file."""
_MAX_INTEGER = 2**53
_OUTPUT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_OUTPUTS = msgspec.json.Decoder(dict[str, bool | int | float | str])

Outputs = dict[str, str | int | float | bool]


def read_outputs(check: CheckSpec, files: tuple[Collected, ...]) -> tuple[Outputs, tuple[str, ...]]:
    """The flat scalars of the outputs file, or the sentence that says what is wrong with it."""
    if not check.outputs:
        return {}, ()
    found = next((file for file in files if file.declared == check.outputs and file.problem != MISSING), None)
    if found is None:
        return {}, (f"report missing: {check.outputs} (the declared outputs)",)
    why = found.problem
    if not why and len(found.content) > MAX_OUTPUTS:
        why = f"it is larger than {MAX_OUTPUTS} bytes"
    outputs: Outputs = {}
    if not why:
        try:
            outputs = _OUTPUTS.decode(found.content)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            why = f"it is no JSON object of text, numbers, true and false ({error})"
        else:
            why = next((text for name, value in outputs.items() if (text := _wrong(name, value))), "")
    return ({}, (f"outputs unreadable: {check.outputs}: {why}",)) if why else (outputs, ())


def _wrong(name: str, value: Scalar) -> str:
    if not _OUTPUT_NAME.fullmatch(name):
        return f"the name {name[:80]!a} is not made of letters, digits and _"
    if isinstance(value, str):
        return (
            ""
            if all(char.isprintable() or char in "\n\t" for char in value)
            else f"{name} holds control characters"
        )
    return "" if math.isfinite(value) and abs(value) <= _MAX_INTEGER else f"{name} is out of range"
