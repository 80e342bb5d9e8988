"""The published GitLab deliveries, as GitLab would send them."""

import json
from collections.abc import Iterator

from tests.support.contracts import contracts

HEADERS = {
    "merge_request": "Merge Request Hook",
    "push": "Push Hook",
    "tag_push": "Tag Push Hook",
    "note": "Note Hook",
    "pipeline": "Pipeline Hook",
    "build": "Job Hook",
    "issue": "Issue Hook",
    "deployment": "Deployment Hook",
    "feature_flag": "Feature Flag Hook",
    "release": "Release Hook",
    "wiki_page": "Wiki Page Hook",
    "access_token": "Resource Access Token Hook",
}
OF_GROUPS = {"subgroup_create": "Subgroup Hook", "user_add_to_group": "Member Hook"}


def published() -> Iterator[tuple[str, dict[str, str], bytes]]:
    """(name, headers in lower case, body) of each webhook and system hook in the contracts."""
    base = contracts("gitlab-webhooks", "testdata")
    for folder in ("webhooks", "systemhooks"):
        for path in sorted((base / folder).glob("*.json")):
            body = path.read_bytes()
            told = json.loads(body)
            kind, name = told.get("object_kind", ""), told.get("event_name", "")
            header = HEADERS.get(kind) or OF_GROUPS.get(name, "System Hook")
            event = "System Hook" if folder == "systemhooks" else header
            yield f"{folder}/{path.stem}", {"x-gitlab-event": event}, body
