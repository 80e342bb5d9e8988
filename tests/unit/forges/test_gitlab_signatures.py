"""What proves a GitLab delivery: every published vector in its verifier, and what must not pass."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from app.forges import BadDelivery
from app.forges.gitlab import GitLabIntake
from app.forges.gitlab.signatures import WINDOW, signing_key, signing_token
from tests.support.contracts import contracts

AT = 1_614_265_330.0
BODY = b'{"object_kind":"push","event_name":"push"}'
SIGNING = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q="


def intake(*secrets: str, now: float = AT) -> GitLabIntake:
    return GitLabIntake(lambda: secrets, now=lambda: now)


def vectors(kind: str) -> list[dict[str, Any]]:
    told = json.loads(contracts("signatures", "vectors.json").read_bytes())
    if kind == "negative":
        names = {each["name"]: each for each in told["vectors"]}
        return [{**names[each["of"]], **each} for each in told["negative"] if each["of"] in names]
    return list(told["vectors"])


def ours(vector: dict[str, Any]) -> bool:
    return vector["name"].startswith(("gitlab", "standard-webhooks"))


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_every_vector_of_gitlab_and_of_standard_webhooks_is_accepted() -> None:
    found = [each for each in vectors("positive") if ours(each)]
    assert len(found) == 3
    for each in found:
        head = intake("another", each["secret"]).verify(lower(each["headers"]), each["body"].encode())
        assert head.delivery_id


def test_no_negative_vector_and_no_other_forges_proof_is_accepted() -> None:
    for each in vectors("negative") + [each for each in vectors("positive") if not ours(each)]:
        headers, body = lower(each.get("headers", {})), each.get("body", "").encode()
        with pytest.raises(BadDelivery) as refused:
            intake(each["secret"]).verify(headers, body)
        assert refused.value.status == 401


def signed(body: bytes = BODY, *, at: float = AT, secret: str = SIGNING) -> dict[str, str]:
    text = b"d-1.%d.%b" % (int(at), body)
    digest = base64.b64encode(hmac.new(signing_key(secret), text, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": "d-1", "webhook-timestamp": str(int(at)), "webhook-signature": f"v1,{digest}",
        "x-gitlab-event": "Push Hook",
    }  # fmt: skip


def test_a_signed_delivery_is_known_by_its_id_and_event() -> None:
    head = intake(SIGNING).verify(signed(), BODY)
    assert (head.delivery_id, head.event) == ("d-1", "push")


@pytest.mark.parametrize("late", [WINDOW + 1, -WINDOW - 1])
def test_a_replay_is_refused(late: float) -> None:
    with pytest.raises(BadDelivery, match="too long ago"):
        intake(SIGNING, now=AT + late).verify(signed(), BODY)
    intake(SIGNING, now=AT + WINDOW).verify(signed(), BODY)


def test_one_of_several_signatures_is_enough_and_each_is_looked_at() -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1a,xx v1,AAAA {headers['webhook-signature']}"
    intake("whsec_AAAA", SIGNING).verify(headers, BODY)


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({**signed(), "webhook-id": "x y"}, "no valid webhook-id"),
        ({**signed(), "webhook-timestamp": "soon"}, "no valid webhook-id"),
        ({**signed(), "webhook-id": "d-2"}, "does not match"),
        ({**signed(b"{}")}, "does not match"),
        ({**signed(), "webhook-signature": "v2,AAAA", "x-gitlab-token": SIGNING}, "does not match"),
        ({"x-gitlab-token": "almost"}, "the token does not match"),
        ({"x-gitlab-token": "ä"}, "the token does not match"),
        ({"x-gitlab-signature": "0" * 64}, "does not match"),
        ({"x-gitlab-signature": "0"}, "no valid X-GitLab-Signature"),
        ({}, "neither signed nor"),
    ],
)
def test_what_is_not_proved_is_refused(headers: dict[str, str], says: str) -> None:
    with pytest.raises(BadDelivery, match=says) as refused:
        intake(SIGNING).verify(headers, BODY)
    assert refused.value.status == 401


def test_nothing_is_proved_by_an_empty_secret() -> None:
    with pytest.raises(BadDelivery, match="no GitLab is set up"):
        intake("").verify({"x-gitlab-token": ""}, BODY)
    assert signing_key("whsec_???") == b""
    with pytest.raises(BadDelivery, match="does not match"):
        intake("plain").verify(signed(secret="whsec_AAAA"), BODY)


def test_a_plain_secret_signs_by_a_token_that_gitlab_takes() -> None:
    token = signing_token("plain")
    assert len(base64.b64decode(token.removeprefix("whsec_"))) == 32
    intake("plain").verify(signed(secret=token), BODY)
    assert signing_token(SIGNING) == SIGNING


def test_an_external_status_check_is_proved_by_its_shared_secret() -> None:
    body = b'{"object_kind":"merge_request","external_approval_rule":{"id":1}}'
    digest = hmac.new(b"shared", body, hashlib.sha256).hexdigest()
    head = intake("shared").verify({"x-gitlab-signature": digest}, body)
    assert head.event == "merge_request"


def test_a_delivery_without_an_id_is_known_by_what_it_says() -> None:
    token = {"x-gitlab-token": "s", "x-gitlab-event": "Push Hook", "x-gitlab-event-uuid": "u-1"}
    first = intake("s").verify(token, BODY).delivery_id
    assert first == intake("s").verify(token, BODY).delivery_id
    assert first.startswith("u-1:")
    assert first != intake("s").verify(token, BODY + b" ").delivery_id
    assert intake("s").verify({**token, "idempotency-key": "k-1"}, BODY).delivery_id == "k-1"


@pytest.mark.parametrize(
    ("header", "body", "event"),
    [
        ("Merge Request Hook", b"{}", "merge_request"),
        ("Confidential Note Hook", b"{}", "note"),
        ("Job Hook", b"{}", "job"),
        ("System Hook", b'{"event_name":"push"}', "push"),
        ("System Hook", b'{"object_kind":"merge_request"}', "merge_request"),
        ("Project Hook", b'{"event_name":"project_create"}', "project_create"),
        ("System Hook", b"not json", "unknown"),
        ("System Hook", b'{"event_name":"%s"}' % (b"x" * 99), "unknown"),
        ("\x00", b"{}", "unknown"),
    ],
)
def test_an_event_has_one_name_whichever_hook_tells_it(header: str, body: bytes, event: str) -> None:
    assert intake("s").verify({"x-gitlab-token": "s", "x-gitlab-event": header}, body).event == event
