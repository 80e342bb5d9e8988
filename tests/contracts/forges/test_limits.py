"""Limits, tokens and secrets, as every forge must heed them."""

import asyncio
import logging
from datetime import UTC, datetime

import msgspec
import pytest

from app.forges import AppCredentials, Gone, Limits
from app.model import Misconfigured, Outage, Sha
from app.practice import Fault, PullRequest
from tests.contracts.forges.publications import pending
from tests.support.github_stage import Clock, Stage

# Limits, tokens, secrets


async def test_a_used_up_limit_names_its_reset_and_is_not_asked_again(
    stage: Stage, pull: PullRequest
) -> None:
    await stage.github.get_change(stage.repository, 1)
    reset = int(stage.clock.at) + 1800
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset), "x-ratelimit-limit": "5000"}
    stage.world.faults.append(
        Fault(path="/pulls", status=403, headers=headers, message="API rate limit exceeded")
    )
    for _ in range(3):
        with pytest.raises(Outage) as caught:
            await stage.github.get_change(stage.repository, 1)
        assert caught.value.retry_at == datetime.fromtimestamp(reset, UTC)
    assert stage.github.requests["pull"] == 2
    stage.clock.at = reset + 1
    assert (await stage.github.get_change(stage.repository, 1)).number == 1


async def test_retry_after_is_obeyed(stage: Stage, pull: PullRequest) -> None:
    stage.world.faults.append(
        Fault(path="/pulls", status=429, headers={"retry-after": "45"}, message="slow down")
    )
    with pytest.raises(Outage) as caught:
        await stage.github.get_change(stage.repository, 1)
    assert caught.value.retry_at == datetime.fromtimestamp(stage.clock.at + 45, UTC)


async def test_a_bare_secondary_limit_waits_a_minute_then_longer(stage: Stage, pull: PullRequest) -> None:
    waits = []
    for _ in range(3):
        stage.world.faults.append(
            Fault(path="/pulls", status=403, message="You have exceeded a secondary rate limit")
        )
        with pytest.raises(Outage) as caught:
            await stage.github.get_change(stage.repository, 1)
        assert caught.value.retry_at is not None
        waits.append(caught.value.retry_at.timestamp() - stage.clock.at)
        stage.clock.at += waits[-1]
    assert waits == [60, 120, 240]


async def test_we_hold_back_before_the_forge_has_to_say_so(stage: Stage, pull: PullRequest) -> None:
    github = stage.client(limits=Limits(points_per_minute=0, content_per_minute=3, content_per_hour=500))
    comment = await stage.practice.comment("bob", stage.repo, pull, "hi")
    for _ in range(3):
        await github.react(stage.repository, comment.number, comment.id, "eyes")
    with pytest.raises(Outage) as caught:
        await github.react(stage.repository, comment.number, comment.id, "eyes")
    assert caught.value.retry_at is not None
    assert github.requests["reaction"] == 3
    await github.get_change(stage.repository, 1)
    stage.clock.at += 61
    await github.react(stage.repository, comment.number, comment.id, "eyes")


async def test_tokens_are_minted_once_and_renewed_early(stage: Stage, pull: PullRequest) -> None:
    await asyncio.gather(*(stage.github.get_change(stage.repository, 1) for _ in range(10)))
    assert stage.github.requests["token"] == 1
    first = await stage.github.git_credential(stage.repository)
    stage.clock.at += 49 * 60
    assert await stage.github.git_credential(stage.repository) == first
    stage.clock.at += 2 * 60
    second = await stage.github.git_credential(stage.repository)
    assert second != first
    assert stage.world.tokens[second].expires - stage.clock.at > 5 * 60


async def test_a_refused_token_is_replaced_once(stage: Stage, pull: PullRequest) -> None:
    await stage.github.get_change(stage.repository, 1)
    for token in stage.world.tokens.values():
        token.revoked = True
    assert (await stage.github.get_change(stage.repository, 1)).number == 1
    assert stage.github.requests["token"] == 2


async def test_a_clock_that_is_wrong_is_noticed_and_corrected(stage: Stage, pull: PullRequest) -> None:
    # The practice forge's Date header is the machine's clock; its judgement of tokens is too, here.
    import time

    stage.clock.at = time.time()
    late = stage.client(clock=Clock(time.time() - 3600))
    assert (await late.get_change(stage.repository, 1)).number == 1
    assert 3500 < late.clock_skew < 3700


async def test_a_missing_permission_is_named(stage: Stage, pull: PullRequest) -> None:
    stage.installation.permissions["checks"] = "read"
    with pytest.raises(Misconfigured, match="checks: write"):
        await stage.github.publish(stage.repository, pending(pull), None)


async def test_a_suspended_or_removed_installation_says_so(stage: Stage, pull: PullRequest) -> None:
    stage.practice.suspend("alice", stage.installation)
    with pytest.raises(Misconfigured, match="suspended"):
        await stage.github.get_change(stage.repository, 1)
    stage.practice.uninstall("alice", stage.installation)
    with pytest.raises(Gone):
        await stage.github.get_change(stage.repository, 1)


async def test_what_is_hidden_or_vanished_is_gone(stage: Stage, pull: PullRequest) -> None:
    hidden = await stage.practice.create_repository("alice/diary", {"a": "b"}, private=True)
    other = msgspec.structs.replace(stage.repository, full_name="alice/diary", forge_id=hidden.id)
    with pytest.raises(Gone):
        await stage.github.get_repository(other)
    with pytest.raises(Gone):
        await stage.github.get_change(other, 1)
    with pytest.raises(Gone):
        await stage.github.publish(stage.repository, pending(pull, head_sha=Sha("ab" * 20)), None)


async def test_the_log_of_deliveries_is_read_page_by_page_and_one_is_delivered_again(stage: Stage) -> None:
    stage.practice.hooks.fail = 1
    for number in range(120):
        await stage.practice.push("alice", stage.repo, f"topic-{number}", {"a.txt": str(number)})
    await stage.practice.settle()
    log = await stage.github.delivery_log(0, 10_000)
    assert log.whole
    assert len(log.entries) == len(stage.world.deliveries) > 100
    assert {entry.guid for entry in log.entries} == {each.guid for each in stage.world.deliveries.values()}
    assert [entry.at for entry in log.entries] == sorted((e.at for e in log.entries), reverse=True)
    assert {entry.repository_id for entry in log.entries} == {0, stage.repo.id}
    lost = [entry for entry in log.entries if not entry.good]
    assert [entry.status for entry in lost] == ["502 failed to connect to host"]
    await stage.github.redeliver(lost[0].id)
    await stage.practice.settle()
    assert stage.inbox[-1][0]["x-github-delivery"] == lost[0].guid
    cut = await stage.github.delivery_log(0, 100)
    assert (cut.whole, len(cut.entries), cut.entries[0].guid) == (False, 100, lost[0].guid)
    assert (await stage.github.delivery_log(stage.clock() + 1, 100)).entries == ()
    with pytest.raises(Gone):
        await stage.github.redeliver(1)


async def test_no_secret_is_ever_in_a_log_or_an_error(
    stage: Stage, pull: PullRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    github, texts = stage.github, []
    token = await github.git_credential(stage.repository)
    mirror = f"token {token} in https://x-access-token:{token}@github.example/a.git eyJhbGciOi.eyJpc3M.c2ln"
    for status in (401, 403, 404, 422, 451, 429):
        stage.world.faults.append(
            Fault(times=2 if status == 401 else 1, path="/pulls", status=status, message=mirror)
        )
        with pytest.raises((Misconfigured, Outage)) as caught:
            await github.get_change(stage.repository, 1)
        texts += [str(caught.value), caught.value.hint, repr(caught.value), repr(caught.value.__cause__)]
        stage.clock.at += 4000
        stage.world.faults.clear()
    stage.world.faults.append(Fault(times=9, path="/pulls", drop=True))
    with pytest.raises(Outage) as caught:
        await github.get_change(stage.repository, 1)
    texts += [str(caught.value), repr(caught.value), repr(caught.value.__cause__)]
    texts.append(repr(AppCredentials(app_id=1, private_key=stage.app.private_key)))
    secrets = [*stage.world.tokens, stage.app.private_key.splitlines()[3], "eyJ", stage.app.webhook_secret]
    for text in [*texts, caplog.text]:
        assert not [secret for secret in secrets if secret in text]
