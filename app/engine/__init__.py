"""The order of things, and surviving a crash: no rules of its own."""

from app.engine.clock import Clock, SystemClock
from app.engine.dispatch import EmbeddedDispatch
from app.engine.engine import Engine
from app.engine.judging import judgement_of
from app.engine.services import Options, PageLink, Services
from app.engine.vault import StoredApp, Vault

__all__ = [
    "Clock",
    "EmbeddedDispatch",
    "Engine",
    "Options",
    "PageLink",
    "Services",
    "StoredApp",
    "SystemClock",
    "Vault",
    "judgement_of",
]
