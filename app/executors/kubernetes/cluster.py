"""The cluster's API as attempts use it: Jobs, their pods, logs, programs run in a container."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from app.executors.kubernetes.pod import Metadata, Pod
from app.model import Misconfigured, Outage

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient, Configuration

_QUICK, _WATCH = 30.0, 240
_BLOCK = 1 << 16
_MOST_SAID = 2000
_FORBIDDEN, _NOT_FOUND, _CONFLICT, _EXPIRED = 403, 404, 409, 410
_UNAUTHORIZED = 401
_STDIN, _STDOUT, _STDERR, _STATUS = 0, 1, 2, 3
RIGHTS_HINT: Final = "apply deploy/kubernetes-jobs: its Role holds the rights that are needed"
_CONFIG_HINT = "set PORTCULLIS_KUBERNETES_CONFIG, or run in a pod with a service account's token"


class NotThereError(Exception):
    """The object that was asked for does not exist."""


class _Said(msgspec.Struct, frozen=True):
    message: str = ""
    reason: str = ""


class _Cause(msgspec.Struct, frozen=True):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct, frozen=True):
    causes: tuple[_Cause, ...] | None = None


class _Exit(msgspec.Struct, frozen=True):
    status: str = ""
    message: str = ""
    details: _Details | None = None


class _Listed(msgspec.Struct, frozen=True):
    metadata: Metadata
    items: tuple[Pod, ...] = ()


class _Event(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How a program in a container ended, and what it complained of."""

    code: int
    said: str = ""


class Cluster:
    """A connection. Every call raises Outage for what may pass, Misconfigured where rights are missing."""

    def __init__(self, configuration: "Configuration", namespace: str) -> None:
        # Here, as this takes a second and only those need it who run checks in a cluster.
        from kubernetes_asyncio import client  # noqa: PLC0415
        from kubernetes_asyncio.stream import WsApiClient  # noqa: PLC0415

        self.namespace = namespace
        self.address = str(urlsplit(configuration.host).netloc)
        self._plain: ApiClient = client.ApiClient(configuration)
        self._sockets: ApiClient = WsApiClient(configuration)
        self._core = client.CoreV1Api(self._plain)
        self._streams: Any = client.CoreV1Api(self._sockets)  # its types know neither sockets nor argv
        self._jobs = client.BatchV1Api(self._plain)
        self._network = client.NetworkingV1Api(self._plain)
        self._reviews = client.AuthorizationV1Api(self._plain)

    async def close(self) -> None:
        """End its connections."""
        await self._plain.close()
        await self._sockets.close()

    async def create_job(self, job: Mapping[str, Any]) -> str:
        """Make a Job; one of the same name is removed before, with its pod. Gives its uid."""
        try:
            told = await self._ask(self._jobs.create_namespaced_job, self.namespace, dict(job))
        except FileExistsError:
            await self.remove_job(job["metadata"]["name"])
            try:
                told = await self._ask(self._jobs.create_namespaced_job, self.namespace, dict(job))
            except FileExistsError:
                raise Outage(f"the job {job['metadata']['name']} is still being removed") from None
        return msgspec.json.decode(told, type=Pod).metadata.uid

    async def remove_job(self, name: str, uid: str = "", seconds: float = 90.0) -> bool:
        """Kill and remove a Job and its pods, but none of its name that has another uid; returns when the
        node has ended them (Outage where it does not, within `seconds`). Gives whether there was one.
        """
        pods = of_job(name, uid)
        await self._ask(
            self._core.delete_collection_namespaced_pod,
            self.namespace,
            label_selector=pods,
            grace_period_seconds=1,
        )
        there = True
        try:
            options = {"propagationPolicy": "Background", "preconditions": {"uid": uid} if uid else {}}
            await self._ask(self._jobs.delete_namespaced_job, name, self.namespace, body=options)
        except (NotThereError, FileExistsError):
            there = False
        try:
            async with asyncio.timeout(seconds), contextlib.aclosing(self.pods(pods)) as seen:
                async for pod in seen:
                    if pod is None:
                        break
        except TimeoutError:
            raise Outage(f"the pod of job {name} does not end: its node does not answer") from None
        return there

    async def jobs(self, selector: str) -> list[str]:
        """The names of the Jobs with these labels."""
        told = await self._ask(self._jobs.list_namespaced_job, self.namespace, label_selector=selector)
        return [pod.metadata.name for pod in msgspec.json.decode(told, type=_Listed).items]

    async def pods(self, selector: str) -> AsyncGenerator[Pod | None, None]:
        """The pod with these labels as it is, then each time that it changes; None where there is none, or
        none any more. Never ends.
        """
        while True:
            told = await self._ask(self._core.list_namespaced_pod, self.namespace, label_selector=selector)
            listed = msgspec.json.decode(told, type=_Listed)
            yield listed.items[0] if listed.items else None
            async for pod in self._changes(selector, listed.metadata.resource_version):
                yield pod

    async def _changes(self, selector: str, since: str) -> AsyncGenerator[Pod | None, None]:
        """What changes since a version, until the server ends the watch."""
        answer = await self._stream(
            self._core.list_namespaced_pod,
            self.namespace,
            label_selector=selector,
            resource_version=since,
            watch=True,
            timeout_seconds=_WATCH,
        )
        try:
            async for line in answer.content:
                event = msgspec.json.decode(line, type=_Event)
                if event.type == "ERROR":
                    return  # the version is too old: looked up anew
                if event.type == "DELETED":
                    yield None
                elif event.type in {"ADDED", "MODIFIED"}:
                    yield msgspec.json.decode(event.object, type=Pod)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError):
            return  # broken off: looked up anew
        finally:
            answer.close()

    async def log(self, pod: str, container: str) -> AsyncGenerator[bytes, None]:
        """A container's output from its start, each line behind its time, until one of its ends."""
        answer = await self._stream(
            self._core.read_namespaced_pod_log,
            pod,
            self.namespace,
            container=container,
            follow=True,
            timestamps=True,
        )
        try:
            async for block in answer.content.iter_any():
                yield block
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Outage(f"the log of {pod}/{container} broke off: {error}") from error
        finally:
            answer.close()

    async def execute(
        self,
        pod: str,
        container: str,
        command: list[str],
        *,
        given: BinaryIO | None = None,
        take: Callable[[bytes], None] | None = None,
        seconds: float = _QUICK,
    ) -> Done:
        """Run a program in a container: `given` is its input, `take` gets its output."""
        try:
            async with asyncio.timeout(seconds):
                opening = await self._streams.connect_get_namespaced_pod_exec(
                    pod,
                    self.namespace,
                    container=container,
                    command=command,
                    stdin=given is not None,
                    stdout=True,
                    stderr=True,
                    _preload_content=False,
                )
                async with opening as socket:
                    return await _talk(socket, given, take)
        except TimeoutError:
            raise Outage(f"{command[0]} in {pod}/{container} did not end in {seconds:g} s") from None
        except aiohttp.WSServerHandshakeError as error:
            _refuse(error.status, f"running a program in {pod}/{container}: {error.message}")
            raise Outage(f"running a program in {pod}/{container}: {error.message}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Outage(f"the connection to {pod}/{container} broke: {error}") from error

    async def put_policy(self, policy: Mapping[str, Any]) -> None:
        """Make a NetworkPolicy as it is described, or change it to that."""
        name = policy["metadata"]["name"]
        try:
            await self._ask(self._network.create_namespaced_network_policy, self.namespace, dict(policy))
        except FileExistsError:
            await self._ask(
                self._network.patch_namespaced_network_policy, name, self.namespace, {"spec": policy["spec"]}
            )

    async def may(self, verb: str, group: str, resource: str) -> bool:
        """Whether we have a right in the namespace; `resource` may name a part: `pods/exec`."""
        whole, _, part = resource.partition("/")
        asked = {"namespace": self.namespace, "verb": verb, "group": group, "resource": whole}
        review = {"spec": {"resourceAttributes": {**asked, "subresource": part}}}
        told = await self._ask(self._reviews.create_self_subject_access_review, review)
        return bool(msgspec.json.decode(told)["status"].get("allowed"))

    async def _ask(self, call: Callable[..., Awaitable[Any]], *arguments: Any, **more: Any) -> bytes:  # noqa: ANN401 - the API's own
        """An answer's content."""
        try:
            async with asyncio.timeout(_QUICK):
                answer = await self._stream(call, *arguments, **more)
                try:
                    return bytes(await answer.read())
                finally:
                    answer.release()
        except TimeoutError:
            raise Outage(f"the cluster did not answer in {_QUICK:g} s") from None
        except aiohttp.ClientError as error:
            raise Outage(f"the cluster does not answer: {error}") from error

    async def _stream(
        self,
        call: Callable[..., Awaitable[Any]],
        *arguments: Any,  # noqa: ANN401 - the API's own
        **more: Any,  # noqa: ANN401
    ) -> aiohttp.ClientResponse:
        """An answer that is read as it comes."""
        try:
            answer: aiohttp.ClientResponse = await call(*arguments, _preload_content=False, **more)
        except (aiohttp.ClientError, OSError) as error:
            raise Outage(f"the cluster does not answer: {error}") from error
        if answer.status < 300:  # noqa: PLR2004 - success
            return answer
        body = await answer.read()
        answer.release()
        try:
            said = msgspec.json.decode(body, type=_Said)
        except msgspec.MsgspecError:
            said = _Said(message=body[:_MOST_SAID].decode("utf-8", "replace"))
        _refuse(answer.status, said.message)
        raise Outage(f"the cluster refuses ({answer.status} {said.reason}): {said.message[:_MOST_SAID]}")


def of_job(name: str, uid: str = "") -> str:
    """What selects the pods of a Job, or of all that had its name."""
    return f"batch.kubernetes.io/controller-uid={uid}" if uid else f"batch.kubernetes.io/job-name={name}"


@contextlib.asynccontextmanager
async def connected(config: Path | None, namespace: str) -> AsyncIterator[Cluster]:
    """A connection by a kubeconfig, or as the pod we run in (None). Raises Misconfigured."""
    from kubernetes_asyncio import client  # noqa: PLC0415 - see Cluster
    from kubernetes_asyncio import config as configs  # noqa: PLC0415

    settings = client.Configuration()
    try:
        if config is None:
            configs.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
        else:
            await configs.load_kube_config(config_file=str(config), client_configuration=settings)
    except (configs.ConfigException, OSError, ValueError) as error:
        raise Misconfigured(f"there is no way to the cluster: {error}", hint=_CONFIG_HINT) from error
    cluster = Cluster(settings, namespace)
    try:
        yield cluster
    finally:
        await cluster.close()


def _refuse(status: int, said: str) -> None:
    """Raises what a refusal means, where it is not simply that the cluster is in trouble."""
    if status == _NOT_FOUND:
        raise NotThereError(said)
    if status == _CONFLICT:
        raise FileExistsError(said)
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        raise Misconfigured(f"the cluster does not let us: {said[:_MOST_SAID]}", hint=RIGHTS_HINT)


async def _talk(
    socket: aiohttp.ClientWebSocketResponse, given: BinaryIO | None, take: Callable[[bytes], None] | None
) -> Done:
    """Both directions of a program's talk (channels by `v4.channel.k8s.io`) until its end is told."""
    said = b""
    sending = asyncio.create_task(_send(socket, given))
    try:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                continue
            channel, data = message.data[0], message.data[1:]
            if channel == _STDOUT and take is not None:
                take(data)
            elif channel == _STDERR:
                said = (said + data)[-_MOST_SAID:]
            elif channel == _STATUS:
                return Done(code=_exit_code(data), said=said.decode("utf-8", "replace").strip())
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError, OSError):
            await sending
    raise Outage("the connection to the pod broke off before the program's end was told")


async def _send(socket: aiohttp.ClientWebSocketResponse, given: BinaryIO | None) -> None:
    while given is not None and (block := await asyncio.to_thread(given.read, _BLOCK)):
        await socket.send_bytes(bytes([_STDIN]) + block)


def _exit_code(data: bytes) -> int:
    """The exit code that a status tells. Raises Outage where the program did not run."""
    try:
        told = msgspec.json.decode(data, type=_Exit)
    except msgspec.MsgspecError as error:
        raise Outage("the cluster tells a program's end in words that we do not understand") from error
    if told.status == "Success":
        return 0
    for cause in (told.details.causes or ()) if told.details else ():
        if cause.reason == "ExitCode" and cause.message.isdigit():
            return int(cause.message)
    raise Outage(f"a program could not be run in the pod: {told.message[:_MOST_SAID]}")
