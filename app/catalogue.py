"""The registries joined: all that a gate file may name in this version.

Apart from `wiring` so that reading a gate file does not load the service around it.
"""

from functools import cache

from app.plan import Catalogue, json_schema
from app.policy import vocabulary
from app.presets import PRESETS
from app.reports import formats


@cache
def catalogue() -> Catalogue:
    """The words of conditions, the presets and the report formats."""
    return Catalogue(
        vocabulary=vocabulary(),
        presets={preset.name: preset for preset in PRESETS},
        formats=formats(),
    )


@cache
def schema() -> dict[str, object]:
    """The JSON schema of the gate file."""
    return json_schema(catalogue())
