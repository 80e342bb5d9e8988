"""JSON schema of the gate file for editors, from the very tables that read it."""

from app.plan.check_keys import CHECKS
from app.plan.gate import definitions
from app.plan.gatefile import Catalogue
from app.plan.keys import TOP

_EXTERNAL = ("context", "pipeline", "upload", "workflow")
_ADDRESS = "https://json-schema.org/draft/2020-12/schema"


def json_schema(catalogue: Catalogue) -> dict[str, object]:
    """Draft 2020-12. Accepts what this version accepts as far as a schema can say it; refuses unknown
    keys and keys of later versions alike. Expressions are strings to it: only `lint` checks them.
    """
    names = catalogue.names
    schema = TOP.schema(names)
    checks = CHECKS.schema(names)
    patterns = checks["patternProperties"]
    if isinstance(patterns, dict):
        one_of = [{"required": [name]} for name in ("run", "use", "external")]
        for value in patterns.values():
            external = value["properties"]["external"]
            external["oneOf"] = [{"required": [name]} for name in _EXTERNAL]
            external["dependentSchemas"] = {
                "trigger": {"anyOf": [{"required": [name]} for name in ("pipeline", "workflow")]}
            }
            external["dependentRequired"] = {
                "creator": ["context"],
                "shards": ["upload"],
            }
        checks["patternProperties"] = {key: {**value, "oneOf": one_of} for key, value in patterns.items()}
        checks["propertyNames"] = {"not": {"const": "passed"}}
    properties = schema["properties"]
    if isinstance(properties, dict):
        properties["checks"] = {**checks, "description": TOP.fields["checks"].doc}
    return {
        "$schema": _ADDRESS,
        "title": "Portcullis gate file, version 1",
        **schema,
        "$defs": definitions(),
    }
