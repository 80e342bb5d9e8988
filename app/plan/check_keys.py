"""The keys of a check."""

from collections.abc import Mapping
from typing import Final

from app.plan.containers import Either, Field, Items, Record, Table
from app.plan.matrix import AXIS, CellValue, MatrixShape
from app.plan.shapes import Expr, Flag, Number, Quantity, Reading, Schema, Text, Whole
from app.plan.yaml import ListNode, Node

ID: Final = "[a-z][a-z0-9_]{0,99}"
UPLOAD_NAME: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
PIPELINE: Final = r"[A-Za-z0-9._][A-Za-z0-9._/-]*\.ya?ml"
WORKFLOW: Final = r"(\.github/workflows/)?[A-Za-z0-9._-]+\.ya?ml"
NO_SECRET: Final = "no check receives a secret in this version"  # noqa: S105 - a sentence for people

DURATION = Quantity(
    "a duration like 30s, 10m, 2h",
    {"s": 1, "m": 60, "h": 3600, "d": 86400},
    whole=False,
    low=1,
    high=7 * 86400,
)
BACKOFF = Quantity("a duration like 10s or 0s", {"s": 1, "m": 60, "h": 3600}, whole=False, low=0, high=86400)
SIZE = Quantity(
    "a size like 512MiB or 2GiB",
    {
        "MiB": 1 << 20,
        "GiB": 1 << 30,
        "KiB": 1 << 10,
        "MB": 10**6,
        "GB": 10**9,
        "KB": 10**3,
        "M": 1 << 20,
        "G": 1 << 30,
    },
    whole=True,
    low=1 << 20,
    high=1 << 40,
)
LATER_PRESETS: Final = dict.fromkeys(
    ("actionlint", "gitleaks", "pip-audit", "pylint", "trivy"),
    "run the tool by 'run', with its report under 'reports'",
)
"""Presets that later versions bring."""


WORD = Text("a word", pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*")
ENV = Table(
    r"[A-Za-z_][A-Za-z0-9_]*", Text("a text", loose=True, empty=True), wanted="a variable name", high=200
)
RETRY = Record(
    {
        "max": Field(Whole(0, 10), "extra attempts"),
        "on": Field(
            Items(Text("ending", choices=("error", "failure", "findings"))),
            "which endings are retried; error if left out",
        ),
        "backoff": Field(BACKOFF, "pause before an extra attempt"),
    },
    help_topic="checks",
)
RESOURCES = Record(
    {
        "memory": Field(SIZE, "most memory, such as 2GiB"),
        "cpus": Field(Number(256), "cores, such as 2"),
        "pids": Field(Whole(1, 32768), "most processes and threads, such as 512"),
        "disk": Field(SIZE, "most it may write, such as 1GiB"),
    },
    help_topic="checks",
)
SHELL = Text("shell", choices=("bash", "sh"))
PATH = Text("a path inside the repository")
IMAGE = Text("an image's name", pattern=r"[A-Za-z0-9$][A-Za-z0-9._/:@${}+-]{0,254}")
"""A cell's value may stand in it; what it comes to is looked at again where it runs."""


class Command:
    """`run`: a script, or a list of arguments."""

    _argument = Items(Text("an argument", loose=True, empty=True), low=1, high=200)
    _script = Text("a script or a list of arguments")

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """A str or a tuple of str."""
        return (self._argument if isinstance(node, ListNode) else self._script).read(node, where, reading)

    def schema(self, reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """A string or an array of strings."""
        return {"anyOf": [self._script.schema(reading), self._argument.schema(reading)]}


NEED = Either(
    Text("a check id"),
    Record(
        {
            "check": Field(Text("a check id"), "the check", required=True),
            "soft": Field(Flag(), "only orders"),
        },
        help_topic="checks",
    ),
)
REPORT = Either(
    PATH,
    Record(
        {
            "path": Field(PATH, "path or glob beneath out/; of an upload, of the file's name", required=True),
            "format": Field(
                Text("format", named="formats", code="G027"), "needed where the name does not tell"
            ),
            "kind": Field(
                Text("kind", choices=("secrets",)), "secrets: what a report of findings names are secrets"
            ),
            "flag": Field(WORD, "names a part of the coverage"),
            "optional": Field(Flag(), "its absence is no failure"),
            "only": Field(Table(AXIS, CellValue(), wanted="an axis name"), "matrix cells that write it"),
        },
        help_topic="checks",
    ),
)
EXTERNAL = Record(
    {
        "context": Field(Text("a name"), "name of the check run or commit status"),
        "workflow": Field(
            Text("a workflow's file", pattern=WORKFLOW),
            "instead of context: a workflow of GitHub Actions, such as ci.yml; its runs for the head count",
        ),
        "pipeline": Field(
            Text("a configuration's file", pattern=PIPELINE),
            "instead of context: GitLab CI's pipelines for the head, by the project's configuration: "
            ".gitlab-ci.yml unless the project says otherwise",
        ),
        "trigger": Field(
            Flag(),
            "of a workflow or pipeline: true starts it for trusted changes once it is its turn "
            "(workflow_dispatch; a pipeline of the branch)",
        ),
        "app": Field(Text("an app's slug"), "the app whose check run counts"),
        "creator": Field(Text("a login"), "who posts the commit status"),
        "accept": Field(
            Items(Text("conclusion", choices=("success", "neutral", "skipped")), low=1),
            "conclusions taken as success",
        ),
        "upload": Field(
            Text("an upload's name", pattern=UPLOAD_NAME),
            "instead of context: name under which CI uploads the files of 'reports' (portcullis upload)",
        ),
        "shards": Field(
            Whole(1, 1000),
            "with upload: how many files of each report come, one from each job that shares the work; "
            "1 if left out",
        ),
    },
    later=dict.fromkeys(
        ("jenkins", "azure", "bitbucket", "sonarqube", "http"),
        "use {workflow}, {pipeline}, {context, app}, {context, creator} or {upload}",
    ),
    help_topic="checks",
)


CACHE = Record(
    {
        "key": Field(
            Text("a key"),
            "what an entry is known by; ${hash('uv.lock')} stands for the content of files",
            required=True,
        ),
        "paths": Field(Items(PATH, low=1, high=20), "files and folders that are kept", required=True),
    },
    help_topic="checks",
)


CONCURRENCY = Record(
    {
        "group": Field(WORD, "the group's name", required=True),
        "scope": Field(
            Text("scope", choices=("repository", "owner")),
            "repository (if left out), or owner: shared by all repositories of the organisation or person",
        ),
    },
    help_topic="checks",
)


CHECK = Record(
    {
        "run": Field(Command(), "a script (bash -eo pipefail) or a list of arguments"),
        "use": Field(
            Text("preset", named="presets", later=LATER_PRESETS, code="G024"),
            "a preset: a ready-made check (portcullis presets)",
        ),
        "args": Field(Command(), "appended to a preset's command"),
        "external": Field(
            EXTERNAL, "somebody else's workflow, pipeline, check run, status or uploaded reports"
        ),
        "when": Field(
            Expr("when"),
            "a condition on what changed, decided first; false: not needed, which counts as passed",
        ),
        "needs": Field(Items(NEED), "checks that must have succeeded or not been needed, decided second"),
        "after": Field(
            Expr("after"),
            "a condition on what people change (labels, approvals), decided third; held until it is true",
        ),
        "required": Field(Flag(), "true if left out; false: advisory, it informs and never blocks"),
        "timeout": Field(DURATION, "how long an attempt may take (10m if left out), an external check 60m"),
        "retry": Field(RETRY, "extra attempts after some endings"),
        "exit_codes": Field(
            Record(
                {
                    "findings": Field(Items(Whole(1, 255)), "the tool ran well and found something"),
                    "not_needed": Field(Items(Whole(1, 255)), "there was nothing to look at"),
                },
                help_topic="checks",
            ),
            "what exits other than 0 mean",
        ),
        "reports": Field(Items(REPORT), "files beneath out/ (of an upload: uploaded) to read as evidence"),
        "outputs": Field(PATH, "JSON file of flat facts beneath out/"),
        "matrix": Field(
            MatrixShape(), "axes and their values; one check per combination, ${matrix.AXIS} in run"
        ),
        "config": Field(
            Text("config", choices=("base", "head")),
            "whose configuration a preset's tool reads; head (if left out): a trusted change's own. "
            "An untrusted change is always judged by base's",
        ),
        "tree": Field(
            Text("tree", choices=("head", "base")),
            "head (if left out): the merged tree; base: the target's, the merged in $PORTCULLIS_HEAD_TREE",
        ),
        "artifacts": Field(Items(PATH), "files beneath out/ to keep"),
        "reuse": Field(
            Items(Text("a glob"), low=1),
            "globs of the files that its result depends on: while those are the same, a success of a base "
            "run or of this change serves again, for seven days",
        ),
        "env": Field(ENV, "environment variables"),
        "workdir": Field(PATH, "folder it starts in"),
        "shell": Field(SHELL, "what reads run; bash if left out"),
        "resources": Field(RESOURCES, "limits of memory, cores, processes and disk"),
        "concurrency": Field(
            CONCURRENCY, "checks that share something outside: of a group one runs at a time, in all changes"
        ),
        "network": Field(
            Text("network", choices=("none", "full")),
            "none (if left out), or full: the public web by a proxy, for trusted changes only",
        ),
        "cache": Field(
            CACHE,
            "what is kept between runs; what the target's runs keep all read, what a change keeps it alone",
        ),
        "setup": Field(
            Text("a script"),
            "fills cache.paths where there is no entry yet: run first, with network, for trusted changes",
        ),
        "image": Field(IMAGE, "container image whose programs it sees, where the operator runs containers"),
    },
    later={
        "executor": "the operator chooses it",
        "emit": "write a matrix or 'when' over outputs",
        "fan_out": "write a matrix",
        "secrets": NO_SECRET,
    },
    help_topic="checks",
)
CHECKS = Table(ID, CHECK, wanted="a check id")
