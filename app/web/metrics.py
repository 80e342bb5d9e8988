"""`/metrics` in the text format of Prometheus: the figures of the whole service, whichever process is asked.

They are read from the database at each scrape, so that one process speaks for all and none keeps counters
that die with it. Only the operator's token opens it. Asking from loopback does not: a reverse proxy on the
same host asks from there too, on behalf of anybody.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final

import msgspec
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from app.forges import Rate
from app.store import figures, spendings

_PREFIX: Final = "portcullis_"


class Scrape(msgspec.Struct, frozen=True, kw_only=True):
    """All that is shown, as of `now` (epoch seconds). `spent` are the running hour's calls; `rates` what a
    forge last told of its limits, by (forge, installation).
    """

    now: float
    figures: figures.Figures
    spent: tuple[spendings.Spent, ...] = ()
    rates: Mapping[tuple[str, int], Rate] = {}


Scraper = Callable[[], Awaitable[Scrape]]


def metrics_routes(scrape: Scraper, token: str) -> APIRouter:
    """The route; with an empty token it is not there."""
    router = APIRouter()
    if not token:
        return router

    @router.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            return Response("the operator's token is needed\n", 401, {"www-authenticate": "Bearer"})
        return Response(rendered(await scrape()), media_type=CONTENT_TYPE_LATEST)

    return router


def rendered(scrape: Scrape) -> bytes:
    """The figures as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Shown(scrape))
    return generate_latest(registry)


class _Shown(Collector):
    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape

    def collect(self) -> Iterator[Metric]:
        """All metrics, in a fixed order."""
        found = self._scrape.figures
        yield _by("deliveries", "Deliveries on record, by what became of them", "status", found.deliveries)
        yield _by("attempts", "Attempts of checks that are queued or run", "status", found.attempts)
        yield _by("verdicts", "Changes that are judged now, by their verdict", "state", found.verdicts)
        yield _by("troubles", "What the operator should mend, by kind", "kind", found.troubles)
        yield from self._lines()
        yield from self._forges()

    def _lines(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(f"{_PREFIX}waiting", "How many wait for their turn", labels=["line"])
        longest = GaugeMetricFamily(
            f"{_PREFIX}waiting_longest_seconds",
            "How long the one that waits longest has waited",
            labels=["line"],
        )
        found = self._scrape.figures
        lines = {
            "deliveries": found.unread,
            "attempts": found.queued,
            "publications": found.publications,
            "comments": found.comments,
        }
        for name, line in lines.items():
            waiting.add_metric([name], line.count)
            longest.add_metric([name], 0.0 if line.since is None else max(0.0, self._scrape.now - line.since))
        yield waiting
        yield longest

    def _forges(self) -> Iterator[Metric]:
        calls = GaugeMetricFamily(
            f"{_PREFIX}forge_calls_this_hour",
            "Requests to the forge since the hour began, by installation (0 = the app) and purpose",
            labels=["forge", "installation", "purpose"],
        )
        for spent in self._scrape.spent:
            calls.add_metric([spent.forge, str(spent.installation_id), spent.purpose], spent.calls)
        yield calls
        by = ["forge", "installation"]
        limit = GaugeMetricFamily(
            f"{_PREFIX}forge_limit", "Requests that the forge allows an hour", labels=by
        )
        left = GaugeMetricFamily(f"{_PREFIX}forge_limit_left", "Requests that it said are left", labels=by)
        reset = GaugeMetricFamily(
            f"{_PREFIX}forge_limit_reset_seconds", "When they are counted anew (epoch seconds)", labels=by
        )
        for (forge, installation), rate in sorted(self._scrape.rates.items()):
            who = [forge, str(installation)]
            limit.add_metric(who, rate.limit)
            left.add_metric(who, rate.remaining)
            reset.add_metric(who, rate.reset)
        yield from (limit, left, reset)


def _by(name: str, about: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(f"{_PREFIX}{name}", about, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family
