"""Paths that git can hold and no file of a check can have."""

import os

NAME_BYTES = 255
"""The longest name of a file or folder that the usual file systems take (NAME_MAX of Linux)."""


def fault(path: str, depth: int) -> str:
    """Why a path of a repository cannot be written, '' where it can: more than `depth` folders within
    folders, a name that is too long, or one that means another folder.
    """
    parts = path.split("/")
    if len(parts) - 1 > depth:
        return f"folders {len(parts) - 1} deep, at most {depth}"
    if len(path) * 4 > NAME_BYTES and (longest := max(len(os.fsencode(part)) for part in parts)) > NAME_BYTES:
        return f"a name of {longest} bytes, at most {NAME_BYTES}"
    if not {"", ".", ".."}.isdisjoint(parts):
        return "a path that no file can have"
    return ""
