# SPDX-License-Identifier: Apache-2.0
"""A joined program that is ended early leaves no box that cannot end, also under a process 1 that waits for none."""

from __future__ import annotations

import pytest
from support import programs, users

HOLDER = """
import os, subprocess, sys, time
from imagebuild.runtime.linux import joined
assert os.getpid() == 1
box = subprocess.Popen(["unshare", "--pid", "--fork", "sleep", "1000"])
def child(pid):
    while not (found := open(f"/proc/{pid}/task/{pid}/children").read().split()):
        time.sleep(0.01)
    return int(found[0])
first = child(box.pid)
inside = subprocess.Popen(["nsenter", f"--target={first}", "--pid", *sys.argv[1:]])
program = child(inside.pid)
if sys.argv[1:2] == ["sh"]:
    while open(f"/proc/{inside.pid}/stat").read().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.01)
joined.end(inside)
os.kill(first, 9)
try:
    box.wait(5)
    print("ended")
except subprocess.TimeoutExpired:
    print("the box never ends:", open(f"/proc/{program}/stat").read().split()[:4])
"""
"""Runs as process 1 of a namespace, as an engine does that is a Docker container's first program."""


def as_process_1(kind: str, *command: str) -> str:
    with programs.skipping():
        account = users.find(kind)
    code = ("import subprocess, sys; print(subprocess.run(['unshare', *(['--map-root-user'] if __import__('os')"
            ".geteuid() else []), '--pid', '--fork', '--kill-child', '--mount-proc', sys.executable, '-c', "
            "*sys.argv[1:]], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout, end='')")
    return account.run(code, HOLDER, *command).strip()


@pytest.mark.parametrize("kind", [users.ROOT, users.USER])
@pytest.mark.parametrize("command", [("sleep", "1000"), ("sh", "-c", "kill -STOP $$; sleep 1000")],
                         ids=["a program that waits", "a program that stopped itself, and nsenter with it"])
def test_a_box_ends_after_its_joined_program_was_ended_early(kind: str, command: tuple[str, ...]) -> None:
    assert as_process_1(kind, *command) == "ended"
