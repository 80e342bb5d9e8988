"""What a finding harms, where its report does not say: security, reliability or maintainability.

One table by tool and rule. What no row names is left open (''), but for SARIF, whose results are security's
unless they say otherwise, as SonarQube takes them on import.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final, Literal

from app.reports.severity import RuleTable

Domain = Literal["", "security", "reliability", "maintainability"]

SECURITY: Final[Domain] = "security"
RELIABILITY: Final[Domain] = "reliability"
MAINTAINABILITY: Final[Domain] = "maintainability"

_RUFF: Final[Mapping[str, Domain]] = {
    "*": MAINTAINABILITY,
    "invalid-syntax": RELIABILITY,
    "E9*": RELIABILITY,  # syntax and I/O errors
    "F*": RELIABILITY,  # pyflakes …
    **dict.fromkeys(("F401", "F541", "F811", "F841"), MAINTAINABILITY),  # … except what is merely unused
    **dict.fromkeys(("FA*", "FAST*", "FBT*", "FIX*", "FLY*", "FURB*"), MAINTAINABILITY),
    "S*": SECURITY,  # bandit's rules
    **dict.fromkeys(("SIM*", "SLF*", "SLOT*"), MAINTAINABILITY),
    "S101": RELIABILITY,  # an assert vanishes with -O
    "S110": RELIABILITY,  # errors passed over
    "S112": RELIABILITY,
    # likely bugs, errors of pylint, coroutines, blind excepts, times without a zone, tasks nobody keeps
    **dict.fromkeys(("B*", "PLE*", "PLW*", "ASYNC*", "BLE*", "DTZ*", "T10*", "RUF006"), RELIABILITY),
}
_PYLINT: Final[Mapping[str, Domain]] = {
    "*": MAINTAINABILITY,
    "E*": RELIABILITY,
    "F*": RELIABILITY,
    "W*": RELIABILITY,
    **dict.fromkeys(("W03*", "W05*", "W061*"), MAINTAINABILITY),  # lay-out, to-do notes, what is unused
}
# The rules that ESLint's documentation lists as possible problems, and those against running texts as code.
_ESLINT: Final[Mapping[str, Domain]] = {
    "*": MAINTAINABILITY,
    **dict.fromkeys(
        (
            *("array-callback-return", "constructor-super", "for-direction", "getter-return", "no-*-assign"),
            *("no-async-promise-executor", "no-await-in-loop", "no-compare-neg-zero", "no-cond-assign"),
            *("no-constant-*", "no-constructor-return", "no-control-regex", "no-debugger", "no-dupe-*"),
            *("no-duplicate-case", "no-empty-character-class", "no-empty-pattern", "no-fallthrough"),
            *("no-invalid-regexp", "no-irregular-whitespace", "no-loss-of-precision", "no-obj-calls"),
            *("no-misleading-character-class", "no-new-native-nonconstructor", "no-promise-executor-return"),
            *("no-prototype-builtins", "no-self-compare", "no-setter-return", "no-sparse-arrays"),
            *("no-template-curly-in-string", "no-this-before-super", "no-undef", "no-unexpected-multiline"),
            *("no-unmodified-loop-condition", "no-unreachable*", "no-unsafe-*", "no-use-before-define"),
            *("no-useless-backreference", "require-atomic-updates", "use-isnan", "valid-typeof"),
            *("react-hooks/*", "@typescript-eslint/no-floating-promises", "@typescript-eslint/no-unsafe-*"),
        ),
        RELIABILITY,
    ),
    **dict.fromkeys(
        (
            *("no-eval", "no-implied-eval", "no-new-func", "no-script-url", "security/*", "no-secrets/*"),
            *("react/no-danger*", "react/jsx-no-script-url", "react/jsx-no-target-blank"),
        ),
        SECURITY,
    ),
}


def _oxlint(rule: str) -> str:
    """A rule as oxlint names it: `eslint(no-eval)`, `typescript(no-unsafe-*`."""
    plugin, _, name = rule.rpartition("/")
    plugin = {"": "eslint", "@typescript-eslint": "typescript"}.get(plugin, plugin)
    return f"{plugin}({name}" + ("" if name.endswith("*") else ")")


_OXLINT: Final[Mapping[str, Domain]] = {
    **{"*" if rule == "*" else _oxlint(rule): domain for rule, domain in _ESLINT.items()},
    "oxc(*": RELIABILITY,  # its own rules: what can hardly be meant
}
_HADOLINT: Final[Mapping[str, Domain]] = {
    "*": MAINTAINABILITY,
    "SC*": RELIABILITY,  # shellcheck's rules
    "DL3002": SECURITY,  # the last user is root
    "DL3004": SECURITY,  # sudo
    "DL3026": SECURITY,  # an image from elsewhere
}
_BIOME: Final[Mapping[str, Domain]] = {
    "*": MAINTAINABILITY,
    "lint/correctness/*": RELIABILITY,
    "lint/suspicious/*": RELIABILITY,
    "lint/security/*": SECURITY,
}
# Tools all of whose rules are about one thing.
_WHOLE: Final[Mapping[Domain, tuple[str, ...]]] = {
    SECURITY: (
        *(
            "bandit",
            "brakeman",
            "checkov",
            "codeql",
            "dependency-check",
            "detect-secrets",
            "gitleaks",
            "gosec",
        ),
        *("grype", "kics", "npm-audit", "osv-scanner", "pip-audit", "semgrep", "snyk", "tfsec", "trivy"),
        *("trufflehog", "zizmor"),
    ),
    RELIABILITY: (
        *("actionlint", "mypy", "pyflakes", "pyright", "shellcheck", "spotbugs", "staticcheck", "tflint"),
        *("tsc", "vet"),
    ),
    MAINTAINABILITY: (
        *(
            "ast-grep",
            "checkstyle",
            "codespell",
            "jscpd",
            "lizard",
            "markdownlint",
            "markdownlint-cli2",
            "pmd",
        ),
        *("prettier", "pycodestyle", "pydocstyle", "radon", "rubocop", "rustfmt", "stylelint", "typos"),
        *("vulture", "yamllint"),
    ),
}
_TABLES: Final[Mapping[str, Mapping[str, Domain]]] = {
    "ruff": _RUFF,
    "flake8": _RUFF,
    "pylint": _PYLINT,
    "eslint": _ESLINT,
    "oxlint": _OXLINT,
    "hadolint": _HADOLINT,
    "biome": _BIOME,
    **{tool: {"*": domain} for domain, tools in _WHOLE.items() for tool in tools},
}
# What tools write among a rule's tags or as its category: CodeQL, semgrep, Code Climate and others.
_TAGS: Final[Mapping[str, Domain]] = {
    **dict.fromkeys(("security", "vulnerability", "cwe", "owasp", "secret", "secrets"), SECURITY),
    **dict.fromkeys(
        ("reliability", "correctness", "bug", "bugs", "bug risk", "error-prone", "concurrency"), RELIABILITY
    ),
    **dict.fromkeys(
        (
            *(
                "maintainability",
                "readability",
                "style",
                "complexity",
                "duplication",
                "clarity",
                "convention",
            ),
            *("best-practice", "code_smell", "code smell", "maintenance", "performance", "efficiency"),
            *("compatibility", "portability"),
        ),
        MAINTAINABILITY,
    ),
}
_SECURITY_TAGS: Final = ("cwe-", "external/cwe/", "owasp-")
_KNOWN: Final = {tool: RuleTable(rules) for tool, rules in _TABLES.items()}


@lru_cache(4096)
def domain_of(tool: str, rule: str) -> Domain:
    """What a rule of a tool is about by the table; '' where it says nothing. The tool may be written in any
    case and with more words (`Semgrep OSS`).
    """
    words = tool.lower().split()
    table = _KNOWN.get(words[0]) if words else None
    return (table.of(rule) if table is not None else None) or ""


def domain_by_tags(tags: Collection[str]) -> Domain:
    """What a rule says of itself: security, if any of its tags does; else the first that tells."""
    said = [_TAGS.get(tag) for tag in map(str.lower, tags)]
    if SECURITY in said or any(tag.lower().startswith(_SECURITY_TAGS) for tag in tags):
        return SECURITY
    return next((domain for domain in said if domain), "")
