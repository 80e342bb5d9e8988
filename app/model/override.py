"""Overrides: what a person let pass although the gate says no (gate-file.md section 9)."""

import msgspec


class Excused(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome that an override names: its condition as written, what it said, and the identities of the
    leaves that stood in the way when the person looked. Anything newly unmet is not among them. `counted`
    holds, by leaf, a digest of each thing that it counted then (a failed test, a finding, who asks for
    changes); a leaf that counts nothing by name is not in it.
    """

    text: str
    says: str
    leaves: tuple[str, ...]
    counted: dict[str, tuple[str, ...]] = {}


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """One person's word for one head of one change. `at` is epoch seconds."""

    by: str
    because: str
    at: float
    excused: tuple[Excused, ...]


class Overridden(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome of a verdict that overrides cover: who let it pass, in order of their word, and why."""

    excused: Excused
    by: tuple[str, ...]
    because: tuple[str, ...]
