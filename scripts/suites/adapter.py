# SPDX-License-Identifier: Apache-2.0
"""What stands between a suite written for a Linux engine and a Windows engine, as a pytest plugin (``-p adapter``).

It changes nothing that a test says. It leaves out tests that ``left_out.toml`` names, with the reason; and in what
docker-py and aiodocker send and get it exchanges the words that differ: a path ``/data`` of a container is
``C:\\data``, the network and driver ``bridge`` is ``nat``, and a bind mount has the propagation ``rprivate``, which
Windows has not. A registry that a test starts is published on a port that the engine may ask.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import socket
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SUITE = os.environ.get("WCOW_SUITE", "")
REGISTRY_PORTS = os.environ.get("WCOW_SUITE_PORTS", "").split(",")
ACCOUNT = os.environ.get("WCOW_SUITE_ACCOUNT", "")
LEFT_OUT = "left out: "
REFUSED = "refused here"
"""So begins the reason of a test that applies and asks for what the engine refuses, as its documents say."""


def pytest_configure(config: pytest.Config) -> None:
    """Put the exchange of words under the clients."""
    _open_folders()
    _under_docker_py()
    _under_aiodocker()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what does not apply, with its reason; a pattern that fits no test is an error."""
    rows = tomllib.loads((HERE / "left_out.toml").read_text("utf-8")).get(SUITE, [])
    for row in rows:
        if ACCOUNT not in row.get("accounts", [ACCOUNT]):
            continue
        for pattern in row["tests"]:
            found = [item for item in items if fnmatch.fnmatchcase(_id(item), _literal(pattern))]
            if not found and not os.environ.get("WCOW_SUITES_PART"):
                raise pytest.UsageError(f"left_out.toml: {pattern} fits no test of {SUITE}")
            for item in found:
                item.add_marker(pytest.mark.skip(reason=LEFT_OUT + row["reason"]))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keep testcontainers' reaper off (a Linux image), also after a test that reads the settings anew."""
    config = sys.modules.get("testcontainers.core.config")
    if config is not None:
        config.testcontainers_config.ryuk_disabled = True


def _id(item: pytest.Item) -> str:
    """``file.py::Class::test``, without the folders before."""
    return re.sub(r"^[^:]*/", "", item.nodeid.replace("::()", ""))


def _literal(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def _open_folders() -> None:
    """Temporary folders that containers may write: root's engine runs them as another account."""
    make = tempfile.mkdtemp

    def opened(*args: Any, **kwargs: Any) -> str:
        path = make(*args, **kwargs)
        Path(path).chmod(0o777)
        return path

    tempfile.mkdtemp = opened


# --- words ------------------------------------------------------------------------------------------------------------

def to_windows(path: str) -> str:
    """A container's path as Windows has it."""
    return "C:" + path.replace("/", "\\") if path.startswith("/") else path


def to_linux(path: str) -> str:
    """A container's path as the test wrote it."""
    return path[2:].replace("\\", "/") if re.match(r"(?i)c:\\", path) else path


def _bind(text: str) -> str:
    """``SOURCE:/target:mode`` with the target of Windows, and no words of Linux's mount propagation."""
    source, colon, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    words = [word for word in mode.split(",") if word and word not in PROPAGATIONS]
    return f"{source}:{to_windows(target)}" + (f":{','.join(words)}" if words else "") if colon else text


HIDDEN = ("find", "ping")
"""Programs of the images that Windows would look for in ``System32`` first, and find its own."""
PROPAGATIONS = ("rprivate", "private", "rshared", "shared", "rslave", "slave")


def asked(path: str, body: Any) -> Any:
    """The body of a request, in words of a Windows engine."""
    if not isinstance(body, dict):
        return body
    command = body.get("Cmd")
    if command and not isinstance(command, str) and command[0] in HIDDEN:
        body["Cmd"] = [f"C:\\bin\\{command[0]}.exe", *command[1:]]
    if path.endswith("/containers/create"):
        host = body.get("HostConfig") or {}
        if host.get("Binds"):
            host["Binds"] = [_bind(one) for one in host["Binds"]]
        for mount in host.get("Mounts") or []:
            mount["Target"] = to_windows(mount["Target"])
        if body.get("Volumes"):
            body["Volumes"] = {to_windows(one): value for one, value in body["Volumes"].items()}
        if str(body.get("Image", "")).startswith("registry:"):
            _publish_registry(host)
        if host.get("NetworkMode") == "bridge":
            host["NetworkMode"] = "nat"
        ends = (body.get("NetworkingConfig") or {}).get("EndpointsConfig")
        if ends and "bridge" in ends:
            ends["nat"] = ends.pop("bridge")
    if path.endswith("/networks/create") and body.get("Driver") == "bridge":
        body["Driver"] = "nat"
    return body


def _publish_registry(host: dict[str, Any]) -> None:
    """Publish a registry on a port that the engine, which asks nobody on the internet, was told of as a mirror."""
    for bindings in (host.get("PortBindings") or {}).values():
        for binding in bindings or ():
            if not binding.get("HostPort"):
                binding["HostPort"] = next(port for port in REGISTRY_PORTS if _free(int(port)))


def _free(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def answered(path: str, body: Any) -> Any:
    """The body of an answer, in words of a Linux engine."""
    if re.search(r"/containers/[^/]+/json$", path) and isinstance(body, dict):
        for mount in body.get("Mounts") or []:
            mount["Destination"] = to_linux(mount["Destination"])
            if mount.get("Type") == "bind":
                mount["Propagation"] = mount.get("Propagation") or "rprivate"
        networks = (body.get("NetworkSettings") or {}).get("Networks") or {}
        if "nat" in networks:
            networks["bridge"] = networks.pop("nat")
    if re.search(r"/networks/[^/]+$", path) and isinstance(body, dict) and body.get("Driver") == "nat":
        body["Driver"] = "bridge"
        body["IPAM"]["Driver"] = body["IPAM"]["Driver"].replace("windows", "default")
    return body


# --- clients ----------------------------------------------------------------------------------------------------------

def _path(url: str) -> str:
    return url.partition("?")[0]


def _under_docker_py() -> None:
    try:
        from docker.api.client import APIClient
    except ImportError:
        return
    post, result = APIClient._post_json, APIClient._result

    def _post_json(self: Any, url: str, data: Any, **kwargs: Any) -> Any:
        return post(self, url, asked(_path(url), data), **kwargs)

    def _result(self: Any, response: Any, json: bool = False, binary: bool = False) -> Any:
        got = result(self, response, json, binary)
        return answered(_path(response.url), got) if json else got

    APIClient._post_json, APIClient._result = _post_json, _result
    _slow_logs(APIClient)


def _slow_logs(client: Any) -> None:
    """Some tests ask for the logs in the moment after a start, in which Linux's programs have ended already: such a
    question waits for the program's end, but no longer than two seconds."""
    start, logs, begun = client.start, client.logs, {}

    def _start(self: Any, container: Any, *args: Any, **kwargs: Any) -> Any:
        done = start(self, container, *args, **kwargs)
        begun[_name(container)] = time.monotonic()
        return done

    def _logs(self: Any, container: Any, *args: Any, **kwargs: Any) -> Any:
        end = begun.pop(_name(container), 0) + 2
        while (not kwargs.get("stream") and not kwargs.get("follow") and time.monotonic() < end
               and self.inspect_container(container)["State"]["Running"]):
            time.sleep(0.05)
        return logs(self, container, *args, **kwargs)

    client.start, client.logs = _start, _logs


def _name(container: Any) -> str:
    return container["Id"] if isinstance(container, dict) else str(container)


def _under_aiodocker() -> None:
    try:
        from aiodocker.docker import Docker
    except ImportError:
        return
    query = Docker._query_json

    async def _query_json(self: Any, path: str, method: str = "GET", *, data: Any = None, **kwargs: Any) -> Any:
        text = isinstance(data, str)
        body = asked(f"/{path}", json.loads(data) if text else data)
        return answered(f"/{path}", await query(self, path, method, data=json.dumps(body) if text else body, **kwargs))

    Docker._query_json = _query_json
