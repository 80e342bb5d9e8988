"""CI as the service sees it: report files, and who uploads them."""

from collections.abc import Mapping
from typing import Any

import httpx

from app.engine import new_token, token_hash
from app.practice import PullRequest, Repository
from app.store import Unit, projects, tokens
from tests.support.leaks import plant
from tests.support.service import Stage

CI_GATE = """\
version: 1
checks:
  ci:
    external: {upload: ci}
    reports: [junit.xml, coverage.xml]
    timeout: 30m
gate:
  - tests.failed == 0
  - coverage.new >= 80%
settings: {small_change: {lines: 0}}
"""
ROOT = "/home/runner/work/shop/shop"
LINES = "".join(f"print({n})\n" for n in range(1, 11))
JUNIT = '<testsuite name="t"><testcase classname="t.shop" name="test_price"/></testsuite>'
RED_JUNIT = (
    '<testsuite name="t"><testcase classname="t.shop" name="test_price">'
    '<failure message="1 != 2"/></testcase></testsuite>'
)
COBERTURA = """<?xml version="1.0"?>
<coverage line-rate="1" version="7.0" timestamp="1"><sources><source>/home/runner/work/shop/shop</source></sources>
<packages><package name="."><classes><class name="a.py" filename="a.py"><lines>{lines}</lines></class></classes>
</package></packages></coverage>"""


def cobertura(covered: range, missed: range = range(0)) -> str:
    """Coverage of `a.py`, whose lines are named."""
    lines = "".join(f'<line number="{n}" hits="{int(n in covered)}"/>' for n in (*covered, *missed))
    return COBERTURA.format(lines=lines)


async def give_token(
    scene: Stage, repo: Repository, name: str = "ci-main", expires_at: float | None = None
) -> str:
    """A repository token, as `portcullis tokens create` makes it."""
    token = new_token()
    plant("API token", token)

    def add(unit: Unit) -> None:
        (repository_id,) = projects.find_named(unit.connection, repo.full_name)
        now = scene.program.services.clock.now()
        assert tokens.add_token(unit, repository_id, name, token_hash(token), now, expires_at)

    await scene.program.database.run(add)
    return token


async def upload(
    scene: Stage,
    token: str,
    head_sha: str,
    files: Mapping[str, str | bytes],
    *,
    name: str = "ci",
    **fields: Any,
) -> httpx.Response:
    """One upload as a form, not yet settled."""
    form = [("files", (path, content)) for path, content in files.items()]
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.post(
            f"{scene.url}/api/v1/reports",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            data={"head_sha": head_sha, "name": name, **fields},
            files=form,
        )


async def opened(scene: Stage, gate: str = CI_GATE) -> tuple[Repository, PullRequest]:
    """A pull request that adds ten lines as `a.py`, planned."""
    repo = await scene.repository({".portcullis.yml": gate, "b.py": "print(0)\n"})
    await scene.forge.push("alice", repo, "topic", {"a.py": LINES}, base="main")
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    return repo, pull
