"""A plain FastAPI route that checks the signature, parses nothing and stores nothing; nothing of ours is
imported, so that its memory can be compared too. `python -m tests.bench.bare` serves it.
"""

import hashlib
import hmac
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from tests.support.edge_process import run

SECRET = "a secret of the webhook"


def good(headers: Any, body: bytes) -> bool:
    wanted = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, headers["x-hub-signature-256"])


def bare() -> ASGIApp:
    app = FastAPI()

    @app.post("/webhooks/github")
    async def hook(request: Request) -> Response:
        return Response(status_code=202 if good(request.headers, await request.body()) else 401)

    return app


if __name__ == "__main__":
    run(bare())
