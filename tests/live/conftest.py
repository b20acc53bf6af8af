# SPDX-License-Identifier: Apache-2.0
"""A real Windows host for the tests of this folder: ``WCOW_LIVE_HOST`` is its address (``winrm+http://user@name``),
``WCOW_LIVE_PASSWORD`` the password, ``WCOW_LIVE_CA`` a file with the CA of its certificate, ``WCOW_LIVE_SSH`` its
address by ssh, ``WCOW_LIVE_IMAGE`` an image whose ``cmd`` runs there.

Playbooks that change more of it want more: ``WCOW_LIVE_ENGINE`` is an archive of the engine as the module ``engine``
takes it, ``WCOW_LIVE_CHECKSUM`` its checksum, ``WCOW_LIVE_REGISTRY`` a registry where the host may push and pull,
``WCOW_LIVE_RESTART=1`` says that the host may restart."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from imagebuild import wiring
from imagebuild.host import Host, WinrmHost


@pytest.fixture(scope="module")
def live() -> Iterator[WinrmHost]:
    """The host by WinRM."""
    address = os.environ.get("WCOW_LIVE_HOST")
    if not address:
        pytest.skip("WCOW_LIVE_HOST names no Windows host (tests/live/conftest.py says what is needed)")
    settings = wiring.Settings(password=lambda _: os.environ.get("WCOW_LIVE_PASSWORD", ""))
    ca = os.environ.get("WCOW_LIVE_CA", "")
    host = wiring.host_named(settings, address, **({"ca": ca} if ca else {}))
    assert isinstance(host, WinrmHost)
    yield host
    host.close()


@pytest.fixture(scope="module")
def live_ssh() -> Iterator[Host]:
    """The same host by ssh."""
    address = os.environ.get("WCOW_LIVE_SSH")
    if not address:
        pytest.skip("WCOW_LIVE_SSH names no Windows host with OpenSSH's server")
    host = wiring.host_named(wiring.Settings(), address)
    yield host
    host.close()


@pytest.fixture(scope="session")
def live_image() -> str:
    """An image of the host's build."""
    return os.environ.get("WCOW_LIVE_IMAGE", "mcr.microsoft.com/windows/nanoserver:ltsc2022")
