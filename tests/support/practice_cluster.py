"""A small Kubernetes: as much of its API as checks need, with pods that podman runs on this machine.

Everything that is made is held against Kubernetes' own description of it. What differs from a real cluster: one
node that takes every pod, no controllers but that of Jobs, no rights, network policies that are only kept
(pods have no network at all), images without programs, which are this machine's.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
from aiohttp import WSMsgType, web

from tests.support.containers import Engine
from tests.support.practice_node import Node

_VERSION = "1.33"
_JOBS = "/apis/batch/v1/namespaces/{namespace}/jobs"
_PODS = "/api/v1/namespaces/{namespace}/pods"
_POLICIES = "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"


class PracticeCluster:
    """Its objects by name, and who waits for a change of them."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, dict[str, Any]] = {}
        self.logs_to_break = 0
        self._version = 0
        self._events: list[tuple[int, str, dict[str, Any]]] = []
        self._changed = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}

    def application(self) -> web.Application:
        """What answers requests."""
        app = web.Application()
        app.router.add_post(_JOBS, self.make_job)
        app.router.add_get(_JOBS, self.list_jobs)
        app.router.add_delete(f"{_JOBS}/{{name}}", self.remove_job)
        app.router.add_get(_PODS, self.list_pods)
        app.router.add_delete(_PODS, self.remove_pods)
        app.router.add_get(f"{_PODS}/{{name}}/log", self.log)
        app.router.add_get(f"{_PODS}/{{name}}/exec", self.execute)
        app.router.add_post(_POLICIES, self.make_policy)
        app.router.add_patch(f"{_POLICIES}/{{name}}", self.change_policy)
        app.router.add_post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", self.review)
        return app

    def tell(self, kind: str, pod: dict[str, Any]) -> None:
        """Something about a pod changed."""
        self._version += 1
        pod["metadata"]["resourceVersion"] = str(self._version)
        self._events.append((self._version, kind, json.loads(json.dumps(pod))))
        self._changed.set()
        self._changed = asyncio.Event()

    async def make_job(self, request: web.Request) -> web.Response:
        job = await _valid(request)
        name = job["metadata"]["name"]
        if name in self.jobs:
            return _refused(409, "AlreadyExists", f'jobs.batch "{name}" already exists')
        self._version += 1
        uid = job["metadata"]["uid"] = f"uid-{self._version}"
        self.jobs[name] = job
        ours = {"batch.kubernetes.io/job-name": name, "batch.kubernetes.io/controller-uid": uid}
        of_pod = f"{name}-{self._version}"
        pod = {
            "metadata": {"name": of_pod, "labels": {**job["spec"]["template"]["metadata"]["labels"], **ours}},
            "spec": job["spec"]["template"]["spec"],
            "status": {"phase": "Pending"},
        }
        self.pods[of_pod] = pod
        self.tell("ADDED", pod)
        self._running[of_pod] = asyncio.create_task(self.node.run(pod, lambda: self.tell("MODIFIED", pod)))
        return web.json_response(job, status=201)

    async def list_jobs(self, request: web.Request) -> web.Response:
        return _listed(self._version, _selected(request, self.jobs))

    async def remove_job(self, request: web.Request) -> web.Response:
        name, options = request.match_info["name"], await request.json()
        if name not in self.jobs:
            return _refused(404, "NotFound", f'jobs.batch "{name}" not found')
        wanted = options["preconditions"].get("uid", self.jobs[name]["metadata"]["uid"])
        if self.jobs[name]["metadata"]["uid"] != wanted:
            return _refused(409, "Conflict", f"the UID in the precondition ({wanted}) is another's")
        del self.jobs[name]
        return web.json_response({"status": "Success"})

    async def list_pods(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") != "True":
            return _listed(self._version, _selected(request, self.pods))
        answer = web.StreamResponse()
        await answer.prepare(request)
        seen = int(request.query["resourceVersion"])
        with contextlib.suppress(ConnectionError):  # it goes when it has seen enough
            while True:
                waiting = self._changed
                for version, kind, pod in self._events:
                    if version > seen and _matches(request, pod):
                        await answer.write(json.dumps({"type": kind, "object": pod}).encode() + b"\n")
                    seen = max(seen, version)
                await waiting.wait()
        return answer

    async def remove_pods(self, request: web.Request) -> web.Response:
        for pod in _selected(request, self.pods):
            await self.remove_pod(pod["metadata"]["name"])
        return web.json_response({"status": "Success"})

    async def remove_pod(self, name: str) -> None:
        """Kill what runs of it; then it is gone."""
        running = self._running.pop(name, None)
        if running is None:
            return
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await self.node.remove(self.pods[name])
        self.tell("DELETED", self.pods.pop(name))

    async def log(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        assert request.query["follow"] == request.query["timestamps"] == "True"
        given = 0
        async for block in self.node.log(self.pods[request.match_info["name"]], request.query["container"]):
            await answer.write(block)
            given += 1
            if self.logs_to_break and given > 1:
                self.logs_to_break -= 1
                assert request.transport is not None
                request.transport.close()
                break
        return answer

    async def execute(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["v4.channel.k8s.io"])
        await socket.prepare(request)
        pod, query = self.pods[request.match_info["name"]], request.query
        process = await self.node.execute(pod, query["container"], query.getall("command"))
        async with asyncio.TaskGroup() as talking:
            talking.create_task(_channel(socket, 1, process.stdout))
            talking.create_task(_channel(socket, 2, process.stderr))
            giving = talking.create_task(_give(socket, process))
            code = await process.wait()
            giving.cancel()
        told: dict[str, Any] = {"status": "Success"}
        if code:
            causes = [{"reason": "ExitCode", "message": str(code)}]
            told = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}
        await socket.send_bytes(b"\x03" + json.dumps(told).encode())
        await socket.close()
        return socket

    async def make_policy(self, request: web.Request) -> web.Response:
        policy = await _valid(request)
        name = policy["metadata"]["name"]
        if name in self.policies:
            return _refused(409, "AlreadyExists", name)
        self.policies[name] = policy
        return web.json_response(policy, status=201)

    async def change_policy(self, request: web.Request) -> web.Response:
        policy = self.policies[request.match_info["name"]]
        policy |= await request.json()
        kubernetes_validate.validate(policy, _VERSION, strict=True)
        return web.json_response(policy)

    async def review(self, request: web.Request) -> web.Response:
        return web.json_response({**await request.json(), "status": {"allowed": True}}, status=201)


async def _valid(request: web.Request) -> dict[str, Any]:
    """What is to be made, if Kubernetes would know all of it."""
    told: dict[str, Any] = await request.json()
    kubernetes_validate.validate(told, _VERSION, strict=True)
    return told


def _matches(request: web.Request, found: dict[str, Any]) -> bool:
    key, _, value = request.query["labelSelector"].partition("=")
    return bool(found["metadata"]["labels"].get(key) == value)


def _selected(request: web.Request, objects: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for found in objects.values() if _matches(request, found)]


def _listed(version: int, items: list[dict[str, Any]]) -> web.Response:
    return web.json_response({"metadata": {"resourceVersion": str(version)}, "items": items})


def _refused(status: int, reason: str, message: str) -> web.Response:
    told = {"status": "Failure", "reason": reason, "message": message, "code": status}
    return web.json_response(told, status=status)


async def _channel(socket: web.WebSocketResponse, number: int, stream: asyncio.StreamReader | None) -> None:
    while stream is not None and (block := await stream.read(1 << 15)):
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(bytes([number]) + block)


async def _give(socket: web.WebSocketResponse, process: asyncio.subprocess.Process) -> None:
    async for message in socket:
        if message.type is WSMsgType.BINARY and message.data[:1] == b"\0" and process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(message.data[1:])
                await process.stdin.drain()


@contextlib.contextmanager
def practice_cluster(engine: Engine, place: Path) -> Iterator[tuple[PracticeCluster, str]]:
    """Run it in a thread; gives it and its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="practice cluster")
    thread.start()

    def done(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(120)

    made: PracticeCluster = done(_made(engine, place))
    runner = web.AppRunner(made.application(), shutdown_timeout=1)
    try:
        yield made, done(_serve(runner))
    finally:
        done(_end(made, runner))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _made(engine: Engine, place: Path) -> PracticeCluster:
    return PracticeCluster(Node(engine, place))


async def _serve(runner: web.AppRunner) -> str:
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


async def _end(made: PracticeCluster, runner: web.AppRunner) -> None:
    for name in list(made.pods):
        await made.remove_pod(name)
    await runner.cleanup()
