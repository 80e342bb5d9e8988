"""The start page: that it runs, whether it is set up, what to do next. Nothing private."""

from starlette.requests import Request
from starlette.responses import Response

from app.dashboard import frame
from app.dashboard.protocol import Surroundings

EXAMPLE = """\
version: 1
checks:
  lint: {use: ruff}
  test:
    use: pytest
    args: --cov=src --cov-branch
gate:
  - tests.new_failed == 0
  - coverage.new >= 80%
  - findings('high', 'new') == 0
"""


async def start(_request: Request, surroundings: Surroundings) -> Response:
    """`/`: a small start page."""
    state = await surroundings.setup.state()
    view = {
        "configured": state.configured,
        "example": EXAMPLE,
        "install_url": frame.web_address(state.install_url),
    }
    return frame.page("start.html", view)
