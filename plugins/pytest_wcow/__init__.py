# SPDX-License-Identifier: Apache-2.0
"""Windows containers in pytest: name a fixture, and a container runs.

::

    def test_hello(nanoserver):
        assert nanoserver.cmd("echo hello").check().stdout == "hello\n"

``pip install "wcow[pytest]"`` brings the plugin. On Linux containers run in the embedded engine, in CI on Windows hosts
the same tests run there. Importing this module loads nothing but pytest; all else is loaded by the first fixture,
and nothing through assertion rewriting (PYTEST_DONT_REWRITE).
"""

from __future__ import annotations

from . import _plain  # noqa: F401 - before all other modules, which it lets Python load
from ._factories import (
    _wcow_after,
    image_factory,
    network_factory,
    volume_factory,
    wcow_docker,
)
from ._fixtures import (
    container_factory,
    container_factory_module,
    container_factory_session,
    nanoserver,
    nanoserver_args,
    nanoserver_image,
    nanoserver_module,
    nanoserver_session,
    servercore,
    servercore_args,
    servercore_image,
    servercore_module,
    servercore_session,
    wcow_engine,
    windows_host,
)
from ._hooks import (
    pytest_addhooks,
    pytest_cmdline_main,
    pytest_configure,
    pytest_configure_node,
    pytest_make_parametrize_id,
    pytest_report_header,
    pytest_runtest_call,
    pytest_runtest_makereport,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)
from ._options import pytest_addoption

__all__ = [
    "_wcow_after", "container_factory", "container_factory_module", "container_factory_session", "image_factory",
    "nanoserver", "nanoserver_args", "nanoserver_image", "nanoserver_module", "nanoserver_session",
    "network_factory", "pytest_addhooks", "pytest_addoption", "pytest_cmdline_main", "pytest_configure",
    "pytest_configure_node", "pytest_make_parametrize_id", "pytest_report_header", "pytest_runtest_call",
    "pytest_runtest_makereport", "pytest_runtest_setup", "pytest_sessionfinish", "pytest_terminal_summary",
    "pytest_testnodedown", "servercore", "servercore_args", "servercore_image", "servercore_module",
    "servercore_session", "volume_factory", "wcow_docker", "wcow_engine", "windows_host",
]
