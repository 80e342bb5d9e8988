"""Of a secret nothing is kept but where it is, which rule found it, and a one-way hash."""

import hashlib
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from app.model import AuthorFault, Finding, Kind, ReportContent, ReportSpec, Severity
from app.reports import ReadContext, formats, ingest
from tests.unit.reports.reading import SAMPLES, SHOP, fault, raw, read, sample
from tests.unit.reports.test_ingest import EXPECTED

SECRETS = ("AKIAIOSFODNN7EXAMPLE", "correct-horse-battery", "gone-since-long-ago-1")


def short(finding: Finding) -> tuple[str, str, str, int, str]:
    return (finding.rule, finding.severity.value, finding.path, finding.line, finding.message)


def stored(content: ReportContent) -> str:
    """All texts that are ever kept of a report."""

    def texts(value: object) -> list[str]:
        match value:
            case dict():
                return [text for pair in value.items() for part in pair for text in texts(part)]
            case list() | tuple():
                return [text for part in value for text in texts(part)]
            case _:
                return [str(value)]

    return "\n".join(texts(msgspec.to_builtins(content)))


def test_detect_secrets():
    read_ = sample("detect_secrets.json")
    assert [short(finding) for finding in read_.findings] == snapshot(
        [
            ("AWS Access Key", "high", "deploy/settings.env", 2, "AWS Access Key"),
            ("Secret Keyword", "high", "deploy/settings.env", 3, "Secret Keyword"),
            ("Secret Keyword", "high", "src/shop/prices.py", 21, "Secret Keyword"),
        ]
    )
    assert (read_.kind, read_.tool, read_.tool_version) == ("secrets", "detect-secrets", "1.5.0")
    assert len(read_.findings) == sum(len(found) for found in raw("detect_secrets.json")["results"].values())


def test_what_a_person_audited_as_no_secret_is_suppressed():
    report = raw("detect_secrets.json")
    first, second = report["results"]["deploy/settings.env"]
    first["is_secret"], second["is_secret"] = False, True
    second["is_verified"] = True
    found = read(json.dumps(report)).findings
    assert [finding.suppressed for finding in found] == [True, False, False]
    assert (found[1].severity, found[1].message) == (
        Severity.CRITICAL,
        "Secret Keyword, verified to be in use",
    )


def test_a_hash_that_is_none_is_refused_without_a_word_of_it():
    report = raw("detect_secrets.json")
    report["results"]["deploy/settings.env"][0]["hashed_secret"] = SECRETS[1]
    assert fault(json.dumps(report)) == "detect-secrets: a 'hashed_secret' is no SHA-1"


def test_gitleaks():
    found = sample("gitleaks.json").findings
    assert [short(finding) for finding in found] == snapshot(
        [
            (
                "aws-access-token",
                "high",
                "deploy/settings.env",
                2,
                "Identified a pattern that may indicate AWS credentials, risking unauthorized cloud resource access and data breaches on AWS platforms.",
            ),
            (
                "generic-api-key",
                "high",
                "deploy/settings.env",
                3,
                "Detected a Generic API Key, potentially exposing access to various services and sensitive operations. (in commit 1f0a5d2b9c)",
            ),
            (
                "generic-api-key",
                "high",
                "",
                0,
                "Detected a Generic API Key, potentially exposing access to various services and sensitive operations. (src/shop/prices.py) (in commit 2e1b6c3a8d)",
            ),
        ]
    )
    assert (found[0].column, found[0].end_column) == (19, 39)
    assert len(found) == len(raw("gitleaks.json"))


def test_a_secret_that_only_history_holds_is_about_the_whole_project():
    """The line that gitleaks names is that of an old commit; nothing changed may stand there now."""
    leak = raw("gitleaks.json")[2]
    (gone,) = read(json.dumps([leak]), context=SHOP).findings
    assert (gone.path, gone.line) == ("", 0)
    assert gone.message.endswith("(src/shop/prices.py) (in commit 2e1b6c3a8d)")
    (unproven,) = read(json.dumps([leak])).findings
    assert (unproven.path, unproven.line) == ("src/shop/prices.py", 1)


def test_all_tools_know_a_secret_by_the_same_hash():
    by_tool = {
        name: {finding.fingerprint for finding in sample(name).findings}
        for name in ("detect_secrets.json", "gitleaks.json", "checkov_secrets.json")
    }
    sha1 = hashlib.sha1(SECRETS[0].encode()).hexdigest()  # noqa: S324 - what detect-secrets writes
    expected = hashlib.sha256(f"secret\0{sha1}".encode()).hexdigest()[:32] + ":1"
    assert all(expected in prints for prints in by_tool.values())


def test_redacted_secrets_are_told_apart_by_their_place():
    """All of them read the same: one hash for all would let one waiver cover all."""
    leaks = raw("gitleaks.json")
    for leak, text in zip(leaks, ("REDACTED", "REDACTED", "gone..."), strict=True):
        leak["Secret"] = leak["Match"] = text
    found = read(json.dumps(leaks), context=SHOP).findings
    assert len({finding.fingerprint for finding in found}) == 3
    assert found[2].line == 1


@pytest.mark.parametrize(
    "name", ["detect_secrets.json", "gitleaks.json", "checkov_secrets.json", "trivy.json"]
)
def test_no_text_of_a_secret_of_the_samples_is_kept(name):
    kept = stored(sample(name))
    assert any(finding.secret for finding in sample(name).findings)
    assert not [secret for secret in SECRETS if secret in kept]


def test_any_report_of_findings_may_be_declared_to_hold_secrets():
    """Its words may quote the secret, GitHub's line hash could be solved for it: neither is kept."""
    result = {
        "ruleId": "token",
        "message": {"text": f"found {SECRETS[0]} here"},
        "partialFingerprints": {"primaryLocationLineHash": "39fa2ee980eb94b0:1", "author": "ann"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "deploy/settings.env"},
                    "region": {"startLine": 2},
                }
            }
        ],
    }
    for name, kind in (("scanner", Kind.SECRETS), ("gitleaks", None)):
        log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": name}}, "results": [result]}]}
        spec = ReportSpec(path="out/x", kind=kind)
        (finding,) = ingest(json.dumps(log).encode(), spec, context=SHOP).findings
        assert (finding.secret, finding.message, finding.line) == (True, "token", 2)
        assert finding.fingerprint == snapshot("db08dc5085bd187f1a8ed10d2238d9d0:1")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("gitleaks.json", ("secrets",)),
        ("detect_secrets.json", ("secrets",)),
        ("trivy.json", ("findings", "secrets")),
        ("checkov_none.json", ("findings", "secrets")),
        ("ruff.sarif", ("findings",)),
    ],
)
def test_what_a_report_delivers(name, kinds):
    assert sample(name).kinds == kinds


def test_findings_with_a_secret_among_them_deliver_secrets_too():
    log = raw("ruff.sarif")
    log["runs"][0]["tool"]["driver"]["name"] = "gitleaks"
    assert read(json.dumps(log)).kinds == ("findings", "secrets")


def test_a_scanner_of_secrets_is_no_report_of_findings():
    spec = ReportSpec(path="out/x", kind=Kind.FINDINGS)
    with pytest.raises(AuthorFault, match=r"it holds secrets \(gitleaks JSON\), not findings"):
        ingest((SAMPLES / "gitleaks.json").read_bytes(), spec, context=ReadContext())
    read_ = ingest(
        (SAMPLES / "gitleaks.json").read_bytes(),
        ReportSpec(path="out/x", kind=Kind.SECRETS),
        context=ReadContext(),
    )
    assert [finding.message[:10] for finding in read_.findings] == ["Identified", "Detected a", "Detected a"]


# Quotes, escapes and what is no ASCII among them; the mark keeps them from standing there by chance.
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=4, max_size=40).map(
    lambda text: f"Zq9§{text}"
)


# checkov and trivy tell of secrets in the words of their rules.
WORDY = {
    name
    for name, format_ in EXPECTED.items()
    if name.endswith((".json", ".sarif")) and formats()[format_][0] is Kind.FINDINGS
} - {"checkov_secrets.json", "checkov_none.json", "trivy.json"}


def quote(secret: str, around: tuple[str, str]) -> dict[str, object]:
    """A leak whose every text but the file's name quotes the secret."""
    line = f"{around[0]}{secret}{around[1]}"
    return raw("gitleaks.json")[1] | {
        "RuleID": f"rule-{secret}",
        "Description": f"Found {secret} in {line}",
        "Match": line,
        "Secret": secret,
        "Message": f"Add {secret}",
        "Author": secret,
        "Email": secret,
        "Tags": [secret],
        "Commit": secret,
        "Fingerprint": f"deploy/settings.env:{secret}:3",
    }


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.tuples(st.text(max_size=5), st.text(max_size=5)), st.sampled_from(["", "", "sources"]))
def test_no_text_of_any_secret_is_kept(secret, around, sources):
    context = ReadContext(sources=lambda _path: f"a\nb\n{secret}".encode()) if sources else ReadContext()
    found = read(json.dumps([quote(secret, around)]), "gitleaks", context)
    assert len(found.findings) == 1
    assert secret not in stored(found)


def settled(content: bytes, name: str) -> tuple[ReportContent | None, str]:
    """What is kept of a report declared to hold secrets, or why it is refused."""
    spec = ReportSpec(path="out/x", format=name, kind=Kind.SECRETS)
    try:
        return ingest(content, spec, context=ReadContext()), ""
    except AuthorFault as refused:
        return None, refused.message


@pytest.mark.parametrize("name", sorted(WORDY))
@settings(max_examples=10, deadline=None)
@given(TEXTS)
def test_no_format_declared_to_hold_secrets_keeps_its_words(name, secret):
    """Every text of the report that is long enough to be a message quotes the secret."""
    report = json.loads((SAMPLES / name).read_bytes())
    kept, refusal = settled(json.dumps(spoil(report, secret)).encode(), EXPECTED[name])
    assert secret not in refusal
    assert kept is not None
    assert kept.findings
    assert all(finding.secret for finding in kept.findings)
    assert secret not in stored(kept)


def spoil(value: object, secret: str) -> object:
    """The report with the secret at the end of each text of two words or more."""
    match value:
        case dict():
            return {key: spoil(inner, secret) for key, inner in value.items()}
        case list():
            return [spoil(inner, secret) for inner in value]
        case str() if " " in value:
            return f"{value} {secret}"
        case _:
            return value
