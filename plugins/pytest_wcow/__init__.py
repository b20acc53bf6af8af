# SPDX-License-Identifier: Apache-2.0
"""Windows containers in pytest: name a fixture, and a container runs.

::

    def test_hello(nanoserver):
        assert nanoserver.cmd("echo hello").check().stdout == "hello\\n"

``pip install "wcow[pytest]"`` brings the plugin. On Linux containers run in the embedded engine, in CI on Windows hosts
the same tests run there. Importing this module loads nothing but pytest; all else is loaded by the first fixture.
"""

from __future__ import annotations

from ._fixtures import (
    container_factory,
    nanoserver,
    nanoserver_image,
    wcow_engine,
)
from ._options import pytest_addoption

__all__ = ["container_factory", "nanoserver", "nanoserver_image", "pytest_addoption", "wcow_engine"]
