"""No secret in anything that the suite prints or logs: a pytest plugin that listens and, at the end, searches.

Helpers `plant` the secrets that they hand to a service; what tests print and log, what their fixtures capture
and what started processes say is `heard`; files that a process logs to are `watched`. After the last test all
of it is searched for each planted secret, plain and in the forms in which it travels, and for whatever has
the shape of a token. A hit fails the session, whatever the tests say.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

import pytest

SHORTEST = 8
SHAPES = (
    "gh[pousr]_[A-Za-z0-9]{30,}"  # GitHub's tokens
    "|pct_[A-Za-z0-9_-]{43}"  # ours
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}"  # JSON Web Tokens
    "|MI[IG][A-Za-z0-9+/]{60}"  # keys
)
SECRET_NAMES = ("SECRET_KEY", "PRIVATE_KEY", "WEBHOOK_SECRET", "TOKEN")
_HEADER = "\n=== heard of "
_state: dict[str, Path] = {}
_planted: set[str] = set()


def plant(kind: str, *values: str) -> None:
    """Search for these at the end; every line of a longer one counts for itself."""
    news = [value for value in values if len(value) >= SHORTEST and value not in _planted]
    _planted.update(news)
    _append("planted", "".join(json.dumps([kind, value]) + "\n" for value in news))


def plant_environment(environment: Mapping[str, str]) -> None:
    """Search for the secrets that a service is given by its environment."""
    for name, value in environment.items():
        if name.endswith(SECRET_NAMES):
            plant(name, value)
        elif name.endswith(("DATABASE_URL", "TEST_POSTGRES")) and "@" in value:
            plant("database password", unquote(urlsplit(value).password or ""))


def heard(text: str, source: str) -> None:
    """Search this at the end; `source` says whose words they are."""
    if text:
        _append("heard", f"{_HEADER}{source}\n{text}")


def watched(path: Path) -> None:
    """Search this file at the end, if it is still there."""
    _append("watched", f"{path}\n")


def _append(what: str, text: str) -> None:
    folder = _state.get("folder")
    if folder is not None and text:  # helpers serve the benches too, where nobody listens
        with (folder / f"{what}-{os.getpid()}").open("a", encoding="utf-8", errors="replace") as file:
            file.write(text)


def forms(value: str) -> Iterator[tuple[str, str]]:
    """How a secret may look where it leaks, each with the form's name."""
    for line in value.splitlines():
        if len(line) < SHORTEST or line.startswith("-----"):
            continue
        raw = line.encode()
        yield line, "plain"
        yield from ((text, "escaped") for text in (json.dumps(line)[1:-1], repr(line)[1:-1]))
        for text in (quote(line, safe=""), quote_plus(line, safe="")):
            yield text, "url-encoded"
            yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text), "url-encoded"
        yield raw.hex(), "hexadecimal"
        for before, cut in ((0, 0), (1, 2), (2, 3)):  # whatever stands before it in what is encoded
            encoded = base64.b64encode(b"\0" * before + raw).decode()[cut : (before + len(raw)) * 8 // 6]
            yield encoded, "base64"
            yield encoded.translate(str.maketrans("+/", "-_")), "base64"


def found(folder: Path) -> list[str]:
    """What leaked, one sentence each, without the secrets themselves."""
    kinds: dict[str, str] = {}
    for kind, value in _lines(folder, "planted", json.loads):
        for text, form in forms(value):
            kinds.setdefault(text, f"{kind}, {form}")
    files = [*sorted(folder.glob("heard-*")), *map(Path, _lines(folder, "watched", str.strip))]
    there = [str(path) for path in dict.fromkeys(files) if path.exists()]
    patterns = folder / "patterns"
    patterns.write_text("".join(f"{text}\n" for text in kinds), encoding="utf-8")
    hits = {
        f"{kinds[text]}, in {_source(path, at)}"
        for path, at, text in _grep(["-F", "-f", str(patterns)], there if kinds else ())
    }
    hits |= {
        f"the shape of a secret ({text[:4]}…), in {_source(path, at)}"
        for path, at, text in _grep(["-E", "-e", SHAPES], there)
    }
    return sorted(hits)


def _lines(folder: Path, what: str, read: object) -> Iterator:
    for path in sorted(folder.glob(f"{what}-*")):
        yield from map(read, path.read_text(encoding="utf-8").splitlines())


def _grep(arguments: list[str], files: Iterable[str]) -> Iterator[tuple[Path, int, str]]:
    """(file, offset in bytes, matched text) of each match."""
    files = list(files)
    if not files:
        return
    ran = subprocess.run(
        [
            "grep",
            "--text",
            "--only-matching",
            "--byte-offset",
            "--with-filename",
            "--null",
            *arguments,
            "--",
            *files,
        ],
        env={**os.environ, "LC_ALL": "C"},
        stdout=subprocess.PIPE,
        check=False,
    )
    assert ran.returncode in {0, 1}, f"grep ended with {ran.returncode}"
    for line in ran.stdout.decode(errors="replace").splitlines():
        path, _, rest = line.partition("\0")
        at, _, text = rest.partition(":")
        yield Path(path), int(at), text


def _source(path: Path, at: int) -> str:
    """Whose words stand at an offset of a file."""
    if not path.name.startswith("heard-"):
        return str(path)
    before = path.read_bytes()[:at].decode(errors="replace")
    return before.rpartition(_HEADER)[2].partition("\n")[0]


class _Listening:
    """The hooks, for the process that runs tests."""

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":  # it has the sections of all phases
            for title, content in report.sections:
                heard(content, f"{report.nodeid} ({title})")


def _listen_to_fixtures(patch: pytest.MonkeyPatch) -> None:
    """What `capsys` and `capfd` give to a test never comes into its report."""
    read = pytest.CaptureFixture.readouterr

    def overheard(self: pytest.CaptureFixture) -> object:
        captured = read(self)
        source = f"{os.environ.get('PYTEST_CURRENT_TEST', 'a fixture')} (captured)"
        for text in captured:
            heard(text if isinstance(text, str) else text.decode(errors="replace"), source)
        return captured

    patch.setattr(pytest.CaptureFixture, "readouterr", overheard)


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen: into the folder of the session, which xdist's workers share."""
    given = getattr(config, "workerinput", {}).get("leaks")
    _state["folder"] = Path(given or tempfile.mkdtemp(prefix="portcullis-heard-"))
    plant_environment(os.environ)
    patch = pytest.MonkeyPatch()
    _listen_to_fixtures(patch)
    config.add_cleanup(patch.undo)
    if given or not config.getoption("numprocesses", None):
        config.pluginmanager.register(_Listening())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Hand the folder to a worker."""
    node.workerinput["leaks"] = str(_state["folder"])  # type: ignore[attr-defined]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Search, where the session began."""
    if hasattr(session.config, "workerinput"):
        return
    leaked = found(_state["folder"])
    session.config.stash[_LEAKED] = leaked
    if leaked:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    shutil.rmtree(_state.pop("folder"))


_LEAKED = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what leaked, and where."""
    leaked = config.stash.get(_LEAKED, [])
    if leaked:
        terminalreporter.section("secrets were printed or logged", red=True)
        for sentence in leaked[:100]:
            terminalreporter.line(f"leaked: {sentence}")
