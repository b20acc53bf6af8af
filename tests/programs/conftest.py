# SPDX-License-Identifier: Apache-2.0
"""Homes for the tests of the command."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import images
from support.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose local store is empty."""
    folder = tmp_path / "home"
    folder.mkdir()
    return Home(folder)


@pytest.fixture
def app(home: Home) -> str:
    """The sample image as ``app:1`` in the local store; its digest."""
    return str(images.sample(home.store())[1].digest)


@pytest.fixture
def many(home: Home) -> str:
    """An index of two Windows versions as ``many:1`` in the local store; its digest."""
    _, descriptor = images.windows_versions(home.store(), "docker.io/library/many:1", "10.0.20348.1", "10.0.26100.1")
    return str(descriptor.digest)
