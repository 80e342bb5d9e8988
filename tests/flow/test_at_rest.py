"""What is kept holds no secret that could be used: neither the database nor any file beside it."""

from collections.abc import Iterator
from pathlib import Path

import zstandard
from sqlalchemy import Connection, select

from app.engine import StoredApp
from app.store import metadata
from tests.support.ci import JUNIT, give_token, upload
from tests.support.faces import WEBHOOK_SECRET
from tests.support.leaks import forms
from tests.support.service import Stage, stage

MARK = "7f3c91-what-the-gate-file-runs"
GATE = f"""\
version: 1
checks:
  lint: {{run: 'true {MARK}'}}
  ci: {{external: {{upload: ci}}, reports: [junit.xml]}}
gate: [checks.passed, tests.failed == 0]
"""
ZSTD = b"\x28\xb5\x2f\xfd"


def kept_values(connection: Connection) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, unpacked, with the column's name."""
    for table in metadata.sorted_tables:
        for row in connection.execute(select(table)):
            for name, value in row._mapping.items():
                content = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                if content.startswith(ZSTD):
                    content = zstandard.decompress(content)
                yield f"{table.name}.{name}", content


def kept_files(root: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the data directory but the key itself."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name != "secret_key":
            yield str(path.relative_to(root)), path.read_bytes()


async def everything(scene: Stage) -> list[tuple[str, bytes]]:
    values = await scene.program.database.read(lambda connection: list(kept_values(connection)))
    return [*values, *kept_files(scene.program.settings.data_dir)]


def holding(kept: list[tuple[str, bytes]], secret: str) -> set[str]:
    """Where a secret is, in whatever form."""
    wanted = {text.encode() for text, _ in forms(secret)}
    return {place for place, content in kept if any(text in content for text in wanted)}


async def test_nothing_that_is_kept_holds_a_secret(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"}, private=True)
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        token = await give_token(scene, repo)
        assert (await upload(scene, token, pull.head_sha, {"junit.xml": JUNIT})).status_code == 201
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "success"
        settings, vault = scene.program.settings, scene.program.vault
        assert settings.github is not None
        assert settings.secret_key is not None
        stored = StoredApp(
            app_id=9,
            slug="gate",
            html_url="",
            private_key=settings.github.private_key.get_secret_value(),
            webhook_secret="another webhook secret, from the set-up page",
        )
        await scene.program.database.run(lambda unit: vault.save_app(unit, stored, 0.0))

        kept = await everything(scene)
        secrets = {
            "webhook secret": WEBHOOK_SECRET,
            "webhook secret of the set-up page": stored.webhook_secret,
            "private key": stored.private_key,
            "secret key": settings.secret_key.get_secret_value(),
            "upload token": token,
            **{f"installation token {n}": one for n, one in enumerate(scene.world.tokens)},
            **{f"token of {name}": one.token for name, one in scene.world.accounts.items() if one.token},
        }
        assert len(scene.world.tokens) >= 2  # for the API, and for git
        found = {kind: holding(kept, secret) for kind, secret in secrets.items()}
        assert {kind: places for kind, places in found.items() if places} == {}
        # the search sees into what is packed, and what is plain
        assert holding(kept, MARK) >= {"runs.plan"}
        assert any(place.startswith("mirrors/") for place, _ in kept)
        assert holding(kept, pull.head_sha)
