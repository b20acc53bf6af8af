# SPDX-License-Identifier: Apache-2.0
"""Registries in this process for every test of the stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.registry_double import Auth
from support.registry_lab import Lab, opened


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A registry that takes everybody."""
    with opened() as made:
        yield made


@pytest.fixture
def guarded() -> Iterator[Lab]:
    """A registry that wants bearer tokens."""
    with opened(Auth("bearer")) as made:
        yield made
