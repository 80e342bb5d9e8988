"""Composition root: settings and registries become the services of a running program.

Here, once, concrete things are named; everything else takes what it needs as an argument.
"""

from app.wiring.building import build
from app.wiring.configured import executor, toolbox
from app.wiring.credentials import Credentials
from app.wiring.program import Program

__all__ = ["Credentials", "Program", "build", "executor", "toolbox"]
