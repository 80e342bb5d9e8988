"""The keys of `settings`."""

from app.language import licence_problem
from app.plan.complaints import shown
from app.plan.containers import Field, Items, Record
from app.plan.shapes import Flag, Reading, Text, Whole
from app.plan.yaml import Node

GLOBS = Items(Text("a glob"))


class Licence(Text):
    """An SPDX licence, one with an exception, a glob over licences, or a `LicenseRef-…` of one's own."""

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """The text."""
        text = super().read(node, where, reading)
        if isinstance(text, str) and (problem := licence_problem(text)):
            message = f"SPDX knows no licence '{shown(text)}'"
            label, hint = (problem, "") if problem.startswith("did you mean") else ("", problem)
            reading.complaints.add("G032", message, node.span, where=where, label=label, hint=hint)
        return text


_LICENCE = Licence("a licence")
LICENCES = Record(
    {
        "allow": Field(Items(_LICENCE, low=1), "SPDX licences, or globs like BSD-*; all others are denied"),
        "deny": Field(
            Items(_LICENCE, low=1),
            "SPDX licences, or globs like GPL-*; without 'allow' all others are allowed",
        ),
        "unknown": Field(
            Text("answer", choices=("deny", "allow")),
            "a package that names no licence, or one that SPDX does not know; deny if left out",
        ),
    },
    help_topic="settings",
)


_PERSON = Text(
    "a team or a login",
    pattern=r"@?[A-Za-z0-9][A-Za-z0-9_-]*|@[A-Za-z0-9][\w.-]*/[\w.-]+",
)
COMMANDS = Record(
    {
        "waive": Field(Items(_PERSON, low=1), "@org/team or logins who may waive a finding by comment"),
        "override": Field(Items(_PERSON, low=1), "@org/team or logins who may override what is not met"),
        "two_person": Field(Flag(), "an override counts once two of them gave it; false if left out"),
    },
    help_topic="settings",
)

SETTINGS = Record(
    {
        "mode": Field(
            Text("mode", choices=("enforce", "observe")),
            "enforce if left out; observe shows the verdict and blocks nothing",
        ),
        "missing": Field(
            Text("answer", choices=("fail", "pass", "advisory")),
            "what evidence that never came means; fail if left out",
        ),
        "small_change": Field(
            Record(
                {"lines": Field(Whole(0, 10_000), "added lines; 20 if left out", required=True)},
                help_topic="settings",
            ),
            "with fewer added lines than that coverage and duplication conditions are exempt",
        ),
        "generated": Field(GLOBS, "files left out of sizes"),
        "coverage": Field(
            Record({"exclude": Field(GLOBS, "files without coverage")}, help_topic="settings"),
            "what coverage looks at",
        ),
        "max_behind": Field(Whole(1, 100_000), "commits behind the target before a new run is made"),
        "comment": Field(
            Text("answer", choices=("always", "blocked", "never")),
            "when the comment is posted; always if left out",
        ),
        "publish": Field(
            Record(
                {
                    name: Field(Flag(), doc)
                    for name, doc in (
                        ("checks", "each check too"),
                        ("status", "a commit status too"),
                        ("per_base", "one per base too"),
                    )
                },
                help_topic="settings",
            ),
            "what is posted besides the aggregate",
        ),
        "ai_authored": Field(
            Record(
                {name: Field(GLOBS, f"globs of {name}") for name in ("authors", "trailers", "labels")},
                help_topic="settings",
            ),
            "what marks a change as machine-written",
        ),
        "gate": Field(
            Text("gate", choices=("portcullis", "sonar_way")),
            "what judges where no 'gate' is written; sonar_way: SonarQube's default conditions",
        ),
        "commands": Field(COMMANDS, "who may let pass what the gate does not; nobody if left out"),
        "licences": Field(LICENCES, "which licences new packages may have (licences.denied)"),
    },
    help_topic="settings",
)
