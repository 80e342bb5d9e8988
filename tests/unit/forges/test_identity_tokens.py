"""Identity tokens of CI jobs, against an issuer that really answers on loopback."""

from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.forges import IdentityTokens, Untrusted
from app.forges import Issuer as Believed
from app.forges.oidc import FRESH_SECONDS, LONGEST_SECONDS, REST_SECONDS
from app.model import Outage
from tests.support.github_stage import Clock
from tests.support.issuer import Issuer, github_claims, issuing, rsa_key

US = "https://gate.example"
HEAD = "a" * 40


class Verifier:
    """We, believing one issuer of GitHub's kind."""

    def __init__(self, issuer: Issuer, *, forge: str = "github") -> None:
        self.issuer = issuer
        self.clock = Clock()
        self.tokens = IdentityTokens(
            (Believed(url=issuer.url, kind=forge, forge=forge),), audience=US, now=self.clock
        )

    def claims(self, **more: Any) -> dict[str, Any]:
        return github_claims(US, self.clock(), 7, **more)

    async def refusal(self, token: str) -> str:
        with pytest.raises(Untrusted) as refused:
            await self.tokens.identify(token)
        assert token not in refused.value.message + refused.value.hint
        return refused.value.message


@pytest.fixture
async def we():
    async with issuing() as issuer:
        verifier = Verifier(issuer)
        yield verifier
        await verifier.tokens.close()


async def test_a_job_of_a_pull_request(we):
    identity = await we.tokens.identify(we.issuer.sign(we.claims()))
    assert (identity.forge, identity.forge_id, identity.repository) == ("github", 7, "acme/shop")
    uploader = identity.uploader
    assert uploader.key == "github:ci.yml@refs/pull/1/merge"
    assert uploader.says == "acme/shop workflow ci.yml@refs/pull/1/merge run 123"
    assert (uploader.run, uploader.sha, uploader.pull) == ("123.1", "", 1)


@pytest.mark.parametrize(
    ("event", "ref", "sha", "pull", "vouches"),
    [
        ("push", "refs/heads/main", HEAD, 0, False),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-1-abc", HEAD, 0, False),
        ("workflow_dispatch", "refs/heads/topic", HEAD, 0, False),
        ("pull_request", "refs/heads/main", HEAD, 0, False),  # as for a closed one
        ("pull_request", "refs/pull/12/merge", "", 12, False),
        ("pull_request_review", "refs/pull/12/merge", "", 12, False),
        ("pull_request_target", "refs/heads/main", HEAD, 0, True),
        ("pull_request_target", "refs/pull/12/merge", "", 12, False),
        ("workflow_run", "refs/heads/main", HEAD, 0, True),
    ],
)
async def test_for_which_head_a_job_may_speak(we, event, ref, sha, pull, vouches):
    identity = await we.tokens.identify(we.issuer.sign(we.claims(event_name=event, ref=ref, sha=HEAD)))
    uploader = identity.uploader
    assert (uploader.sha, uploader.pull, uploader.ref) == (sha, pull, ref)
    assert (identity.vouches, uploader.on_default) == (vouches, False), "which no claim tells"


async def test_a_job_of_an_older_github_enterprise(we):
    claims = we.claims(job_workflow_ref="acme/shop/.github/workflows/old.yml@refs/heads/main")
    del claims["workflow_ref"]
    assert (await we.tokens.identify(we.issuer.sign(claims))).uploader.key == "github:old.yml@refs/heads/main"


async def test_an_elliptic_key_and_several_audiences_will_do(we):
    we.issuer.keys["two"] = ec.generate_private_key(ec.SECP256R1())
    token = we.issuer.sign(we.claims(aud=["somebody else", US]), key_id="two")
    assert (await we.tokens.identify(token)).forge_id == 7


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"aud": "https://elsewhere.example"}, "the token is meant for somebody else"),
        ({"aud": US + "/"}, "the token is meant for somebody else"),
        ({"aud": None}, "the token is not valid"),
        ({"exp": 0}, "the token has expired"),
        ({"exp": "tomorrow"}, "the token's exp is no time"),
        ({"exp": True}, "the token's exp is no time"),
        ({"nbf": 4_000_000_000}, "the token is not valid yet"),
        ({"iat": 4_000_000_000}, "the token is not valid yet"),
        ({"iss": "https://token.actions.githubusercontent.com"}, "the token's issuer is not one"),
        ({"repository_id": ""}, "the token has no usable claim repository_id"),
        ({"repository_id": "7; drop"}, "the token has no usable claim repository_id"),
        ({"repository_id": ["7"]}, "the token's claim repository_id cannot be read"),
        ({"repository": "acme/\nshop"}, "the token's claim repository cannot be read"),
        ({"event_name": "push", "ref": "refs/heads/x", "sha": "abc"}, "the token has no usable claim sha"),
    ],
)
async def test_claims_that_prove_nothing(we, claims, message):
    assert message in await we.refusal(we.issuer.sign({**we.claims(), **claims}))


@pytest.mark.parametrize("missing", ["aud", "exp", "iat"])
async def test_claims_that_must_be_there(we, missing):
    claims = we.claims()
    del claims[missing]
    assert "the token is" in await we.refusal(we.issuer.sign(claims))


async def test_clocks_may_differ_a_little(we):
    now = int(we.clock())
    await we.tokens.identify(we.issuer.sign(we.claims(exp=now - 29, iat=now + 29, nbf=now + 29)))
    await we.refusal(we.issuer.sign(we.claims(exp=now - 31)))
    await we.refusal(we.issuer.sign(we.claims(nbf=now + 31)))


async def test_forged_signatures(we):
    genuine = we.issuer.sign(we.claims())
    head, body, signature = genuine.split(".")
    assert "not valid" in await we.refusal(we.issuer.sign(we.claims(), key=rsa_key(1)))
    other = we.issuer.sign({**we.claims(), "repository_id": "8"}).split(".")[1]
    assert "not valid" in await we.refusal(f"{head}.{other}.{signature}")
    assert "not valid" in await we.refusal(f"{head}.{body}.{signature[:-4]}AAAA")
    assert "does not publish" in await we.refusal(we.issuer.sign(we.claims(), key=rsa_key(1), key_id="none"))


async def test_algorithms_that_prove_nothing(we):
    public = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = we.claims()
    for algorithm in ("none", "None", "NONE", "HS256", "HS512", "RS384", "PS256", "", None, 5):
        token = we.issuer.unsigned(claims, {"alg": algorithm, "kid": "one", "typ": "JWT"}, b"x")
        assert await we.refusal(token)
    # the public key as the secret of a symmetric signature
    text = jwt.api_jws.PyJWS()
    signed = text.encode(b"{}", "k" * 40, algorithm="HS256")
    assert "signed by RS256" in await we.refusal(signed.replace(signed.split(".")[1], "e30"))
    assert public.startswith(b"-----BEGIN")
    # what the token brings along as its own key is not looked at
    own = jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key(1).public_key(), as_dict=True)
    token = we.issuer.sign(
        claims, key=rsa_key(1), jwk=own, jku=f"{we.issuer.url}/evil", x5u="https://evil.example"
    )
    assert "not valid" in await we.refusal(token)
    # a key that is published, but of another kind than the token says
    we.issuer.more_keys = [{"kty": "oct", "kid": "three", "k": "a2V5", "alg": "HS256", "use": "sig"}]
    assert "does not publish" in await we.refusal(we.issuer.sign(claims, key=rsa_key(), key_id="three"))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "a.b",
        ".".join(["e30"] * 3),
        "e30.W10.",
        "é.ü.ö",
        "A" * 20_000,
        "eyJhbGciOiJSUzI1NiJ9." + "W" * 9000 + ".x",
    ],
)
async def test_what_is_no_token(we, token):
    assert await we.refusal(token or "nothing")


async def test_keys_are_fetched_once_and_a_new_one_is_found(we):
    for _ in range(3):
        await we.tokens.identify(we.issuer.sign(we.claims()))
    assert we.issuer.asked["keys"] == 1
    we.issuer.keys["two"] = rsa_key(2)
    token = we.issuer.sign(we.claims(), key_id="two")
    assert "does not publish" in await we.refusal(token)  # asked a moment ago: not again for anybody's word
    assert we.issuer.asked["keys"] == 1
    we.clock.at += REST_SECONDS + 1
    assert (await we.tokens.identify(we.issuer.sign(we.claims(), key_id="two"))).forge_id == 7
    assert we.issuer.asked["keys"] == 2
    for number in range(5):  # made-up key ids do not make us ask
        await we.refusal(we.issuer.sign(we.claims(), key=rsa_key(1), key_id=f"made up {number}"))
    assert we.issuer.asked["keys"] == 2


async def test_a_withdrawn_key_stops_working(we):
    await we.tokens.identify(we.issuer.sign(we.claims()))
    we.issuer.keys = {"two": rsa_key(2)}
    we.clock.at += FRESH_SECONDS + 1
    assert "does not publish" in await we.refusal(we.issuer.sign(we.claims(), key=rsa_key(), key_id="one"))


async def test_while_the_issuer_does_not_answer_known_keys_work_for_a_while(we):
    await we.tokens.identify(we.issuer.sign(we.claims()))
    we.issuer.answer["discovery"] = Response(status_code=503)
    we.clock.at += FRESH_SECONDS + 1
    await we.tokens.identify(we.issuer.sign(we.claims()))
    we.clock.at += LONGEST_SECONDS
    with pytest.raises(Outage):
        await we.tokens.identify(we.issuer.sign(we.claims()))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("discovery", Response(status_code=500)),
        ("discovery", Response("{", media_type="application/json")),
        ("discovery", JSONResponse({"issuer": "https://evil.example", "jwks_uri": "https://evil.example/k"})),
        ("discovery", RedirectResponse("/keys")),
        ("keys", Response("[]", media_type="application/json")),
        ("keys", Response(b'{"keys":[' + b" " * 600_000 + b"]}", media_type="application/json")),
    ],
)
async def test_an_issuer_that_answers_nonsense_is_an_outage(we, path, answer):
    we.issuer.answer[path] = answer
    with pytest.raises(Outage, match="cannot be read for now"):
        await we.tokens.identify(we.issuer.sign(we.claims()))


async def test_keys_are_not_fetched_from_elsewhere(we):
    elsewhere = {"issuer": we.issuer.url, "jwks_uri": "http://127.0.0.1:9/keys"}
    we.issuer.answer["discovery"] = JSONResponse(elsewhere)
    with pytest.raises(Outage):
        await we.tokens.identify(we.issuer.sign(we.claims()))
    assert we.issuer.asked["keys"] == 0


async def test_only_https_is_asked_beyond_loopback():
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(500)

    issuer = Issuer(url="http://token.example")
    clock = Clock()
    tokens = IdentityTokens(
        (Believed(url=issuer.url, kind="github", forge="github"),),
        audience=US,
        now=clock,
        transport=httpx.MockTransport(answer),
    )
    with pytest.raises(Outage):
        await tokens.identify(issuer.sign(github_claims(US, clock(), 7)))
    assert asked == []
    await tokens.close()


def gitlab_claims(now: float, **more: Any) -> dict[str, Any]:
    return {
        "aud": US,
        "iat": int(now),
        "nbf": int(now) - 5,
        "exp": int(now) + 3600,
        "project_id": "28",
        "project_path": "acme/tools/shop",
        "pipeline_source": "merge_request_event",
        "pipeline_id": "455",
        "job_id": "1123",
        "ref": "topic",
        "ref_type": "branch",
        "ref_path": "refs/merge-requests/9/head",
        "sha": HEAD,
        **more,
    }


@pytest.mark.parametrize(
    ("ref_path", "sha", "pull"),
    [
        ("refs/heads/topic", HEAD, 0),
        ("refs/merge-requests/9/head", HEAD, 0),
        ("refs/merge-requests/9/merge", "", 9),
        ("refs/merge-requests/9/train", "", 9),
    ],
)
async def test_a_job_of_gitlab(ref_path, sha, pull):
    async with issuing() as issuer:
        we = Verifier(issuer, forge="gitlab")
        identity = await we.tokens.identify(issuer.sign(gitlab_claims(we.clock(), ref_path=ref_path)))
        assert (identity.forge, identity.forge_id, identity.repository) == ("gitlab", 28, "acme/tools/shop")
        assert (identity.uploader.sha, identity.uploader.pull) == (sha, pull)
        assert (identity.uploader.ref, identity.vouches) == (ref_path, False)
        assert identity.uploader.says == f"acme/tools/shop pipeline 455 on {ref_path}"
        await we.refusal(issuer.sign(github_claims(US, we.clock(), 7)))
        await we.tokens.close()
