# SPDX-License-Identifier: Apache-2.0
"""The fixtures, in layers: an engine, an image on it, containers of it. Each can be overridden in a conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from ._options import options_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagebuild.containers import Container

    from ._engine import Engine

    Factory = Callable[..., Container]


@pytest.fixture(scope="session")
def wcow_engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """The Windows engine that containers run on; the embedded one is started when it does not run."""
    from ._engine import open_engine
    from ._trouble import told

    options = options_of(pytestconfig)
    with told(options.missing):
        engine = open_engine(options.engines)
    yield engine
    engine.client.close()


@pytest.fixture(scope="session")
def nanoserver_image(wcow_engine: Engine, pytestconfig: pytest.Config) -> str:
    """The image of nanoserver: --wcow-image, else a stand-in on the embedded engine and Microsoft's elsewhere."""
    from ._images import base_image
    from ._trouble import told

    with told():
        return options_of(pytestconfig).image or base_image(wcow_engine, "nanoserver")


@pytest.fixture
def container_factory(wcow_engine: Engine, nanoserver_image: str, request: pytest.FixtureRequest) -> Iterator[Factory]:
    """Make containers: container_factory(image=..., mounts={r"C:\\data": tmp_path}, ...). Each ends with the test."""
    from imagebuild.containers import Spec, owner, run_container

    from ._trouble import told

    made: list[Container] = []

    def make(image: str = "", **facts: Any) -> Container:
        with told():
            labels = dict(owner().labels(test=request.node.nodeid))
            labels.update(facts.pop("labels", None) or {})
            box = run_container(wcow_engine.client, Spec.of(image or nanoserver_image, labels=labels, **facts))
        made.append(box)
        return box

    yield make
    for box in reversed(made):
        box.remove()


@pytest.fixture
def nanoserver(container_factory: Factory) -> Container:
    """A running container of nanoserver, for this test."""
    return container_factory()
