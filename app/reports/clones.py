"""What all readers of duplicated code share: places, sizes, limits."""

from app.model import AuthorFault, Clone, CloneBlock, ReportContent
from app.reports.paths import Paths, Unplaced
from app.reports.protocol import MAX_HITS, MAX_LINE, Dropped, ReadContext, too_many
from app.reports.text import line as one_line
from app.reports.text import quoted


class Clones:
    """The clones of one report so far, and the files that were searched."""

    def __init__(self, context: ReadContext) -> None:
        self.dropped = Dropped()
        self._limit = context.limits.findings
        self._sources = context.sources
        self._paths = Paths(context)
        self._clones: list[Clone] = []
        self._blocks = 0
        self._sizes: dict[str, int] = {}

    def block(self, path: str, line: int, end_line: int, where: str) -> CloneBlock | None:
        """One place of a clone; None (and noted) outside the repository. Raises AuthorFault where the lines
        are none, and where the path may mean several files: guessing would hide a copy.
        """
        if not 0 < line <= end_line <= MAX_LINE:
            raise AuthorFault(f"{where}: no file has lines {line} to {end_line}")
        place = self._paths.place(path, search=True)
        if place.why is Unplaced.AMBIGUOUS:
            raise AuthorFault(
                f"{where}: {quoted(path)} may mean several files",
                hint="run the tool at the repository's root, or let it write absolute paths",
            )
        if not place.path:
            self.dropped.add(f"place of a clone {place.why.value}", path)
            return None
        return CloneBlock(path=place.path, line=line, end_line=end_line)

    def add(self, *blocks: CloneBlock | None) -> None:
        """One clone: all of its places that lie in the repository. Raises AuthorFault over the limit."""
        inside = tuple(block for block in blocks if block is not None)
        if not inside:
            return
        self._blocks += len(inside)
        if self._blocks > self._limit:
            raise too_many("places of clones", self._limit)
        self._clones.append(Clone(blocks=inside))

    def searched(self, path: str, lines: int | None) -> None:
        """A file that was searched and its lines; None = they are counted in the tested tree. Raises
        AuthorFault over the limit.
        """
        place = self._paths.place(path, search=True)
        if not place.path:
            self.dropped.add(f"searched file {place.why.value}", path)
            return
        if lines is None:
            source = self._sources(place.path) if self._sources is not None else None
            lines = len(source.splitlines()) if source is not None else 0
        self._sizes[place.path] = min(max(lines, 0), MAX_LINE)
        if len(self._sizes) > self._limit:
            raise too_many("searched files", self._limit)

    def searched_in_all(self, lines: int) -> None:
        """How many lines were searched, where the tool does not list the files."""
        if not self._sizes:
            self._sizes[""] = min(max(lines, 0), MAX_HITS)

    def report(self, name: str, tool: str, version: str = "") -> ReportContent:
        """What a reader of clones hands back: `name` is its format, `version` raw."""
        return ReportContent(
            format=name,
            kind="duplication",
            tool=tool,
            tool_version=one_line(version, 50),
            clones=tuple(self._clones),
            sizes=self._sizes,
            dropped=self.dropped.sentences(),
        )
