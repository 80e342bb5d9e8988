"""What fills a check's cache before it runs: its `setup`, an attempt of its own (gate-file.md section 4)."""

import msgspec

from app.executors.protocol import AttemptOutcome, AttemptSpec, CacheUse, Ended

_LEAST_SECONDS = 1.0


def setup_attempt(spec: AttemptSpec, use: CacheUse) -> AttemptSpec | None:
    """The attempt of `setup`, with network; None where it may not run. For an untrusted head it runs on the
    target's tree, and nothing of the head is there: what it makes is read by every change.
    """
    check = msgspec.structs.replace(  # noqa: S604 - `shell` names an interpreter, nothing is run here
        spec.check,
        script=spec.check.setup,
        argv=(),
        shell="bash",
        network="full",
        reports=(),
        outputs="",
        artifacts=(),
    )
    name = f"{spec.attempt_id}.setup"
    if use.write and spec.trusted:
        return msgspec.structs.replace(spec, attempt_id=name, check=check)
    if not use.fill or spec.setup_tree is None:
        return None
    facts = {key: value for key, value in spec.facts.items() if key != "PORTCULLIS_HEAD_SHA"}
    return AttemptSpec(attempt_id=name, check=check, tree=spec.setup_tree, facts=facts, trusted=True)


def setup_failed(use: CacheUse, made: AttemptOutcome) -> AttemptOutcome | None:
    """How the check ends where `setup` did not succeed."""
    if made.ended is Ended.EXITED and made.exit_code == 0:
        return None
    if made.ended in {Ended.SETUP_ERROR, Ended.LOST, Ended.CANCELLED}:
        return made
    how = f"exit {made.exit_code}" if made.ended is Ended.EXITED else made.detail
    return not_set_up(use, f"setup failed: {how}", made.seconds)


def not_set_up(use: CacheUse, why: str, seconds: float = 0.0) -> AttemptOutcome:
    """A check cannot run without what `setup` makes. That is a failure of the change where it may make that
    itself, or changed what it is made of; else not its fault.
    """
    theirs = use.changed or bool(use.write)
    return AttemptOutcome(ended=Ended.REFUSED if theirs else Ended.SETUP_ERROR, detail=why, seconds=seconds)


def after_setup(spec: AttemptSpec, made: AttemptOutcome) -> AttemptSpec:
    """The check's own attempt: one timeout bounds both."""
    left = max(_LEAST_SECONDS, spec.check.timeout - made.seconds)
    return msgspec.structs.replace(spec, check=msgspec.structs.replace(spec.check, timeout=left))
