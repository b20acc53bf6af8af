# SPDX-License-Identifier: Apache-2.0
"""RUN by a Windows engine, over its API: the image goes up, a container runs the command, its commit comes back.

Any engine does: the embedded one, or Docker on a host that :mod:`...host` reaches.
"""

from __future__ import annotations

import base64
import codecs
import uuid
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from ...dockerapi import Client, faults
from ...dockerapi.streams import STDERR, Piece
from ...errors import RunError, ToolError, WcowError
from ...events import Event, Output, Warn
from ...fetch import Fetched
from ...images.copy import copy
from ...images.library import load
from ...images.put import put_image
from ...oci import Image, Location
from ...stores import DaemonStore, Store, copy_blob
from ..cache.cache import RunLayer
from ..plan.mounts import host_config
from ..plan.plan import Execute
from ..plan.secrets import Given, Secrets
from .blobs import Blobs
from .caches import private_caches, wait_for_caches
from .label import REPOSITORY
from .layers import added_layers, seen_by_command

if TYPE_CHECKING:
    from ...fetch.proxy.proxy import DownloadProxy, RunDownloads


class EngineRunner:
    """Runs commands in containers of an engine. ``connect`` is called when a RUN comes, with the version of the image's
    Windows (empty: any); new layers are put into ``local``. ``downloads`` is for the embedded engine: how its commands
    download, ``None``: as its network lets them.
    """

    def __init__(self, connect: Callable[[str], Client], local: Store, downloads: RunDownloads | None = None,
                 secrets: Secrets | None = None) -> None:
        self._connect, self._local, self._downloads = connect, local, downloads
        self._secrets = secrets or Secrets()
        self.fetched: tuple[Fetched, ...] | None = None

    def counts(self, step: Execute, fetched: tuple[Fetched, ...] | None) -> bool:
        """See :class:`~.runner.Runner`."""
        return self._downloads is None or step.network == "none" or self._downloads.has(fetched)

    def execute(self, image: Image, blobs: Blobs, step: Execute, name: str) -> Generator[Event, None, list[RunLayer]]:
        """See :class:`~.runner.Runner`."""
        given = self._secrets.given(step.secrets)
        client = self._connect(image.config.os_version)
        repository = f"{REPOSITORY}/{uuid.uuid4().hex}"
        sent, done = f"{repository}:before", f"{repository}:after"
        descriptor = put_image(self._local, seen_by_command(image))
        store = DaemonStore(client)
        try:
            for _event in copy(cast(Store, blobs), descriptor, store, tag=sent, name=sent, foreign=True, whole=False):
                pass
            shown = self._shown(cast(Store, blobs), store, step, repository)
            try:
                yield from self._run_seen(client, sent, done, step, name, given, shown)
            except faults.Fault as fault:
                raise ToolError("cannot run it", program="the engine", why=str(fault)) from fault
            found = load(store, Location.parse(f"docker-daemon:{done}"), store.resolve(done), done,
                         image.config.platform)
            return added_layers(image, found.image, lambda layer: copy_blob(store, self._local, layer))
        finally:
            for tag in (done, sent, *(f"{repository}:mount{number}" for number in range(len(step.mounts)))):
                with suppress(WcowError, faults.Fault):
                    client.call("DELETE", f"/images/{tag}").close()
            store.close()

    def _shown(self, blobs: Store, store: DaemonStore, step: Execute, repository: str) -> dict[str, str]:
        """Put the images of a RUN's binds there; their names by Windows path."""
        names = {}
        for number, mount in enumerate(step.mounts):
            if mount.image is None:
                continue
            names[mount.target] = tag = f"{repository}:mount{number}"
            descriptor = put_image(self._local, seen_by_command(mount.image))
            for _event in copy(blobs, descriptor, store, tag=tag, name=tag, foreign=True, whole=False):
                pass
        return names

    def _run_seen(self, client: Client, sent: str, done: str, step: Execute, name: str, given: Given,
                  shown: dict[str, str]) -> Generator[Event, None, None]:
        """Run a command by the proxy of downloads, where there is one."""
        self.fetched = None
        if self._downloads is None or step.network == "none":
            yield from self._run(client, sent, done, step, name, given, shown, None)
            return
        with self._downloads.serve() as proxy:
            failed: RunError | None = None
            try:
                yield from self._run(client, sent, done, step, name, given, shown, proxy)
            except RunError as error:
                failed = error
            self.fetched = proxy.fetched
            problems = proxy.problems
        for text in problems:
            yield Warn(text, code="download")
        if failed is not None:
            failed.why = failed.why or next(iter(problems), "")
            raise failed

    def _run(self, client: Client, sent: str, done: str, step: Execute, name: str, given: Given,
             shown: dict[str, str], proxy: DownloadProxy | None) -> Generator[Event, None, None]:
        # what is replayed is all there is: a program that asks no proxy reaches nothing
        replayed = proxy is not None and proxy.rules.mode == "replay"
        network = "none" if step.network == "none" or replayed else "default"
        body = {"Image": sent, "Cmd": list(step.words), "ArgsEscaped": step.escaped, "Env": list(step.variables),
                "HostConfig": {"NetworkMode": network, "LogConfig": {"Type": "none"},
                               **host_config(step.mounts, private_caches(client, step.mounts))}}
        made = client.json("POST", "/containers/create", body=body)["Id"]
        try:
            if proxy is not None:
                client.call("PUT", f"/wcow/containers/{made}/proxy",
                            body={"Socket": str(proxy.path), "Certificates": proxy.certificate.decode()}).close()
            if given:
                _give(client, made, given)
            if shown:
                _show(client, made, shown)
            wait_for_caches(client, made, step.mounts)
            with client.attach(f"/containers/{made}/attach",
                               query={"stream": True, "stdout": True, "stderr": True}) as said:
                client.call("POST", f"/containers/{made}/start").close()
                yield from _lines(said.pieces(), name, given)
            code = int(client.json("POST", f"/containers/{made}/wait")["StatusCode"]) & 0xFFFFFFFF
            if code:
                raise RunError(f"the command ended with {_shown(code)}", code=code)
            repository, _unused, tag = done.rpartition(":")
            client.json("POST", "/commit", query={"container": made, "repo": repository, "tag": tag}, body={})
        finally:
            # the build's own error counts; the embedded engine removes it at its next start, by its label
            with suppress(WcowError, faults.Fault):
                client.call("DELETE", f"/containers/{made}", query={"force": True, "v": True}).close()


def _give(client: Client, container: str, given: Given) -> None:
    """Give secrets to a container's programs. ToolError where the engine is not ours, which then hears none of them:
    any other would write them down."""
    files = {path: base64.b64encode(data).decode() for path, data in given.files.items()}
    try:
        for body in ({}, {"Files": files, "Environment": dict(given.variables)}):
            client.call("PUT", f"/wcow/containers/{container}/secrets", body=body).close()
    except faults.NotFound as error:
        raise ToolError("cannot give it secrets", program="the engine", hint="--run engine",
                        why="only wcow's own engine takes them: another one keeps what a container gets") from error


def _show(client: Client, container: str, shown: dict[str, str]) -> None:
    """Show a container folders of images. ToolError where the engine is not ours."""
    try:
        client.call("PUT", f"/wcow/containers/{container}/folders", body={"Images": shown}).close()
    except faults.NotFound as error:
        raise ToolError("cannot mount files into it", program="the engine", hint="--run engine, or COPY the files",
                        why="only wcow's own engine shows a container folders of images") from error


def _lines(pieces: Iterable[Piece], name: str, given: Given) -> Generator[Event, None, None]:
    """Whole lines of both streams, as they come, without secrets."""
    rest = {True: "", False: ""}
    decode = {kind: codecs.getincrementaldecoder("utf-8")("replace") for kind in rest}
    for piece in pieces:
        error = piece.stream == STDERR
        text = rest[error] + decode[error].decode(bytes(piece.data))
        whole, newline, rest[error] = text.rpartition("\n")
        if newline:
            yield Output(name, given.hide((whole + newline).replace("\r\n", "\n")), error)
    for error, text in rest.items():
        if text:
            yield Output(name, given.hide(text), error)


def _shown(code: int) -> str:
    return str(code) if code < 0x80000000 else f"0x{code:08X}"
