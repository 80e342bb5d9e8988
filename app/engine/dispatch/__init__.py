"""The dispatch port and its embedded entry."""

from app.engine.dispatch.embedded import EmbeddedDispatch
from app.engine.dispatch.protocol import Dispatch, Handler

__all__ = ["Dispatch", "EmbeddedDispatch", "Handler"]
