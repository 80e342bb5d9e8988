"""Globs mean what gitignore means, and no name can make them slow."""

import subprocess
import time
from pathlib import Path

import pathspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.language import Globs, branch_matches, globs, like

segments = st.text("ab*?[]!-^_\\", min_size=1, max_size=6)
patterns = st.lists(st.one_of(st.just("**"), segments), min_size=1, max_size=4).map("/".join)
paths = st.lists(st.text("ab_-]", min_size=1, max_size=5), min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.md", "README.md", True),
        ("*.md", "docs/a.md", True),
        ("/*.md", "docs/a.md", False),
        ("docs/**", "docs/a/b", True),
        ("docs/**", "docs", False),
        ("docs/", "docs/a", True),
        ("docs/", "docs", False),
        ("docs", "docs/a", True),
        ("docs/*", "docs/a/b", True),
        ("**/migrations/**", "app/db/migrations/1.py", True),
        ("**/migrations/**", "migrations/1.py", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/x/y/c", False),
        ("**", "anything", True),
        ("**/", "dir/file", True),
        ("src/[a-c]*.py", "src/b1.py", True),
        ("src/[!a-c]*.py", "src/b1.py", False),
        ("src/[^a-c]*.py", "src/d1.py", True),
        ("[[:digit:]]x", "4x", True),
        ("[[:nothing:]]x", "4x", False),
        ("[]a]", "]", True),
        ("[z-a]", "m", False),
        ("[!z-a]", "m", True),
        ("[a", "[a", True),
        ("a[\\]]", "a]", True),
        ("a[b-]", "a-", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[!x]", "a", True),
        ("a[!x]b", "a/b", False),
        ("\\#a", "#a", True),
        ("#a", "#a", False),
        ("\\!a", "!a", True),
        ("a\\", "a\\", True),
        ("a\\ ", "a ", True),
        ("a  ", "a", True),
        ("", "a", False),
        ("/", "a", False),
        ("foo//bar", "foo/bar", False),
        ("a***b", "axxb", True),
        ("x/a*b*c", "x/a1b2c", True),
        ("x/a*b*c", "x/a1c2b", False),
        ("x/*a*", "x/bab", True),
    ],
)
def test_one_pattern(pattern: str, path: str, matches: bool) -> None:
    assert Globs([pattern]).matches(path) is matches


def test_the_last_pattern_that_matches_decides() -> None:
    some = Globs(["src/**", "!src/gen/**", "src/gen/keep.py"])
    assert some.matches("src/a.py")
    assert not some.matches("src/gen/b.py")
    assert some.matches("src/gen/keep.py")
    assert some.any(["x", "src/a"])
    assert not some.any(["x"])
    assert globs(("a",)) is globs(("a",))


@given(patterns, paths)
def test_agrees_with_an_independent_reading_of_gitignore(pattern: str, path: str) -> None:
    if pattern.startswith("!") or pattern.endswith(("\\", " ")) or _read_otherwise(pattern):
        return
    try:
        spec = pathspec.GitIgnoreSpec.from_lines([pattern], backend="simple")
    except ValueError:
        return  # what that library refuses is given a meaning here
    assert Globs([pattern]).matches(path) is spec.match_file(path)


def _read_otherwise(pattern: str) -> bool:
    """Brackets that are never closed or hold odd ranges: checked against git itself below."""
    return "[" in pattern or "***" in pattern or pattern.strip("*/") == ""


def test_agrees_with_git_itself(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    cases = [
        ("[!a]b", ["cb", "ab"]),
        ("[^a]b", ["cb", "ab"]),
        ("[]-]b", ["]b", "-b", "ab"]),
        ("[a-c-e]", ["b", "-", "e", "d"]),
        ("x[[:alpha:]_]y", ["xay", "x_y", "x1y"]),
        ("a/***/b", ["a/c/b", "a/c/d/b"]),
        ("**/b*/c", ["b/c", "a/bb/c/d", "a/x/c"]),
        ("a/**/b/**/c", ["a/b/c", "a/1/b/2/c", "a/b/b"]),
        ("*a*b*", ["xaxbx", "ba"]),
        ("a**b/c", ["axb/c", "a/b/c"]),
    ]
    for pattern, candidates in cases:
        (tmp_path / ".gitignore").write_text(pattern + "\n")
        for path in candidates:
            git = ["git", "-C", str(tmp_path), "check-ignore", "-q", "--no-index", "--", path]
            ignored = subprocess.run(git, check=False).returncode == 0
            assert Globs([pattern]).matches(path) is ignored, (pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a*a*a*a*a*a*a*a*b", "a" * 4000),
        ("**/a*/**/a*/**/a*/**/b", "aa/" * 1300 + "c"),
        ("**/*a*a*a*a/**/*b*b*b/c", "aaaaabbbbb/" * 400 + "d"),
    ],
)
def test_a_hostile_path_is_answered_at_once(pattern: str, path: str) -> None:
    start = time.process_time()
    assert not Globs([pattern]).matches(path)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("main", "main", True),
        ("main", "feature/main", False),
        ("main", "main/feature", False),
        ("release/*", "release/1", True),
        ("release/*", "release/1/2", False),
        ("release/**", "release/1/2", True),
        ("*", "main", True),
        ("*", "a/b", False),
        ("**", "a/b", True),
        ("v[0-9].*", "v1.x", True),
    ],
)
def test_branches_match_whole(pattern: str, name: str, matches: bool) -> None:
    assert branch_matches(pattern, name) is matches


@pytest.mark.parametrize(
    ("text", "glob", "matches"),
    [
        ("feat: x", "feat*", True),
        ("fix: feat", "feat*", False),
        ("a/b", "a*b", True),
        ("a\nb", "a?b", True),
        ("Feat", "feat", False),
        ("", "*", True),
        ("", "", True),
        ("a.b", "a[./]b", True),
    ],
)
def test_like_matches_the_whole_text(text: str, glob: str, matches: bool) -> None:
    assert like(text, glob) is matches
    start = time.process_time()
    assert not like("a" * 5000, "*a*a*a*a*a*a*b")
    assert time.process_time() - start < 5


@given(st.text(), st.text())
def test_any_text_is_a_glob(pattern: str, text: str) -> None:
    assert Globs([pattern]).matches(text) in {True, False}
    assert like(text, pattern) in {True, False}
    assert branch_matches(pattern, text) in {True, False}
