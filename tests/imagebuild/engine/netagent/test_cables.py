# SPDX-License-Identifier: Apache-2.0
"""Cables of containers that end: off at once, gone a moment later, many as quickly as one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.networking import real_kernel

AGENT = Path(__file__).resolve().parents[4] / "imagebuild" / "engine"

SCRIPT = """
import fcntl, os, socket, struct, time
from netagent import spaces
from netagent.agent import Agent
from netagent.loop import Loop

def is_up(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return struct.unpack_from("16xH", fcntl.ioctl(sock, 0x8913, name.encode().ljust(40, bytes(1))))[0] & 1

def names():
    return {name for _, name in socket.if_nameindex()} - {"lo", "br1"}

spaces.own_world()
agent = Agent(Loop(), spaces.here())
agent.bridge(1, "172.28.0.1/20", False)
removed = []
remover, agent._remover = agent._remover, type("", (), {"remove": staticmethod(removed.append)})
made, kept = {}, []
for i in range(40):
    agent.attach(f"c{i}", [{"network": 1, "address": f"172.28.0.{i + 2}/20", "gateway": "", "names": [],
                            "mac": "00:15:5d:1c:00:%02x" % i}], [])
    kept.append(os.dup(agent._containers[f"c{i}"].space))  # or the kernel removes the cable with the namespace
    made[f"c{i}"] = agent._containers[f"c{i}"].cables[1][0]
print(len(names()), all(map(is_up, made.values())))
for i in range(39):
    agent.detach(f"c{i}")
print(sorted(removed) == sorted(names() - {made["c39"]}), any(map(is_up, removed)), bool(is_up(made["c39"])))
for name in (*removed, "nosuch"):
    remover.remove(name)
begin = time.monotonic()
while len(names()) > 1 and time.monotonic() - begin < 20:
    time.sleep(0.01)
print(names() == {made["c39"]})
agent.attach("c0", [{"network": 1, "address": "172.28.0.2/20", "gateway": "", "names": [],
                     "mac": "00:15:5d:1c:00:00"}], [])
print(len(names()))
"""


def test_a_cable_is_off_at_once_and_gone_soon_and_those_of_others_stay() -> None:
    with real_kernel():
        pass  # or a skip, with what this machine says
    done = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({str(AGENT)!r})\n{SCRIPT}"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["40 True", "True False True", "True", "2"]
