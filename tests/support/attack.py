# SPDX-License-Identifier: Apache-2.0
"""Requests of every call of the engine that make little sense: bodies of the right shape with wrong values and types,
queries of other calls, names that nobody has. Each follows from a number alone."""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from imagebuild.dockerapi import Route, gojson, shapes
from imagebuild.dockerapi.shape import As, Shape, fields_of

from .shape_values import taken_apart

BODIES: dict[str, type[Shape]] = {
    "POST /containers/create": shapes.CreateRequest, "POST /containers/{id}/update": shapes.UpdateRequest,
    "POST /containers/{id}/exec": shapes.ExecCreate, "POST /exec/{id}/start": shapes.ExecStart,
    "POST /volumes/create": shapes.VolumeCreate, "POST /networks/create": shapes.NetworkCreate,
    "POST /networks/{id:.*}/connect": shapes.NetworkConnect,
    "POST /networks/{id:.*}/disconnect": shapes.NetworkDisconnect,
    "POST /commit": shapes.Config, "POST /auth": shapes.AuthConfig}
"""What the calls with a JSON body read of it."""
QUERY = ("all", "author", "buildargs", "changes", "checkpoint", "comment", "condition", "container", "detachKeys",
         "dockerfile", "filter", "filters", "follow", "force", "fromImage", "h", "id", "isolation", "keep-storage",
         "labels", "limit", "link", "logs", "name", "names", "noOverwriteDirNonDir", "nocache", "noprune", "one-shot",
         "path", "platform", "ps_args", "pull", "q", "quiet", "repo", "scope", "shared-size", "signal", "since",
         "squash", "stderr", "stdin", "stdout", "stream", "t", "tag", "tail", "target", "timestamps", "type", "until",
         "v", "verbose", "version", "w")
TEXTS = ("", "0", "1", "-1", "true", "abc", "9" * 20, "1.5", "10m", "2024-01-01", "nat", "none", "host", "default",
         "app:1", "one", "two", "container:one", f"sha256:{0:064}", "C:\\", "C:/x", "/..", "..", "\0", "\ud800é", "²",
         "a" * 300, "KILL", "process", "local", "tcp", "80/tcp", "²/tcp", "8080", "80-90", "x=y", "=", " ", "{}", "[]",
         "null", '{"label":{"a":true}}', '{"name":["["]}', '{"since":["one"],"id":{"a":true}}', '{"type":{"x":true}}',
         "0.0.0.0", "::1", "10.0.0.0/8", "CMD", "12:", "json-file", "windows/amd64", "10485760g", "C:\\a:D:\\b",
         "data:C:\\d", "C:\\Program Files:ro", "ctrl-p,ctrl-q", "-f", "nowhere.example/x")
NUMBERS = (0, 0, 1, -1, 80, 65536, 1 << 31, 1 << 62, (1 << 63) - 1, -(1 << 63))
VERSIONS = ("", "", "", "/v1.45", "/v1.44", "/v1.41", "/v1.24", "/v1.1", "/v9.9")
ENDLESS_SECONDS = 0.02
"""How long an answer that may be endless (events, logs) is listened to."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One request."""

    route: Route
    target: str
    body: bytes

    @property
    def raw(self) -> bytes:
        """As it goes over the wire."""
        return (f"{self.route.method} {self.target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(self.body)}\r\n\r\n").encode() + self.body


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; ``whole`` says that the answer had a length and all of it came."""

    status: int
    body: bytes
    whole: bool

    @property
    def is_refusal(self) -> bool:
        """Whether it is an error in Docker's shape."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return False
        return isinstance(document, dict) and list(document) == ["message"] and isinstance(document["message"], str)


def attack(routes: Sequence[Route], names: Sequence[str], seed: int) -> Attack:
    """The request of a number. ``names`` are of things that exist."""
    chance = random.Random(seed)
    with_body = [route for route in routes if route.name in BODIES]
    route = chance.choice(with_body if chance.random() < 0.5 else routes)
    path = re.sub(r"\{\w+[^}]*\}", lambda _: quote(_name(chance, names), safe=chance.choice(("/:", ""))), route.path)
    query = [(chance.choice(QUERY), chance.choice(TEXTS)) for _ in range(chance.randrange(5))]
    if chance.random() < 0.3:
        query.append(("path", chance.choice(("C:\\", "/", "C:\\x\\..\\..", "..", "a\0b", "D:\\", "C:\\" + "a" * 300))))
    target = f"{chance.choice(VERSIONS)}{path}?{urlencode(query, errors='replace')}"
    return Attack(route, target, _body(chance, route, names))


def ask(path: Path, request: bytes, *, head_only: bool = False, seconds: float = 10) -> Reply:
    """One request on a connection of its own. TimeoutError when no head, or not all of a body with a length, comes."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(seconds)
        client.connect(str(path))
        client.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got:
            more = client.recv(65536)
            if not more:
                raise ConnectionError(f"no answer: {got!r}")
            got += more
        head, _, body = got.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
        if length and not head_only:
            while len(body) < int(length[1]) and (more := client.recv(65536)):
                body += more
        elif not head_only:
            client.settimeout(ENDLESS_SECONDS)
            with contextlib.suppress(TimeoutError):
                body += client.recv(65536)
        return Reply(int(head.split()[1]), body, length is not None and len(body) == int(length[1]))


def _name(chance: random.Random, names: Sequence[str]) -> str:
    return chance.choice((*names, *names, chance.choice(TEXTS))).encode("utf-8", "replace").decode()


def _body(chance: random.Random, route: Route, names: Sequence[str]) -> bytes:
    shape = BODIES.get(route.name)
    if shape is None:
        return chance.choice((b"", b"", b"x", b"{}", b"\0" * 1024)) if route.method in ("POST", "PUT") else b""
    document = _mutated(chance, _value(chance, shape))
    if isinstance(document, dict):
        if "create" in route.path and chance.random() < 0.9:
            document["Image"] = "app:1"
            document.setdefault("Cmd", ["sleep", "1000"])
        if route.path.endswith("nect"):
            document["Container"] = _name(chance, names)
        if route.path.endswith("/exec"):
            document.setdefault("Cmd", ["echo", "x"])
    body = gojson.dumps(document)
    kind = chance.random()
    if kind < 0.03:
        return body[:chance.randrange(len(body))]
    return b"[" * 20_000 if kind < 0.05 else body


def _value(chance: random.Random, kind: Any) -> Any:
    """Some JSON of an annotation: a few of the fields, with values of the right types."""
    kind, notes, optional = taken_apart(kind)
    if optional and chance.random() < 0.3:
        return None
    if isinstance(kind, type) and issubclass(kind, Shape):
        share = chance.choice((0.02, 0.1, 0.3))
        return {one.key: _value(chance, one.type) for one in fields_of(kind) if chance.random() < share}
    origin = typing.get_origin(kind) or kind
    if As("set") in notes:
        return {chance.choice(TEXTS): {} for _ in range(chance.randrange(3))}
    if origin is tuple:
        inner = typing.get_args(kind)
        if inner[-1] is not Ellipsis:
            return [_value(chance, one) for one in inner]
        return [_value(chance, inner[0]) for _ in range(chance.randrange(3))]
    if origin is Mapping:
        return {chance.choice(TEXTS): _value(chance, typing.get_args(kind)[1]) for _ in range(chance.randrange(3))}
    plain: dict[Any, Callable[[], Any]] = {str: lambda: chance.choice(TEXTS), bool: lambda: chance.random() < 0.5,
                                           int: lambda: chance.choice(NUMBERS)}
    return plain.get(origin, lambda: _anything(chance))()


def _anything(chance: random.Random) -> Any:
    return chance.choice((chance.choice(TEXTS), chance.choice(NUMBERS), None, 1.5, 1e300, True, [], {}, [[]],
                          [chance.choice(TEXTS)], {"": None}))


def _mutated(chance: random.Random, value: Any) -> Any:
    if chance.random() < 0.05:
        return _anything(chance)
    if isinstance(value, dict):
        return {name: _mutated(chance, item) for name, item in value.items()}
    return [_mutated(chance, item) for item in value] if isinstance(value, list) else value
