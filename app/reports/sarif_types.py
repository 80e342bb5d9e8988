"""The properties of SARIF 2.1.0 that we read; all may be missing or null."""

# The names are SARIF's own.
# ruff: noqa: N815

import msgspec


class _Part(msgspec.Struct, gc=False):
    """A piece of a log: plain data without cycles, so the collector need not look at it."""


class Message(_Part):
    """3.11. `arguments` fill `{0}`, `{1}` … of the text."""

    text: str | None = None
    markdown: str | None = None
    id: str | None = None
    arguments: list[str] | None = None


class ArtifactLocation(_Part):
    """3.4."""

    uri: str | None = None
    uriBaseId: str | None = None
    index: int | None = None


class Region(_Part):
    """3.30. Lines and columns from 1; an end column is the first one behind."""

    startLine: int | None = None
    startColumn: int | None = None
    endLine: int | None = None
    endColumn: int | None = None


class Physical(_Part):
    """3.29, physical."""

    artifactLocation: ArtifactLocation | None = None
    region: Region | None = None


class Where(_Part):
    """3.28."""

    physicalLocation: Physical | None = None


class Properties(_Part):
    """What GitHub's convention adds. Tags stay raw: tools put anything there."""

    security_severity: str | float | None = msgspec.field(default=None, name="security-severity")
    tags: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


class Configuration(_Part):
    """3.50."""

    level: str | None = None


class Rule(_Part):
    """3.49, reportingDescriptor."""

    id: str | None = None
    name: str | None = None
    helpUri: str | None = None
    messageStrings: dict[str, Message] | None = None
    defaultConfiguration: Configuration | None = None
    properties: Properties | None = None


class Component(_Part):
    """3.54, which tool component holds a rule."""

    index: int | None = None


class RuleReference(_Part):
    """3.52."""

    id: str | None = None
    index: int | None = None
    toolComponent: Component | None = None


class Driver(_Part):
    """3.19, toolComponent."""

    name: str | None = None
    version: str | None = None
    semanticVersion: str | None = None
    rules: list[Rule] | None = None


class Tool(_Part):
    """3.18."""

    driver: Driver | None = None
    extensions: list[Driver] | None = None


class Suppression(_Part):
    """3.35. No status means accepted."""

    status: str | None = None


class Content(_Part):
    """3.3."""

    text: str | None = None


class Replacement(_Part):
    """3.57."""

    deletedRegion: Region | None = None
    insertedContent: Content | None = None


class ArtifactChange(_Part):
    """3.56."""

    artifactLocation: ArtifactLocation | None = None
    replacements: list[Replacement] | None = None


class Fix(_Part):
    """3.55."""

    artifactChanges: list[ArtifactChange] | None = None


class Result(_Part):
    """3.27. Fixes stay raw until one is wanted."""

    ruleId: str | None = None
    ruleIndex: int | None = None
    rule: RuleReference | None = None
    kind: str | None = None
    level: str | None = None
    message: Message | None = None
    locations: list[Where] | None = None
    fingerprints: dict[str, str] | None = None
    partialFingerprints: dict[str, str] | None = None
    suppressions: list[Suppression] | None = None
    baselineState: str | None = None
    fixes: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    properties: Properties | None = None


class Notification(_Part):
    """3.58."""

    message: Message | None = None
    level: str | None = None
    locations: list[Where] | None = None


class Invocation(_Part):
    """3.20."""

    executionSuccessful: bool | None = None
    toolExecutionNotifications: list[Notification] | None = None
    toolConfigurationNotifications: list[Notification] | None = None


class Artifact(_Part):
    """3.24."""

    location: ArtifactLocation | None = None


class Run(_Part):
    """3.14. Results stay raw until each is looked at."""

    tool: Tool | None = None
    results: list[msgspec.Raw] | None = None
    invocations: list[Invocation] | None = None
    artifacts: list[Artifact] | None = None
    originalUriBaseIds: dict[str, ArtifactLocation] | None = None


class Log(_Part):
    """3.13."""

    runs: list[Run]
    version: str | None = None
