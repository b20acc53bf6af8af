# SPDX-License-Identifier: Apache-2.0
"""Fixtures that make what containers use: volumes with content, networks, images, a client of the docker SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ._state import run_of

if TYPE_CHECKING:
    from ._engines.engine import Engine
    from ._resources.things import Network, Volume

Content = Mapping[str, str | bytes] | Path | None


@pytest.fixture
def _wcow_after(wcow_engine: Engine, request: pytest.FixtureRequest) -> Iterator[list[tuple[str, str]]]:
    """Kinds and paths of what is removed after all containers of the test, in whatever order fixtures were named."""
    from ._resources.things import remove_thing

    things: list[tuple[str, str]] = []
    yield things
    for kind, path in sorted(things):  # networks before volumes
        remove_thing(run_of(request.config), wcow_engine, kind, path)


@pytest.fixture
def volume_factory(wcow_engine: Engine, _wcow_after: list[tuple[str, str]],
                   request: pytest.FixtureRequest) -> Callable[..., Volume]:
    """Make volumes, seeded from a dict of texts or a folder: volume_factory({"a.txt": "hello"}). A volume is the source
    of a mount. All go after the test."""
    from ._report.trouble import told
    from ._resources.things import make_volume

    run = run_of(request.config)

    def factory(content: Content = None, *, name: str = "") -> Volume:
        with told():
            return make_volume(run, wcow_engine, request, content, name, _wcow_after)
        raise AssertionError  # told() has failed the test

    return factory


@pytest.fixture
def network_factory(wcow_engine: Engine, _wcow_after: list[tuple[str, str]],
                    request: pytest.FixtureRequest) -> Callable[..., Network]:
    """Make networks: network_factory(driver="nat"); network=made.name puts a container into it. All go after the test.
    """
    from ._report.trouble import told
    from ._resources.things import make_network

    run = run_of(request.config)

    def factory(driver: str = "nat", *, name: str = "", **more: Any) -> Network:
        with told():
            return make_network(run, wcow_engine, request, driver, name, more, _wcow_after)
        raise AssertionError  # told() has failed the test

    return factory


@pytest.fixture(scope="session")
def image_factory(wcow_engine: Engine, pytestconfig: pytest.Config) -> Callable[..., str]:
    """Build images from a folder or a dict of files with a Dockerfile: image_factory({"Dockerfile": ...}).
    An image stays and is taken again while its context is the same."""
    from ._report.trouble import told
    from ._resources.build import build_image

    run = run_of(pytestconfig)

    def factory(context: Mapping[str, str | bytes] | Path | str, *, dockerfile: str = "Dockerfile",
                args: Mapping[str, str] | None = None, target: str = "") -> str:
        with told():
            return build_image(run, wcow_engine, context, dockerfile, dict(args or {}), target)
        raise AssertionError  # told() has failed the test

    return factory


@pytest.fixture(scope="session")
def wcow_docker(wcow_engine: Engine) -> Iterator[Any]:
    """A client of the docker SDK for the engine, which loses no output of an exec (docker/docker-py#3332)."""
    from ._engines.sdk import open_docker
    from ._report.trouble import told

    with told():
        client = open_docker(wcow_engine)
    yield client
    client.close()
