# SPDX-License-Identifier: Apache-2.0
"""What every test stands on: no test touches the user's own images, caches or logins."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from support import programs, users

if TYPE_CHECKING:
    from support.engine import Engine

# A machine that does other work too must not fail a test by the clock; CI must fail for the code's reasons only.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
# One mutant is one run of some tests (make mutants): the same examples each time, few of them, and no search for a
# smaller one, because that it fails is all we ask. mutmut names it: pytest --hypothesis-profile=mutants.
MUTANT_EXAMPLES = 25
settings.register_profile("mutants", deadline=None, derandomize=True, database=None, max_examples=MUTANT_EXAMPLES,
                          phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_configure(config: pytest.Config) -> None:
    """Point everything that the command keeps for its user at a folder of this run."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: what we start would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("WCOW_TEST_CACHE", str(programs.user_cache()))  # built programs stay from run to run
    home = tempfile.TemporaryDirectory(prefix="wcow-test-")
    config.add_cleanup(home.cleanup)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "DOCKER_CONFIG"):
        os.environ[name] = str(Path(home.name, name.lower()))
    kept = ("WCOW_TEST_CACHE", "WCOW_SHARED", "WCOW_SUITES", "WCOW_POWERSHELL", "WCOW_DOTNET_SAMPLES",
            "WCOW_DOCKER_CLI", "WCOW_LINUX_POWERSHELL", "WCOW_PSSCRIPTANALYZER", "WCOW_TEST_TUNNEL",
            "WCOW_TEST_STATES", "WCOW_LIVE_HOST", "WCOW_LIVE_PASSWORD", "WCOW_LIVE_CA", "WCOW_LIVE_SSH",
            "WCOW_LIVE_IMAGE", "WCOW_LIVE_ENGINE", "WCOW_LIVE_CHECKSUM", "WCOW_LIVE_REGISTRY", "WCOW_LIVE_RESTART")
    for name in [name for name in os.environ if name.startswith("WCOW_") and name not in kept]:
        del os.environ[name]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under the profile of the mutants a test that asks for more examples gets the few, too, and properties come last:
    most often something simpler notices sooner."""
    if config.getoption("--hypothesis-profile", None) != "mutants":
        return
    properties = set()
    for item in items:
        wanted = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
        if wanted is not None:
            properties.add(item)
        if wanted is not None and wanted.max_examples > MUTANT_EXAMPLES:
            capped = settings(wanted, max_examples=MUTANT_EXAMPLES)
            item.obj._hypothesis_internal_use_settings = capped  # type: ignore[attr-defined]
    items.sort(key=properties.__contains__)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case with binary content by its argument (pytest numbers them), not by the content: it is no text to read,
    and where it holds a time or a random part two test processes would not agree on the name."""
    return argname if isinstance(val, bytes | bytearray) and not val.isascii() else None


@pytest.fixture(scope="session")
def registry() -> Iterator[programs.Registry]:
    """A real ``docker-registry`` without logins, empty at the start of the session."""
    with programs.skipping(), programs.registry() as server:
        yield server


@pytest.fixture(scope="session")
def private_registry() -> Iterator[programs.Registry]:
    """A real ``docker-registry`` that wants ``programs.USER`` and ``programs.PASSWORD``."""
    with programs.skipping(), programs.registry(login=True) as server:
        yield server


@pytest.fixture(scope="session")
def dockerd() -> Iterator[programs.Daemon]:
    """A real ``dockerd`` whose images are kept by containerd: the store that takes Windows images on Linux."""
    with programs.skipping(), programs.dockerd(containerd_store=True) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def plain_dockerd() -> Iterator[programs.Daemon]:
    """A real ``dockerd`` with its default store, which refuses Windows images on Linux."""
    with programs.skipping(), programs.dockerd(containerd_store=False) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def crane() -> Path:
    """The ``crane`` program, built from Debian's Go sources once and kept."""
    with programs.skipping():
        return programs.crane()


@pytest.fixture(scope="session")
def root_engine() -> Iterator[Engine]:
    """The embedded engine of root, with an image; a failure at the end when it leaves anything behind."""
    from support.engine import engine  # here: a run without an engine loads none of it

    with programs.skipping(), engine(user=users.find(users.ROOT)) as made:
        yield made


@pytest.fixture(scope="session")
def user_engine() -> Iterator[Engine]:
    """The same of an ordinary user, who is made where the tests run as root."""
    from support.engine import engine

    with programs.skipping(), engine(user=users.find(users.USER)) as made:
        yield made


@pytest.fixture(params=users.KINDS)
def windows(request: pytest.FixtureRequest) -> Engine:
    """The embedded engine, once as root and once as an ordinary user. Both stay for the whole session."""
    made: Engine = request.getfixturevalue(f"{request.param}_engine")
    return made
