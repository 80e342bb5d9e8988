"""The parts of the GitHub client that need no server: limits, texts, redaction, the cache, the manifest."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.forges import EVENTS, PERMISSIONS, Limits, app_manifest, check_app, manifest_url
from app.forges.github.errors import too_fast
from app.forges.rest.cache import EtagCache, Kept
from app.forges.rest.limits import Budget, retry_after
from app.forges.rest.redact import guard_http_log, redact
from app.forges.rest.texts import brief, clean, fit
from app.model import Misconfigured


@given(st.text(), st.integers(min_value=200, max_value=400))
def test_a_fitted_text_is_within_its_limit(text: str, limit: int) -> None:
    found = fit(text * 5, limit, "https://gate.example/1")
    assert len(found.encode()) <= limit
    assert found.count("```") % 2 == 0 or found == clean(text * 5)


@given(st.text())
def test_a_clean_text_can_always_be_sent(text: str) -> None:
    assert "\x00" not in clean(text).encode().decode()


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_a_brief_is_one_short_line(text: str, limit: int) -> None:
    found = brief(text, limit)
    assert len(found) <= limit
    assert "\n" not in found


def test_an_open_fence_is_closed_where_a_text_is_cut() -> None:
    found = fit("```\n" + "line\n" * 100, 200, "https://gate.example/1")
    assert found.count("```") == 2
    assert found.endswith("(https://gate.example/1)")


@pytest.mark.parametrize(
    "secret",
    [
        "ghs_0123456789abcdefABCDEF0123456789abcd",
        "github_pat_11ABCDEFG0123456789_abcdefghijklmnop",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\ncut off in the middle",
    ],
)
def test_secrets_are_known_by_their_form(secret: str) -> None:
    assert redact(f"before {secret}") == "before [redacted]"


def test_secrets_are_taken_out_of_addresses_and_by_value() -> None:
    assert redact("https://x-access-token:hush@github.com/a.git") == "https://[redacted]@github.com/a.git"
    assert redact("POST /app-manifests/abc123/conversions") == "POST /app-manifests/[redacted]/conversions"
    assert redact("it is hush", "hush", "") == "it is [redacted]"
    assert redact("git@github.com: nothing to hide, a.b.c") == "git@github.com: nothing to hide, a.b.c"


def test_a_manifest_code_is_not_in_the_http_log(caplog: pytest.LogCaptureFixture) -> None:
    guard_http_log()
    guard_http_log()
    with caplog.at_level(logging.INFO, logger="httpx"):
        logging.getLogger("httpx").info("HTTP Request: %s", "POST https://h/app-manifests/s3cret/conversions")
    assert caplog.messages == ["HTTP Request: POST https://h/app-manifests/[redacted]/conversions"]


def test_windows_free_up_as_they_slide() -> None:
    budget = Budget(Limits(points_per_minute=10, content_per_minute=0, content_per_hour=0))
    budget.spend(write=True, content=True, now=0)
    budget.spend(write=True, content=True, now=30)
    assert budget.free_at(write=False, content=False, now=31) == 60
    assert budget.free_at(write=True, content=True, now=61) == 61
    budget.spend(write=True, content=True, now=61)
    assert budget.free_at(write=True, content=False, now=62) == 90


def test_github_com_is_limited_and_a_server_of_ones_own_is_not() -> None:
    assert Limits.for_api("https://api.github.com/").content_per_minute == 80
    assert Limits.for_api("https://github.acme.example/api/v3").points_per_minute == 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30", 30.0), ("", None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0), ("-5", None)],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, now=1_445_412_420) == seconds


def test_a_refusal_is_not_a_rate_limit() -> None:
    assert not too_fast(403, {"x-ratelimit-remaining": "12"}, "Resource not accessible by integration")
    assert too_fast(403, {"x-ratelimit-remaining": "0"}, "")
    assert too_fast(403, {}, "You have exceeded a secondary rate limit")
    assert not too_fast(404, {"retry-after": "3"}, "rate limit")


def test_the_cache_forgets_the_oldest_and_never_keeps_the_huge() -> None:
    cache = EtagCache(most_bytes=80)
    for number in range(10):
        cache.put(("w", str(number)), Kept("e", b"x" * 10, ""))
    assert cache.get(("w", "0")) is None
    assert cache.get(("w", "9")) is not None
    cache.put(("w", "huge"), Kept("e", b"x" * 11, ""))
    assert cache.get(("w", "huge")) is None
    cache.put(("w", "9"), Kept("f", b"y", ""))
    found = cache.get(("w", "9"))
    assert found is not None
    assert found.etag == "f"


def test_the_manifest_asks_for_what_is_checked_later() -> None:
    manifest = app_manifest(
        name="gate",
        public_url="https://gate.example/",
        redirect_url="https://gate.example/setup/github/done",
        setup_url="https://gate.example/setup/github/installed",
    )
    assert manifest["hook_attributes"]["url"] == "https://gate.example/webhooks/github"
    live = {"permissions": manifest["default_permissions"], "events": manifest["default_events"]}
    assert check_app(live) == ()
    assert (
        check_app(
            {"permissions": {**PERMISSIONS, "checks": "admin", "more": "write"}, "events": [*EVENTS, "x"]}
        )
        == ()
    )


def test_what_an_app_lacks_is_named() -> None:
    found = check_app({"permissions": {**PERMISSIONS, "checks": "read"}, "events": EVENTS[1:]})
    assert [str(each) for each in found] == [
        "the app's permission 'checks' is read, needed is write",
        "the app's event 'check_run' is not subscribed, needed is subscribed",
    ]
    assert len(check_app({})) == len(PERMISSIONS) + len(EVENTS)


def test_where_the_manifest_goes() -> None:
    assert manifest_url("https://api.github.com") == "https://github.com/settings/apps/new"
    assert (
        manifest_url("https://h.example/api/v3", "acme")
        == "https://h.example/organizations/acme/settings/apps/new"
    )
    with pytest.raises(Misconfigured):
        manifest_url("https://api.github.com", "..")
