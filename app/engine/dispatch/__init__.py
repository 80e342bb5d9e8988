"""The dispatch port and its two entries: one process, or a fleet."""

from app.engine.dispatch.embedded import EmbeddedDispatch
from app.engine.dispatch.fleet import FleetDispatch
from app.engine.dispatch.protocol import Dispatch, Handler

__all__ = ["Dispatch", "EmbeddedDispatch", "FleetDispatch", "Handler"]
