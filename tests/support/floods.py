# SPDX-License-Identifier: Apache-2.0
"""Requests that ask much of who reads them: long, deep, wide, in small pieces, or without an end. And a watch on the
other clients of the engine, who must not notice them."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import rawtar

HELD_UP = 2.0
"""Seconds. Of the requests here one held up the others for twelve, one for minutes, before they were bounded; on a
machine with other work a turn of a thread may well take some tenths."""
PING = b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = 1 << 20
"""The longest body of JSON that is read."""
ZEROS = bytes(1 << 20)


def request(line: str, body: bytes = b"", *, kind: str = "application/json", length: bool = True, **headers: str
            ) -> bytes:
    """A request as it goes over the wire."""
    named = {"Host": "x", "Content-Type": kind, **({"Content-Length": str(len(body))} if length else {}),
             **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{line} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def create(image: str, **asked: Any) -> bytes:
    """A create request, its body as long as it may be: a function of a number makes each value of a list or map."""
    document = {"Image": image, "Cmd": ["cmd", "/c", "exit"], **asked}
    return request("POST /containers/create", json.dumps(document, separators=(",", ":")).encode())


def filters(**wanted: list[str]) -> str:
    """As they stand in a query."""
    return "filters=" + quote(json.dumps(wanted, separators=(",", ":")), safe="{}[]:,*.()|")


def floods(image: str) -> dict[str, Callable[[], bytes]]:
    """By what each does. ``image`` exists."""

    def many(count: int, make: str = "n{}") -> list[str]:
        return [make.format(number) for number in range(count)]

    def host(**asked: Any) -> bytes:
        return create(image, HostConfig=asked)

    found: dict[str, Callable[[], bytes]] = {
        "lists in lists": lambda: request("POST /containers/create", b"[" * BODY),
        "objects in objects": lambda: request("POST /containers/create", b'{"a":' * (BODY // 5)),
        "a body too long": lambda: request("POST /volumes/create", b'"' + b"x" * (8 << 20) + b'"'),
        "a body too long in pieces": lambda: request(
            "POST /volumes/create", b"100000\r\n" + b"x" * 0x100000 + b"\r\n100000\r\n" + b"x" * 0x100000,
            length=False, Transfer_Encoding="chunked"),
        "many keys": lambda: request("POST /containers/create", json.dumps(dict.fromkeys(many(80_000), 1)).encode()),
        "many small objects": lambda: request("POST /containers/create",
                                              b'{"X":[' + b",".join([b"{}"] * 340_000) + b"]}"),
        "many halves of characters": lambda: request("POST /containers/create",
                                                     b'{"X":"' + b"\\ud800" * 170_000 + b'"}'),
        "a number of a million digits": lambda: request("POST /containers/create",
                                                        b'{"StopTimeout":' + b"9" * 1_000_000 + b"}"),
        "a long command": lambda: create(image, Cmd=["a"] * 200_000),
        "a command of quotes": lambda: create(image, Cmd=['"' * 500_000]),
        "many variables": lambda: create(image, Env=many(80_000, "v{}=x")),
        "many labels": lambda: create(image, Labels=dict.fromkeys(many(80_000), "")),
        "many ports": lambda: create(image, ExposedPorts={one: {} for one in many(65_000, "{}/tcp")}),
        "many volumes": lambda: create(image, Volumes={one: {} for one in many(50_000, "C:\\v{}")}),
        "many mounts": lambda: host(Mounts=[{"Type": "volume", "Target": f"C:\\v{one}"} for one in range(20_000)]),
        "many hosts": lambda: host(ExtraHosts=many(50_000, "n{}:1.2.3.4")),
        "many published ports": lambda: host(PortBindings={"80/tcp": [{"HostPort": ""}] * 60_000}),
        "many networks": lambda: create(image, NetworkingConfig={"EndpointsConfig": {one: {} for one in many(60_000)}}),
        "many aliases": lambda: create(image, NetworkingConfig={
            "EndpointsConfig": {"nat": {"Aliases": many(90_000)}}}),
        "a long host's name": lambda: create(image, Hostname="a" * 1_000_000),
        "a long image's name": lambda: create("a/" * 500_000),
        "a long name of a volume": lambda: request("POST /volumes/create", json.dumps({"Name": "n" * BODY}).encode()),
        "a network of many subnets": lambda: request("POST /networks/create", json.dumps({
            "Name": "flood", "IPAM": {"Config": [{"Subnet": f"10.{one >> 8}.{one & 255}.0/24"}
                                                 for one in range(20_000)]}}).encode()),
        "a network of many addresses": lambda: request("POST /networks/create", json.dumps({
            "Name": "flood", "IPAM": {"Config": [{"Subnet": "10.0.0.0/8", "AuxiliaryAddresses":
                                                  dict.fromkeys(many(40_000), "10.0.0.1")}]}}).encode()),
        "many build arguments": lambda: request(
            "POST /build?buildargs=" + quote(json.dumps(dict.fromkeys(many(3_000), "")), safe="{}:,"), ZEROS,
            kind="application/x-tar"),
        "a long login": lambda: request(f"POST /images/create?fromImage={image}", X_Registry_Auth="e30=" * 15_000),
        "many fields of a query": lambda: request("GET /containers/json?" + "a=&" * 9_999),
        "more fields than a query may have": lambda: request("GET /containers/json?" + "&" * 60_000),
        "many escapes": lambda: request("GET /containers/" + "%41" * 20_000 + "/json"),
        "many slashes": lambda: request("GET /containers/" + "a/" * 30_000 + "json"),
        "many headers": lambda: request("GET /_ping", **{f"a{number}": "b" for number in range(5_000)}),
        "one header many times": lambda: b"GET /_ping HTTP/1.1\r\nHost: x\r\n" + b"a:b\r\n" * 12_000 + b"\r\n",
        "a head too long": lambda: request("GET /_ping", X_Registry_Config="a" * (4 << 20)),
        "many filters": lambda: request("GET /containers/json?all=1&" + filters(name=many(1_000, "a{}"))),
        "many patterns": lambda: request("GET /containers/json?all=1&" + filters(name=many(700, "(a|b|c|d){}[a-z]"))),
        "patterns with many ways": lambda: request(
            "GET /containers/json?all=1&" + filters(name=[f"{'.*' * 3}x{one}$" for one in range(8)])),
        "filters in filters": lambda: request("GET /containers/json?filters=" + "[" * 60_000),
        "pieces of one byte": lambda: request("POST /volumes/create", b"1\r\na\r\n" * 200_000 + b"0\r\n\r\n",
                                              length=False, Transfer_Encoding="chunked"),
        "an archive of nothing": lambda: request("POST /images/load", ZEROS * 16, kind="application/x-tar"),
        "an archive of small files": lambda: request("POST /images/load", many_files(20_000),
                                                     kind="application/x-tar"),
        "an archive with a long header": lambda: request(
            "POST /images/load", rawtar.pax({b"path": b"a/" * 500_000}) + rawtar.member("a"), kind="application/x-tar"),
        "a context of nothing": lambda: request("POST /build", ZEROS * 16, kind="application/x-tar"),
        "a context of small files": lambda: request("POST /build", many_files(20_000), kind="application/x-tar"),
    }
    return found


def many_files(count: int) -> bytes:
    """A tar with as many empty files."""
    return b"".join(rawtar.member(f"f{number}") for number in range(count)) + bytes(1024)


def sent(path: Path, data: bytes, seconds: float = 120) -> bytes:
    """The head of the answer to a request, whether it was read to its end or not."""
    with connected(path) as client:
        client.settimeout(seconds)

        def send() -> None:
            with contextlib.suppress(OSError):  # it was answered before all of it was read
                client.sendall(data)

        sending = threading.Thread(target=send, daemon=True)
        sending.start()
        got = b""
        while b"\r\n\r\n" not in got and (more := client.recv(65536)):
            got += more
    sending.join(seconds)
    return got.partition(b"\r\n")[0]


def connected(path: Path) -> socket.socket:
    """A new connection."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60)
    client.connect(str(path))
    return client


@contextmanager
def silent(path: Path, count: int) -> Iterator[None]:
    """So many connections that say nothing, and among them some that begin and do not go on: with half a head, with a
    head and no body, with a byte now and then."""
    stop = threading.Event()
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(path)) for _ in range(count)]
        for client in clients[::50]:
            client.sendall(b"GET /_ping HTT")
        for client in clients[1::50]:
            client.sendall(request("POST /containers/create", length=False, Content_Length="1000"))
        slow = clients[2::50]
        for client in slow:
            client.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\nX-A: ")

        def drip() -> None:
            while not stop.wait(0.05):
                for client in slow:
                    with contextlib.suppress(OSError):
                        client.sendall(b"a")

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        try:
            yield
        finally:
            stop.set()
            dripping.join(10)


class Watch:
    """Another client, which pings all the while; ``longest`` is what it waited for an answer at most, in seconds."""

    def __init__(self, path: Path) -> None:
        self.longest = 0.0
        self._client = connected(path)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ping, daemon=True)
        self.failed: list[BaseException] = []

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)
        self._client.close()
        assert not self.failed, self.failed

    def during(self, work: Callable[[], object]) -> float:
        """The longest wait while something is done."""
        self.longest = 0.0
        work()
        time.sleep(0.02)  # one more that began meanwhile
        return self.longest

    def _ping(self) -> None:
        try:
            while not self._stop.wait(0.005):
                begun = time.monotonic()
                self._client.sendall(PING)
                got = b""
                while not got.endswith(b"\r\n\r\nOK"):
                    more = self._client.recv(65536)
                    assert more, got
                    got += more
                self.longest = max(self.longest, time.monotonic() - begun)
        except BaseException as error:
            self.failed.append(error)
