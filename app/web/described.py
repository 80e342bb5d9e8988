"""What the OpenAPI document says of an upload, beyond what its route's signature tells."""

from typing import Any, Final

from app.plan import UPLOAD_NAME

MAX_FIELD: Final = 2_000
_TEXT: Final = {"type": "string", "maxLength": MAX_FIELD}
FIELDS: Final[dict[str, dict[str, Any]]] = {
    "head_sha": {
        "type": "string",
        "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$",
        "description": "Full id of the commit the reports are about.",
    },
    "name": {
        "type": "string",
        "pattern": f"^({UPLOAD_NAME})$",
        "description": "As the gate file says: external: {upload: NAME}.",
    },
    "repository": {**_TEXT, "description": "owner/name, to be sure."},
    "root": {
        "type": "string",
        "maxLength": 500,
        "pattern": r"^(|(/|[A-Za-z]:[\\/]).*)$",
        "description": "Absolute folder of the checkout in CI; printable characters.",
    },
    "job": {
        "type": "string",
        "maxLength": 200,
        "description": "Job of CI: files of one name by several all count; printable characters.",
    },
}
"""The fields by name: of a form, or of the query."""
_FILE: Final = {**_TEXT, "description": "Name of the one file that a raw body is."}
UPLOAD: Final[dict[str, Any]] = {
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in {**FIELDS, "file": _FILE}.items()
    ],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["head_sha", "name", "files"],
                    "additionalProperties": False,
                    "properties": {
                        **FIELDS,
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                        },
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    },
}
"""The operation's parameters and body. A field stands in the query or in the form, never in both."""
