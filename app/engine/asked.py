"""What only some gates ask of the history and of both trees: looked up where a condition names it, so that
nobody else pays.
"""

import msgspec

from app.engine.configuration import touched_configuration
from app.executors import Workspaces
from app.language import used
from app.model import Comparison, Plan, Repository, RunFacts
from app.policy import expressions_of


async def with_asked(
    spaces: Workspaces, repository: Repository, plan: Plan, comparison: Comparison, facts: RunFacts
) -> RunFacts:
    """The facts with what the plan's conditions ask for: whether the change is a revert, and which files it
    touches that the configuration of a check names. Raises AuthorFault, Outage.
    """
    asked = [used(expression.text) for expression in expressions_of(plan)]
    reverts = any("pr.reverts" in one.names for one in asked) and bool(comparison.files)
    checks = frozenset[str]().union(*(one.configured for one in asked))
    return msgspec.structs.replace(
        facts,
        reverts=reverts and await spaces.undoes(repository, comparison.base_sha, comparison.tested_sha),
        configuring=(
            await touched_configuration(spaces, repository, plan, comparison, checks)
            if checks and comparison.files
            else {}
        ),
    )
