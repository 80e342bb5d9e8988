"""What each of GitHub's refusals means, and what is done about it."""

import pytest

from app.forges import Gone, Refused
from app.forges.github.errors import explain
from app.model import Misconfigured, Outage

LACKING = {"x-accepted-github-permissions": "checks=write"}


@pytest.mark.parametrize(
    ("status", "message", "headers", "kind", "says"),
    [
        (401, "Bad credentials", {}, Misconfigured, "does not accept our credentials"),
        (
            403,
            "Resource not accessible by integration",
            LACKING,
            Misconfigured,
            "lacks the permission checks: write",
        ),
        (403, "This installation has been suspended", {}, Misconfigured, "the installation is suspended"),
        (403, "Repository was archived so is read-only.", {}, Misconfigured, "archived"),
        (404, "Not Found", {}, Gone, "not on GitHub, or hidden"),
        (410, "Issues are disabled for this repo", {}, Gone, "not on GitHub, or hidden"),
        (409, "Git Repository is empty.", {}, Gone, "the commit is not on GitHub"),
        (409, "Conflict", {}, Outage, "busy"),
        (422, "No commit found for SHA: 1234", {}, Gone, "the commit is not on GitHub"),
        (422, "Validation Failed", {}, Refused, "does not accept this"),
        (451, "Repository access blocked", {}, Misconfigured, "unexpected answer 451"),
    ],
)
def test_each_refusal_is_told_to_whom_it_concerns(status, message, headers, kind, says):
    error = explain("check_run_create", status, message, headers)
    assert type(error) is kind
    assert says in error.message
