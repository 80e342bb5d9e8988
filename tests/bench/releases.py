"""Releases of real projects, as the package registry keeps them: a history that can be had wherever packages can.

`releases.txt` names each archive with its SHA-256, oldest first. What was fetched once is kept beneath `.releases_cache`.
"""

import hashlib
import os
import re
import tarfile
from pathlib import Path

import httpx
import msgspec

from tests.support.prerequisites import REPOSITORY

_NAME = re.compile(r"([A-Za-z_-]+)-([\d.]+)\.tar\.gz")
_KEPT = REPOSITORY / ".releases_cache"


class Release(msgspec.Struct, frozen=True):
    """One archive of a project's source."""

    project: str
    version: str
    file: str
    sha256: str

    def unpack(self, folder: Path) -> Path:
        """The source tree, beneath a folder that is there."""
        with tarfile.open(self._archive()) as archive:
            archive.extractall(folder, filter="data")
        return folder / self.file.removesuffix(".tar.gz")

    def _archive(self) -> Path:
        kept = _KEPT / self.file
        if not kept.exists():
            content = self._fetch()
            if (found := hashlib.sha256(content).hexdigest()) != self.sha256:
                raise ValueError(f"{self.file} has SHA-256 {found}, not {self.sha256}")
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(content)
        return kept

    def _fetch(self) -> bytes:
        """The bytes that the index pip uses links to by this file's name (PEP 503)."""
        index = os.environ.get("PIP_INDEX_URL", "").rstrip("/")
        if not index:
            raise SystemExit(f"{self.file} is not here: set PIP_INDEX_URL to the index that pip uses")
        page = httpx.get(f"{index}/{self.project}/", follow_redirects=True).raise_for_status()
        links = re.findall(rf'href="([^"#]*/{re.escape(self.file)})[#"]', page.text)
        if not links:
            raise ValueError(f"{index}/{self.project}/ has no {self.file}")
        return httpx.get(page.url.join(links[0]), follow_redirects=True).raise_for_status().content


def releases(project: str) -> list[Release]:
    """Those of a project, oldest first."""
    found = []
    for line in Path(__file__).with_suffix(".txt").read_text().splitlines():
        file, _, sha256 = line.partition(" ")
        name = _NAME.fullmatch(file)
        assert name is not None, line
        found.append(Release(name[1].lower().replace("_", "-"), name[2], file, sha256))
    return [release for release in found if release.project == project]
