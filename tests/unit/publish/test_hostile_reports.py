"""A report of each format whose texts are markup, mentions and escapes: nothing of it does more than be read, in
the check run, its annotations, the comment and the terminal.
"""

import json
import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

import msgspec
import pytest
from markdown_it import MarkdownIt

from app.model import AuthorFault, CheckEvidence, Judgement, ReportContent, ReportSpec
from app.model import TestOutcome as Ended
from app.publish import explain_text, render_comment, render_publication
from app.reports import FORMATS, ingest
from tests.unit.publish.samples import BLOCKED, NOW
from tests.unit.reports.test_hostile_set import CONTEXT, JSON, MARKED, PLAIN, RAW, changed, documents, keys
from tests.unit.reports.test_ingest import EXPECTED

GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
EVIL = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> @everyone @acme/security #12 acme/shop#3 "
    "![x](https://evil.test/x) [y](javascript:alert(1)) </details> ``` | x \x1b]8;;https://evil.test\x07l"
)
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
WITHOUT_TEXTS = {
    "lcov",
    "go_cover",
    "jacoco",
    "clover",
    "coverage_py",
    "cobertura",
    "jscpd",
    "cpd",
    "metrics",
    "lizard",
    "sonar_measures",
}
"""They tell paths and numbers alone: a path that is no file of the repository is left out, a metric that is told
twice is refused.
"""
SEEN = ("src/pay/refund.py", 14)


def spoilt(name: str) -> Iterator[bytes]:
    """The sample with each of its texts in turn made evil; of lines, each word."""
    if name in JSON:
        found = documents(name) or []
        for key in sorted(keys(found)):
            yield "\n".join(json.dumps(one) for one in changed(found, key, EVIL)).encode()  # type: ignore[attr-defined]
        return
    text = RAW[name].decode()
    evil = EVIL.replace("\x1b", "#x1B").replace("\x07", "")
    if name in MARKED:
        value = escape(evil, {'"': "&quot;"})
        for key in sorted(set(re.findall(r'\s([\w-]{1,40})=["\']', text))):
            yield re.sub(rf"(\s{key}=)(\"[^\"]*\"|'[^']*')", lambda at: f'{at[1]}"{value}"', text).encode()
        yield re.sub(r">([^<>]*\w[^<>]*)<", f">{value}<", text).encode()
        return
    for word in sorted(set(re.findall(r"[A-Za-z][\w./-]{2,80}", text[:1_500]))):
        yield text.replace(word, EVIL).encode()


def shown(read: ReportContent) -> Judgement:
    """A blocked change of which everything in the report is shown."""
    path, line = SEEN
    here = msgspec.structs.replace(
        read,
        findings=tuple(
            msgspec.structs.replace(one, path=path, line=line, suppressed=False) for one in read.findings[:20]
        ),
        tests=tuple(
            msgspec.structs.replace(one, path=path, line=line, outcome=Ended.FAILED)
            for one in read.tests[:20]
        ),
    )
    evidence = BLOCKED.evidence
    assert evidence is not None
    reports = (CheckEvidence(key="lint", reports=(here,)), *evidence.reports)
    return msgspec.structs.replace(BLOCKED, evidence=msgspec.structs.replace(evidence, reports=reports))


def harmless_text(rendered: str) -> None:
    """Markdown once rendered: no element, link or mention but ours."""
    assert "<script" not in rendered
    assert "<img" not in rendered
    assert rendered.count("<details>") == rendered.count("</details>")
    assert not re.search(r'(?:href|src)="(?:javascript|[^"]*evil)', rendered)
    outside = re.sub(r"<(pre|code)[ >].*?</\1>", "", rendered, flags=re.DOTALL)
    assert not re.search(r"@\w", outside)
    assert "\x1b" not in rendered


def readings(name: str) -> Iterator[ReportContent]:
    """What is read of spoilt samples of a format, where the evil is still in it."""
    for sample in (sample for sample, format_ in EXPECTED.items() if format_ == name):
        for content in spoilt(sample):
            try:
                read = ingest(content, ReportSpec(path="out/x", format=name), context=CONTEXT)
            except AuthorFault:
                continue
            if b"alert(1)" in msgspec.json.encode(read):
                yield read


@pytest.mark.parametrize("name", [entry.name for entry in FORMATS])
def test_what_a_report_says_does_nothing_where_it_is_shown(name: str) -> None:
    told = 0
    for told, read in enumerate(readings(name), 1):  # noqa: B007 - counted after the loop
        judgement = shown(read)
        harmless_text(GFM.render(render_comment(judgement, marker="<!-- portcullis -->").body))
        posted = render_publication(judgement, now=NOW)
        harmless_text(GFM.render(f"{posted.summary}\n\n{posted.text}"))
        for annotation in posted.annotations:  # plain text to every forge: nothing is rendered or mentioned
            assert not CONTROLS.search(annotation.title + annotation.message)
        assert not CONTROLS.search(explain_text(judgement))
    assert told or name in WITHOUT_TEXTS


def test_each_kind_of_sample_is_spoilt() -> None:
    assert all(any(b"alert(1)" in one for one in spoilt(names[0])) for names in (JSON, MARKED, PLAIN))
