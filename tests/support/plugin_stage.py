# SPDX-License-Identifier: Apache-2.0
"""pytest with our plugin on a scripted engine: in this process, or in one that gets a signal."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagebuild.containers import Container, Home, Spec, run_container
from imagebuild.dockerapi import Client

from .scripted_engine import IMAGE, Script

HERE = Path(__file__).resolve().parents[2]


def loaded(name: str) -> Any:
    """Return the plugin's module of this name, the one that a run in this process finds.

    ``from pytest_wcow import _state`` may give the one that an earlier run left as an attribute of the package:
    pytester takes a run's modules out of ``sys.modules`` again, and leaves the package's attributes.
    """
    return importlib.import_module(f"pytest_wcow.{name}")


class Stage:
    """A folder of tests, and the engine that they run on."""

    def __init__(self, pytester: pytest.Pytester, script: Script, address: str) -> None:
        self.pytester, self.script, self.address = pytester, script, address
        self.client = Client.at(address)
        self._runs: list[subprocess.Popen[str]] = []

    def run(self, text: str, *args: str, address: str = "") -> pytest.RunResult:
        """Write ``text`` as a test file, and run it in this process."""
        self.pytester.makepyfile(test_it=text)
        return self.again(*args, address=address)

    def again(self, *args: str, address: str = "") -> pytest.RunResult:
        """Run the tests that are in the folder."""
        return self.pytester.runpytest_inprocess("-p", "pytest_wcow", "-p", "no:cacheprovider", "-p", "no:randomly",
                                                 f"--wcow-engine={address or self.address}", *args, "test_it.py")

    def start(self, text: str, *args: str) -> subprocess.Popen[str]:
        """Write ``text`` as a test file, and start pytest in a process of its own."""
        self.pytester.makepyfile(test_it=text)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE / "plugins"), str(HERE)))}
        self._runs.append(subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "pytest_wcow", "-p", "no:cacheprovider",
             f"--wcow-engine={self.address}", *args, "test_it.py"], cwd=self.pytester.path, env=env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        return self._runs[-1]

    def close(self) -> None:
        """End the processes that a failed test left."""
        for run in self._runs:
            if run.poll() is None:
                run.kill()
            if run.stdout is not None and not run.stdout.closed:
                run.communicate()
        self.client.close()

    def box(self, **facts: Any) -> Container:
        """A container without pytest."""
        return run_container(self.client, Spec.of(IMAGE, **facts), Home(local=False))


def until(true: Callable[[], object], seconds: float = 150, why: Callable[[], str] = str) -> None:
    """Wait for something that comes about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it did not come about in time: {why()}"
        time.sleep(0.02)
