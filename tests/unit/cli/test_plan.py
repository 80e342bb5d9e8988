import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from app.cli.local import local_change, usual_base
from app.model import Misconfigured

GATE = """\
version: 1
on: {ignore_paths: ['docs/**']}
checks:
  lint: {use: ruff}
  infra: {run: terraform validate, when: changed('infra/**')}
  test: {run: ./test, needs: [lint], matrix: {python: ['3.11', '3.12']}}
  build: {external: {context: build, app: github-actions}}
  notes: {run: ./notes, required: false}
gate:
  - checks.passed
  - when: changed('infra/**')
    require: ["approvals >= 1"]
"""


class Repo:
    """A real repository, driven by real git."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        who = {"NAME": "Dana", "EMAIL": "dana@example.org"}
        identity = {
            f"GIT_{role}_{part}": text for role in ("AUTHOR", "COMMITTER") for part, text in who.items()
        }
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path),
            "GIT_CONFIG_NOSYSTEM": "1",
            **identity,
        }
        command = ["git", *arguments]
        ran = subprocess.run(
            command, cwd=self.path, env=environment, check=True, capture_output=True, text=True
        )
        return ran.stdout.strip()

    def write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path, monkeypatch):
    made = Repo(tmp_path / "shop")
    made.write(".portcullis.yml", GATE)
    made.write("src/a.py", "a = 1\n")
    made.write(".gitignore", "*.log\n")
    made.commit("first")
    monkeypatch.chdir(made.path)
    return made


def begins(portcullis, *arguments: str) -> dict[str, str]:
    ran = portcullis("plan", "--format", "json", *arguments)
    assert ran.status == 0, ran.err
    return {item["key"]: item["conclusion"] or item["status"] for item in json.loads(ran.out)["checks"]}


def test_each_check_begins_as_a_run_would_begin_it(portcullis, repo):
    repo.write("src/a.py", "a = 2\n")
    assert begins(portcullis, "--base", "main") == {
        "lint": "queued",
        "infra": "not_needed",
        "test (3.11)": "waiting",
        "test (3.12)": "waiting",
        "build": "waiting",
        "notes": "queued",
    }


def test_the_plan_reads_well(portcullis, repo):
    repo.write("src/a.py", "a = 2\n")
    ran = portcullis("plan")
    assert ran.status == 0
    assert ran.out == snapshot("""\
.portcullis.yml for 1 changed file (+1 −1)

6 checks
  lint         runs        preset ruff
  infra        not needed  terraform validate                 nothing under infra/ changed
  test (3.11)  waiting     ./test                             waits for lint
  test (3.12)  waiting     ./test                             waits for lint
  build        waiting     waits for build by github-actions  not started yet
  notes        runs        ./notes                            advisory

Gate
  checks.passed
  when changed('infra/**')
    approvals >= 1
""")


def test_where_only_ignored_paths_changed_nothing_is_needed(portcullis, repo):
    repo.write("docs/index.md", "words\n")
    assert set(begins(portcullis).values()) == {"not_needed"}


def test_a_commit_can_be_planned_instead_of_the_working_tree(portcullis, repo):
    repo.git("switch", "-q", "-c", "topic")
    repo.write("infra/main.tf", "x\n")
    head = repo.commit()
    repo.write("src/b.py", "b = 1\n")
    ran = portcullis("plan", "--base", "main", "--head", "topic", "--format", "json")
    told = json.loads(ran.out)

    assert told["files"] == ["infra/main.tf"]
    assert {item["key"]: item["status"] for item in told["checks"]}["infra"] == "queued"
    assert repo.git("rev-parse", "HEAD") == head


def test_the_users_repository_is_left_as_it_was(portcullis, repo):
    repo.write("src/new.py", "b = 1\n")
    repo.write("noise.log", "ignored\n")
    repo.write("src/a.py", "a = 3\n")
    repo.git("add", "src/a.py")
    before = (repo.git("status", "--porcelain"), repo.git("for-each-ref"), repo.git("reflog"))
    ran = portcullis("plan", "--format", "json")

    assert json.loads(ran.out)["files"] == ["src/a.py", "src/new.py"]
    assert (repo.git("status", "--porcelain"), repo.git("for-each-ref"), repo.git("reflog")) == before


def test_a_conflict_is_the_changes_own_fault(portcullis, repo):
    repo.git("switch", "-q", "-c", "topic")
    repo.write("src/a.py", "a = 2\n")
    repo.commit()
    repo.git("switch", "-q", "main")
    repo.write("src/a.py", "a = 3\n")
    repo.commit()
    ran = portcullis("plan", "--head", "topic")
    assert ran.status == 1
    assert ran.err == "error: conflicts with main in src/a.py\n"


def test_a_broken_gate_file_is_told_with_its_places(portcullis, repo):
    repo.write(".portcullis.yml", "version: 1\nchecks:\n  a: {runn: x}\n")
    ran = portcullis("plan")
    assert ran.status == 1
    assert "--> .portcullis.yml:3:" in ran.out
    assert "hint: portcullis lint .portcullis.yml" in ran.err


def test_a_plan_over_its_limits_is_blocked(portcullis, repo):
    repo.write(
        ".portcullis.yml", "version: 1\nchecks:\n  a: {run: x, matrix: {d: {from: 'src/*/', max: 1}}}\n"
    )
    repo.write("src/one/x", "")
    repo.write("src/two/x", "")
    ran = portcullis("plan")
    assert ran.status == 1
    assert "error: " in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--base", "mian"], "git knows no commit 'mian' here"),
        (["--head", "-x"], "git knows no commit '-x' here"),
        (["--gate", "absent.yml"], "cannot read absent.yml"),
    ],
)
def test_a_name_that_means_nothing_is_ours_to_tell(portcullis, repo, arguments, says):
    ran = portcullis("plan", *arguments)
    assert ran.status == 2
    assert says in ran.err
    assert "hint: " in ran.err


def test_outside_a_repository(portcullis, tmp_path, monkeypatch):
    (tmp_path / "plain").mkdir()
    monkeypatch.chdir(tmp_path / "plain")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "plain" / ".portcullis.yml").write_text("version: 1\nchecks: {}\n")
    ran = portcullis("plan")
    assert ran.status == 2
    assert "is in no git working tree" in ran.err


def test_the_remotes_default_branch_is_the_usual_base(repo, tmp_path):
    repo.git("clone", "-q", str(repo.path), str(tmp_path / "clone"))
    assert asyncio.run(usual_base(tmp_path / "clone")) == "origin/HEAD"
    assert asyncio.run(usual_base(repo.path)) == "main"
    repo.git("branch", "-m", "main", "trunk")
    with pytest.raises(Misconfigured, match="no origin/HEAD, main or master"):
        asyncio.run(usual_base(repo.path))


def test_a_clean_working_tree_is_its_commit(repo):
    local = asyncio.run(local_change(repo.path, base=None, head=None))
    assert not local.snapshot
    assert local.head_sha == local.base_sha == repo.git("rev-parse", "HEAD")


def test_a_repository_without_a_commit(tmp_path):
    made = Repo(tmp_path / "empty")
    with pytest.raises(Misconfigured):
        asyncio.run(local_change(made.path, base=None, head=None))
