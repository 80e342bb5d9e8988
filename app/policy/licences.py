"""`licences.denied`: packages that the change brings under a licence that the settings do not allow."""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from importlib import import_module

import msgspec

from app.language import Known, Name, Standing, Unknown, Value, ValueType, licence_standing
from app.model import BaselineState, Evidence, Kind, Package, Plan, ReportContent, UnknownCause
from app.policy.counting import count
from app.policy.judged import Judged
from app.policy.protocol import Fact, Family
from app.policy.required import required_keys


class DeniedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package of one check (by key) and how its licence stands: denied, or unknown. `new` is None while
    base's packages are not known yet, and true where they cannot be had.
    """

    check: str
    package: Package
    standing: Standing
    new: bool | None


def denied_packages(plan: Plan, evidence: Evidence) -> tuple[DeniedPackage, ...]:
    """All packages of required checks that are not allowed, those of base too, each once for a check.

    base has a package if it has one of that name (whatever its version) under that licence: raising the
    version of what is there is no new licence.
    """
    required = required_keys(plan)
    baselines = {baseline.key: baseline for baseline in evidence.baselines}
    found: list[DeniedPackage] = []
    for one in evidence.reports:
        if one.key not in required:
            continue
        base = baselines.get(one.key)
        there: set[tuple[str, str]] | None = set()
        if base is not None and base.state is BaselineState.READY:
            there = {_identity(package) for package in _packages(base.reports)}
        elif base is not None and base.state is BaselineState.OUTSTANDING:
            there = None
        for package in dict.fromkeys(_packages(one.reports)):
            standing = licence_standing(package.licence, plan.settings.licences)
            if standing == "allowed" or (standing == "unknown" and plan.settings.licences.unknown == "allow"):
                continue
            new = None if there is None else _identity(package) not in there
            found.append(DeniedPackage(check=one.key, package=package, standing=standing, new=new))
    return tuple(found)


def _packages(reports: tuple[ReportContent, ...]) -> Iterator[Package]:
    return (package for report in reports for package in report.packages)


def _identity(package: Package) -> tuple[str, str]:
    return _name_of(package.purl) or package.name.casefold(), package.licence


@lru_cache(maxsize=65_536)
def _name_of(purl: str) -> str:
    """A package URL without version, qualifiers and subpath; '' for what is none."""
    if not purl:
        return ""
    packageurl = import_module("packageurl").PackageURL
    try:
        parsed = packageurl.from_string(purl)
    except ValueError:
        return ""
    return str(packageurl(parsed.type, parsed.namespace, parsed.name))


def _denied(judged: Judged) -> Value:
    gathered = judged.gather(Kind.LICENCES)
    found = [one for one in denied_packages(judged.plan, judged.evidence) if one.check in gathered.keys]
    new = sum(1 for one in found if one.new)
    value = count(new, gathered)
    waits = tuple(dict.fromkeys(one.check for one in found if one.new is None))
    if not waits or not isinstance(value, Known):
        return value
    reason = f"waits for {', '.join(waits)} on {judged.evidence.change.base_ref}"
    return Unknown(
        cause=UnknownCause.OUTSTANDING,
        reason=reason,
        checks=waits,
        at_least=Fraction(new),
        at_most=Fraction(len([one for one in found if one.new is not False])),
    )


LICENCES = Family(
    name="licences",
    doc="Licences of packages, over all required checks that write a bill of materials (CycloneDX, SPDX).",
    facts={
        "licences.denied": Fact(
            meaning=Name(
                type=ValueType.NUMBER,
                doc="Packages that base has not and whose licence settings.licences does not allow; one that "
                "names no licence counts, unless settings.licences says unknown: allow.",
                kinds=frozenset({Kind.LICENCES}),
                gate_only=True,
            ),
            words="new packages under a licence that is not allowed",
            read=_denied,
            things=lambda judged: (
                ("package", one.check, *_identity(one.package))
                for one in denied_packages(judged.plan, judged.evidence)
                if one.new
            ),
        ),
    },
)
