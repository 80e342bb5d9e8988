"""Which files a tool is given that does not look for them itself. Pure text for preset scripts."""

NOTHING = 100
"""What a script exits with when there is no file for its tool: not needed."""

_PASSED_OVER = ("node_modules", ".venv", "venv")


def chosen(test: str) -> str:
    """Lines of bash that make `"$@"` the user's `${args}`, else all files beneath the workdir for which
    find's expression `test` holds; exit NOTHING if there are none. Links are not followed.
    """
    over = " -o ".join(f"-name {name}" for name in _PASSED_OVER)
    return f"""\
set -- ${{args}}
if [ $# -eq 0 ]; then
  while IFS= read -r -d '' file; do set -- "$@" "$file"; done < <(
    find . -type d \\( {over} \\) -prune -o -type f \\( {test} \\) -print0 | sort -z)
  if [ $# -eq 0 ]; then echo 'nothing to look at'; exit {NOTHING}; fi
fi
"""
