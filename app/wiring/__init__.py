"""Composition root: settings and registries become the services of a running program.

Here, once, concrete things are named; everything else takes what it needs as an argument.
"""

from app.wiring.building import build
from app.wiring.configured import executor, toolbox
from app.wiring.connections import Connections, Door, clone_hosts
from app.wiring.program import Program

__all__ = ["Connections", "Door", "Program", "build", "clone_hosts", "executor", "toolbox"]
