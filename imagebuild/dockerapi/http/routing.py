# SPDX-License-Identifier: Apache-2.0
"""Which handler answers which method and path: a table that is data, so that documentation is made from it too.

Templates are written as moby writes them: ``{id}`` is one segment of the path, ``{name:.*}`` any number of them (image
names have slashes). Routes without a placeholder win; among the others the first in the table does.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import faults
from ..versions import ApiVersion, api_version

if TYPE_CHECKING:
    from ..respond import Response
    from .request import Request

#: What answers a request: it gets the request and whatever object the server was made with.
Handler = Callable[["Request", Any], Awaitable["Response | None"]]

_VERSIONED = re.compile(r"/v([0-9.]+)(/.*)", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{(\w+)(?::([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One row: method, path template, handler, and since which API version the call exists.

    ``to_the_end`` lets the handler finish when its client has gone (a stop that was asked for is done); otherwise it
    is cancelled. ``note`` is what the coverage table says about it.
    """

    method: str
    path: str
    handler: Handler
    since: str = ""
    to_the_end: bool = False
    note: str = ""

    @property
    def name(self) -> str:
        """``GET /containers/{id}/json``."""
        return f"{self.method} {self.path}"

    @property
    def handler_name(self) -> str:
        """The handler's own name, for tables."""
        return getattr(self.handler, "__name__", type(self.handler).__name__)


@dataclass(frozen=True, slots=True)
class Match:
    """A route that fits, with what its placeholders stand for."""

    route: Route
    values: dict[str, str]


def split_version(path: str) -> tuple[str, str]:
    """``/v1.41/info`` → ``("1.41", "/info")``; no version is an empty one."""
    found = _VERSIONED.fullmatch(path)
    return (found[1], found[2]) if found else ("", path)


class Router:
    """Finds the route of a request. ``routes`` keeps the table in its order."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._plain: dict[tuple[str, str], Route] = {}
        self._templates: dict[str, list[tuple[re.Pattern[str], Route]]] = {}
        for route in self.routes:
            if "{" in route.path:
                self._templates.setdefault(route.method, []).append((_pattern(route.path), route))
            else:
                self._plain.setdefault((route.method, route.path), route)

    def find(self, method: str, path: str) -> Match:
        """The route of an unversioned, decoded path. NotFound when there is none, for a wrong method too (as moby).

        A HEAD with no route of its own is answered by the GET.
        """
        for verb in (method, "GET") if method == "HEAD" else (method,):
            plain = self._plain.get((verb, path))
            if plain:
                return Match(plain, {})
            for pattern, route in self._templates.get(verb, ()):
                found = pattern.fullmatch(path)
                if found:
                    return Match(route, found.groupdict())
        raise faults.page_not_found()


def check_since(route: Route, version: ApiVersion) -> None:
    """BadRequest when the call is younger than the version the client speaks."""
    if route.since and version < api_version(route.since):
        raise faults.route_too_new(route.name, route.since)


def _pattern(template: str) -> re.Pattern[str]:
    out, end = "", 0
    for found in _PLACEHOLDER.finditer(template):
        out += f"{re.escape(template[end:found.start()])}(?P<{found[1]}>{found[2] or '[^/]+'})"
        end = found.end()
    return re.compile(out + re.escape(template[end:]), re.DOTALL)
