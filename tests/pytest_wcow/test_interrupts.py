# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C, SIGTERM and SIGKILL in every phase of a run: the first two leave nothing, and of the third the next run's
sweep leaves nothing. The engine is scripted, and answers the phase's call after the signal has come."""

from __future__ import annotations

import signal
import subprocess
import threading
import time

import pytest
from support.plugin_stage import Stage, until
from support.scripted_engine import Script

pytest_plugins = "pytester"
pytestmark = pytest.mark.slow

INTERRUPTED = 2
SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
ALL_SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL],
                                      ids=["ctrl-c", "sigterm", "sigkill"])
PHASES = {
    "pull": "def test_it(nanoserver): pass",
    "build": "def test_it(image_factory): image_factory('FROM x')",
    "create": "def test_it(nanoserver): pass",
    "volumes": "def test_it(volume_factory): volume_factory()",
    "networks": "def test_it(network_factory): network_factory()",
    "start": "def test_it(nanoserver): pass",
    "logs": "def test_it(container_factory): container_factory(wait='never said')",
    "exec": "def test_it(nanoserver): nanoserver.cmd('ver')",
    "stop": "def test_it(nanoserver): pass",
}
"""A test for each phase, by the call in which it is held: ``logs`` is the wait, ``exec`` the test, ``stop`` its end."""
SWEEP = "def test_it(wcow_engine): pass"


def begin(on: Stage, phase: str, *args: str) -> subprocess.Popen[str]:
    """A run that has come to a phase."""
    if phase == "pull":
        on.script.images.clear()
    on.script.hold = phase
    run = on.start(PHASES[phase], *args)
    until(lambda: on.script.reached.is_set() or run.poll() is not None)
    assert on.script.reached.is_set(), run.communicate()[0]
    return run


def left(script: Script) -> list[str]:
    return [*script.states, *script.things]


@SIGNALS
@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_and_sigterm_leave_nothing(on: Stage, phase: str, number: signal.Signals) -> None:
    run = begin(on, phase)
    run.send_signal(number)
    time.sleep(0.2)  # the signal comes before the answer
    on.script.release.set()
    text = run.communicate(timeout=300)[0]
    assert run.returncode == INTERRUPTED, text
    assert "KeyboardInterrupt" in text
    assert "INTERNALERROR" not in text
    assert left(on.script) == []


@pytest.mark.parametrize("phase", PHASES)
def test_of_a_killed_run_the_next_run_s_sweep_leaves_nothing(on: Stage, phase: str) -> None:
    run = begin(on, phase)
    run.kill()
    run.communicate(timeout=300)
    on.script.release.set()
    on.script.hold = ""
    assert (phase in ("pull", "build")) == (left(on.script) == [])
    strangers = on.box(labels={"who": "other"})
    on.run(SWEEP, "-p", "no:xdist").assert_outcomes(passed=1)
    assert left(on.script) == [strangers.id]


@ALL_SIGNALS
def test_the_workers_of_a_controller_that_ends_remove_what_is_theirs(on: Stage, number: signal.Signals) -> None:
    on.script.hold = "exec"
    run = on.start('''
import pytest
@pytest.mark.parametrize("n", range(2))
def test_it(nanoserver_session, nanoserver, n): nanoserver.cmd("ver")
''', "-n", "2")
    until(on.script.reached.is_set)
    until(lambda: on.script.asked.count("start") == 3)
    run.send_signal(number)
    time.sleep(0.2)
    on.script.release.set()
    text = run.communicate(timeout=300)[0]
    until(lambda: left(on.script) == [], why=lambda: text)


def test_a_worker_that_is_killed_takes_the_shared_container_from_no_other(on: Stage) -> None:
    run = on.start('''
import os, signal, time
import pytest
@pytest.mark.parametrize("n", range(6))
def test_it(nanoserver_session, n):
    assert nanoserver_session.inspect().state.running
    if n == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)
''', "-n", "2")
    text = run.communicate(timeout=300)[0]
    assert "1 failed, 5 passed" in text, text
    assert on.script.asked.count("create") == 1
    assert left(on.script) == []


def test_the_second_ctrl_c_does_not_wait_for_the_engine(on: Stage) -> None:
    run = begin(on, "create")
    for _ in range(2):
        run.send_signal(signal.SIGINT)
        time.sleep(0.3)
    run.communicate(timeout=300)
    on.script.release.set()
    on.script.hold = ""
    on.run(SWEEP, "-p", "no:xdist").assert_outcomes(passed=1)
    assert left(on.script) == []


def test_an_alarm_as_pytest_timeout_has_it_leaves_nothing_of_what_is_being_created(on: Stage) -> None:
    on.script.hold = "create"
    threading.Timer(1.5, on.script.release.set).start()
    result = on.run('''
import signal
import pytest

def ring(number, frame): pytest.fail("it took too long")
def test_it(container_factory):
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    container_factory()
''')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*it took too long*"])
    assert left(on.script) == []


def test_what_lives_or_is_another_machine_s_is_not_swept(on: Stage) -> None:
    labels = {"io.wcow.session": "other", "io.wcow.machine": "other", "io.wcow.pid": "1"}
    on.box(labels=labels)
    lives = begin(on, "exec")
    mine = set(left(on.script))
    on.script.hold = ""
    on.run(SWEEP, "-p", "no:xdist").assert_outcomes(passed=1)
    assert set(left(on.script)) == mine
    assert len(mine) == 2
    on.script.release.set()
    lives.communicate(timeout=300)
    assert lives.returncode == 0
