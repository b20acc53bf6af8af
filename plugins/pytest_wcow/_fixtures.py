# SPDX-License-Identifier: Apache-2.0
"""The fixtures, in layers: an engine, images on it, containers of them. Each can be overridden in a conftest.py."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from ._state import run_of

if TYPE_CHECKING:
    from imagebuild.containers import Container, Spec
    from imagebuild.host import Host

    from ._engines.engine import Engine


class ContainerFactory(Protocol):
    """What ``container_factory`` is: facts in, a running container out."""

    def __call__(self, image: str = "", *, wait: Any = None, timeout: float = 60.0, **facts: Any) -> Container:
        """Start a container; ``wait`` is what it is ready by, ``facts`` those of ``imagebuild.containers.Spec``."""


@pytest.fixture(scope="session")
def wcow_engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """The Windows engine that containers run on; the embedded one is started when it does not run."""
    from ._engines.session import close_engine, the_engine

    run = run_of(pytestconfig)
    yield the_engine(run)
    close_engine(run)


@pytest.fixture(scope="session")
def windows_host(wcow_engine: Engine) -> Host:
    """The machine of wcow_engine, which runs programs and scripts, takes files and tells its facts where the engine was
    named as winrm://, ssh:// or host://: windows_host.powershell("Get-Service docker"). Of another engine it knows the
    facts, and its engine."""
    from ._engines.hosts import host_of

    return host_of(wcow_engine)


@pytest.fixture(scope="session")
def nanoserver_image(wcow_engine: Engine, pytestconfig: pytest.Config) -> str:
    """The image of nanoserver: --wcow-image, else a stand-in on the embedded engine and Microsoft's elsewhere."""
    from ._engines.session import image_for

    return image_for(run_of(pytestconfig), wcow_engine, "nanoserver")


@pytest.fixture(scope="session")
def servercore_image(wcow_engine: Engine, pytestconfig: pytest.Config) -> str:
    """The image of servercore: --wcow-servercore-image, else chosen as for nanoserver."""
    from ._engines.session import image_for

    return image_for(run_of(pytestconfig), wcow_engine, "servercore")


@pytest.fixture(scope="session")
def nanoserver_args() -> Mapping[str, Any]:
    """Facts of every nanoserver fixture, for a conftest.py to override: {"environ": {...}, "ports": [80]}."""
    return {}


@pytest.fixture(scope="session")
def servercore_args() -> Mapping[str, Any]:
    """Facts of every servercore fixture, for a conftest.py to override."""
    return {}


@pytest.fixture
def nanoserver(wcow_engine: Engine, nanoserver_image: str, nanoserver_args: Mapping[str, Any],
               request: pytest.FixtureRequest) -> Iterator[Container]:
    """A running container of nanoserver, for this test."""
    yield from _own(wcow_engine, nanoserver_image, nanoserver_args, request)


@pytest.fixture(scope="module")
def nanoserver_module(wcow_engine: Engine, nanoserver_image: str, nanoserver_args: Mapping[str, Any],
                      request: pytest.FixtureRequest) -> Iterator[Container]:
    """A running container of nanoserver, for all tests of a module."""
    yield from _own(wcow_engine, nanoserver_image, nanoserver_args, request)


@pytest.fixture(scope="session")
def nanoserver_session(wcow_engine: Engine, nanoserver_image: str, nanoserver_args: Mapping[str, Any],
                       request: pytest.FixtureRequest) -> Iterator[Container]:
    """A running container of nanoserver, one for the whole run and all of xdist's workers."""
    yield from _shared(wcow_engine, nanoserver_image, nanoserver_args, request)


@pytest.fixture
def servercore(wcow_engine: Engine, servercore_image: str, servercore_args: Mapping[str, Any],
               request: pytest.FixtureRequest) -> Iterator[Container]:
    """A running container of servercore, for this test."""
    yield from _own(wcow_engine, servercore_image, servercore_args, request)


@pytest.fixture(scope="module")
def servercore_module(wcow_engine: Engine, servercore_image: str, servercore_args: Mapping[str, Any],
                      request: pytest.FixtureRequest) -> Iterator[Container]:
    """A running container of servercore, for all tests of a module."""
    yield from _own(wcow_engine, servercore_image, servercore_args, request)


@pytest.fixture(scope="session")
def servercore_session(wcow_engine: Engine, servercore_image: str, servercore_args: Mapping[str, Any],
                       request: pytest.FixtureRequest) -> Iterator[Container]:
    """A running container of servercore, one for the whole run and all of xdist's workers."""
    yield from _shared(wcow_engine, servercore_image, servercore_args, request)


@pytest.fixture
def container_factory(wcow_engine: Engine, _wcow_after: list[tuple[str, str]],
                      request: pytest.FixtureRequest) -> Iterator[ContainerFactory]:
    """Make containers: container_factory(image, mounts={r"C:\\data": tmp_path}, ports=[80], wait=80). All end with the
    test."""
    yield from _factory(wcow_engine, request)


@pytest.fixture(scope="module")
def container_factory_module(wcow_engine: Engine, request: pytest.FixtureRequest) -> Iterator[ContainerFactory]:
    """container_factory for fixtures of a class or a module: what it makes ends with the module."""
    yield from _factory(wcow_engine, request)


@pytest.fixture(scope="session")
def container_factory_session(wcow_engine: Engine, request: pytest.FixtureRequest) -> Iterator[ContainerFactory]:
    """container_factory for fixtures of the session: what it makes ends with the run, for each of xdist's workers."""
    yield from _factory(wcow_engine, request)


def _factory(engine: Engine, request: pytest.FixtureRequest) -> Iterator[ContainerFactory]:
    """A factory whose containers end with the fixture."""
    from ._report.trouble import told
    from ._resources.container import end, make

    run = run_of(request.config)
    made: list[Container] = []
    one = threading.Lock()  # a test may make containers in several threads; pytest's fixtures know of one

    def factory(image: str = "", *, wait: Any = None, timeout: float = 60.0, **facts: Any) -> Container:
        with one:
            name = image or request.getfixturevalue("nanoserver_image")
        with told():
            box = make(run, engine, request, _spec(name, facts), wait=wait, timeout=timeout)
        made.append(box)
        return box

    yield factory
    for box in reversed(made):
        end(run, engine, box)


def _own(engine: Engine, image: str, args: Mapping[str, Any], request: pytest.FixtureRequest) -> Iterator[Container]:
    """A container for the scope of the fixture."""
    from ._report.trouble import told
    from ._resources.container import end, make

    run = run_of(request.config)
    spec, more = _wanted(image, args, request)
    with told():
        box = make(run, engine, request, spec, **more)
    yield box
    end(run, engine, box)


def _shared(engine: Engine, image: str, args: Mapping[str, Any], request: pytest.FixtureRequest) -> Iterator[Container]:
    """A container that all processes of the run share."""
    from ._report.trouble import told
    from ._resources.container import end, joined, make
    from ._resources.share import Shared

    run = run_of(request.config)
    spec, more = _wanted(image, args, request)
    place = Shared(run, engine, request.fixturename or "", spec)
    with told():
        box = place.join(lambda: make(run, engine, request, spec, shared=True, **more))
        joined(run, engine, request, box)
    yield box
    place.leave(lambda: end(run, engine, box))


def _wanted(image: str, args: Mapping[str, Any], request: pytest.FixtureRequest) -> tuple[Spec, dict[str, Any]]:
    """The spec of a fixture: its parameter where it was parametrised (an image, facts or a spec), a marker
    ``wcow_image``, else the usual image; and how it is waited for."""
    from imagebuild.containers import Spec

    facts = dict(args)
    param = getattr(request, "param", None)
    mark = request.node.get_closest_marker("wcow_image")
    if isinstance(param, Spec):
        return param, {}
    if isinstance(param, Mapping):
        facts.update(param)
    elif param is not None:
        facts["image"] = str(param)
    elif mark is not None:
        facts["image"] = str(mark.args[0])
    more: dict[str, Any] = {name: facts.pop(name) for name in ("wait", "timeout") if name in facts}
    return _spec(facts.pop("image", image), facts), more


def _spec(image: str, facts: Mapping[str, Any]) -> Spec:
    from imagebuild.containers import Spec

    from ._report.trouble import told

    with told():
        return Spec.of(image, **facts)
    raise AssertionError  # told() has failed the test


