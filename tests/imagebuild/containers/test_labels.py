# SPDX-License-Identifier: Apache-2.0
"""Labels say who made a thing, and whether that process is still there."""

from __future__ import annotations

import os
import subprocess
import sys

from imagebuild.containers import labels, owner


def test_an_owner_is_this_process_of_this_boot() -> None:
    found = dict(owner("run1").labels(test="a.py::b"))
    assert found[labels.SESSION] == "run1"
    assert found[labels.PID] == str(os.getpid())
    assert found[labels.TEST] == "a.py::b"
    assert found[labels.STARTED] == labels.process_start(os.getpid())


def test_a_process_that_is_gone_has_no_start() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert labels.process_start(child.pid)
    child.communicate(b"\n")
    assert labels.process_start(child.pid) is None
