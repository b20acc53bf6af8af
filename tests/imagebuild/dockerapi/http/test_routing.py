# SPDX-License-Identifier: Apache-2.0
"""Which route a request takes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import Request, Response, Route, Router, faults
from imagebuild.dockerapi.http.routing import split_version


async def handler(request: Request, app: object) -> Response | None:
    return None


TABLE = [Route(method, path, handler) for method, path in (
    ("GET", "/containers/json"), ("GET", "/containers/{id}/json"), ("DELETE", "/containers/{id}"),
    ("GET", "/images/{name:.*}/json"), ("GET", "/images/{name:.*}/get"), ("GET", "/images/get"),
    ("GET", "/volumes/{name:.*}"), ("HEAD", "/containers/{id}/archive"), ("GET", "/containers/{id}/archive"))]
ROUTER = Router(TABLE)


@pytest.mark.parametrize(("method", "path", "template", "values"), [
    ("GET", "/containers/json", "/containers/json", {}),
    ("GET", "/containers/a.b/json", "/containers/{id}/json", {"id": "a.b"}),
    ("DELETE", "/containers/json", "/containers/{id}", {"id": "json"}),
    ("GET", "/images/host:5000/a/b:1/json", "/images/{name:.*}/json", {"name": "host:5000/a/b:1"}),
    ("GET", "/images/json/json", "/images/{name:.*}/json", {"name": "json"}),
    ("GET", "/images/get", "/images/get", {}),
    ("HEAD", "/containers/json", "/containers/json", {}),
    ("HEAD", "/containers/a/archive", "/containers/{id}/archive", {"id": "a"}),
])
def test_a_request_finds_its_route(method: str, path: str, template: str, values: dict[str, str]) -> None:
    found = ROUTER.find(method, path)
    assert (found.route.path, found.values) == (template, values)


def test_head_has_its_own_route_first() -> None:
    assert ROUTER.find("HEAD", "/containers/a/archive").route.method == "HEAD"
    assert ROUTER.find("HEAD", "/images/a/json").route.method == "GET"


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/containers/json"), ("GET", "/containers//json"), ("GET", "/containers/a/b/json"), ("GET", "/"),
    ("GET", "/containers/json/"), ("GET", "/containersXjson"), ("get", "/containers/json")])
def test_no_route_is_a_page_not_found(method: str, path: str) -> None:
    with pytest.raises(faults.NotFound, match=r"^page not found$"):
        ROUTER.find(method, path)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_path_has_a_route_or_none(method: str, path: str) -> None:
    with contextlib.suppress(faults.NotFound):
        ROUTER.find(method, path)


@pytest.mark.parametrize(("path", "version", "rest"), [
    ("/v1.41/info", "1.41", "/info"), ("/info", "", "/info"), ("/v1.41", "", "/v1.41"), ("/version", "", "/version"),
    ("/v1.41/v1.42/x", "1.41", "/v1.42/x"), ("/vx/info", "", "/vx/info"), ("/v.../a", "...", "/a")])
def test_the_version_is_taken_off_a_path(path: str, version: str, rest: str) -> None:
    assert split_version(path) == (version, rest)


def test_a_table_can_be_shown() -> None:
    route = Route("POST", "/build/prune", handler, since="1.31", note="all it can")
    assert (route.name, route.handler_name) == ("POST /build/prune", "handler")
