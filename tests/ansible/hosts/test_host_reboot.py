# SPDX-License-Identifier: Apache-2.0
"""The action plugin ``host_reboot``: what it takes for a restart, and what it waits for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import ansible_hosts
from support.ansible_hosts import Controller

#: Plays the plugin over answers that are given to it, in a process of its own: Ansible's loaders are global.
PLAYER = r"""
import json, sys
from types import SimpleNamespace
from ansible.plugins.loader import action_loader, init_plugin_loader
from ansible.errors import AnsibleConnectionFailure

init_plugin_loader([sys.argv[1]])
given = json.loads(sys.argv[2])
sleeps, calls, timeouts = [], [], []
options = {"connection_timeout": 30}
connection = SimpleNamespace(reset=lambda: calls.append("reset"), get_option=options.__getitem__,
                             set_option=lambda name, value: (timeouts.append(value), options.update({name: value})),
                             _shell=SimpleNamespace(tmpdir=None))
task = SimpleNamespace(args=given["args"], check_mode=given.get("check", False), async_val=0, action="host_reboot",
                       environment=None, diff=False, delegate_to=None)
plugin = action_loader.get("wcow.containers.host_reboot", task=task, connection=connection, play_context=None,
                           loader=None, templar=None, shared_loader_obj=None)
module = sys.modules[type(plugin).__module__]
now = [0.0]
module.time = SimpleNamespace(sleep=lambda seconds: now.__setitem__(0, now[0] + seconds), monotonic=lambda: now[0])
answers = iter(given["answers"])

def execute(module_name, module_args, task_vars):
    calls.append(module_args["step"])
    answer = next(answers)
    if isinstance(answer, str):
        raise AnsibleConnectionFailure(answer)
    return dict(answer)

plugin._execute_module = execute
print(json.dumps({"result": plugin.run(task_vars={}), "calls": calls, "timeouts": timeouts, "now": now[0]}))
"""

OLD = {"boot_time": "2026-12-02T10:00:00Z", "pending_reboot": ["computer-name"], "waiting": []}
NEW = {"boot_time": "2026-12-02T11:00:00Z", "pending_reboot": [], "waiting": []}
OPTIONS = {"reboot_timeout": 60, "connect_timeout": 5, "engine_timeout": 30, "post_reboot_delay": 0}
GO = {"changed": True, "containers": [], "invocation": {"module_args": OPTIONS}}


def played(tmp_path: Path, *answers: Any, check: bool = False, **options: Any) -> dict[str, Any]:
    pytest.importorskip("ansible", reason="ansible-core is not installed: scripts/setup test")
    place = ansible_hosts.collections(tmp_path / "collections")
    given = {"args": options, "check": check, "answers": answers}
    done = subprocess.run([sys.executable, "-c", PLAYER, place, json.dumps(given)], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_restart_is_over_when_the_boot_time_has_changed_and_the_services_run(tmp_path: Path) -> None:
    starting = {**NEW, "waiting": ["docker does not answer: no pipe"]}
    got = played(tmp_path, OLD, GO, OLD, "refused", starting, starting, NEW)
    assert got["result"]["rebooted"] and got["result"]["changed"] and not got["result"].get("failed")
    assert got["result"]["boot_time"] == NEW["boot_time"] and got["result"]["pending_reboot"] == ["computer-name"]
    assert got["calls"] == ["look", "restart", *["reset", "look"] * 5]
    assert got["timeouts"] == [5, 30, 30] and got["result"]["elapsed"] == int(got["now"])


def test_a_host_that_does_not_come_back_or_stays_without_its_engine_is_an_error(tmp_path: Path) -> None:
    gone = played(tmp_path, OLD, GO, *["refused"] * 99)["result"]
    assert gone["failed"] and not gone["rebooted"] and gone["changed"]
    assert gone["msg"] == "the host did not come back within 60 seconds: it cannot be reached: refused"
    same = played(tmp_path / "2", OLD, GO, *[OLD] * 99)["result"]
    assert "it has not restarted yet" in same["msg"] and not same["rebooted"]
    dead = played(tmp_path / "3", OLD, GO, *[{**NEW, "waiting": ["hns is stopped"]}] * 99)["result"]
    assert dead["failed"] and dead["rebooted"] and "within 30 seconds: hns is stopped" in dead["msg"]


def test_what_the_host_refuses_ends_it_before_anything_is_waited_for(tmp_path: Path) -> None:
    refused = played(tmp_path, OLD, {"failed": True, "changed": False, "msg": "2 containers run"})
    assert refused["result"]["msg"] == "2 containers run" and not refused["result"]["rebooted"]
    assert refused["calls"] == ["look", "restart"]
    quiet = played(tmp_path / "2", OLD, {**GO, "changed": False}, policy="if_required")
    assert not quiet["result"]["changed"] and not quiet["result"]["rebooted"]
    check = played(tmp_path / "3", OLD, GO, check=True)
    assert check["result"]["changed"] and check["result"]["rebooted"] and check["calls"] == ["look", "restart"]


def test_a_connection_that_breaks_is_tried_again_before_and_waited_for_after(tmp_path: Path) -> None:
    got = played(tmp_path, "broken", OLD, "broken by the restart", NEW, NEW, reboot_timeout="20")
    assert got["result"]["rebooted"] and got["calls"][:4] == ["look", "reset", "look", "restart"]


def test_containers_with_a_restart_policy_are_started_again_and_looked_at(tmp_path: Path) -> None:
    web, job = ({"id": name, "name": name, "image": "x", "restart_policy": policy}
                for name, policy in (("web", "always"), ("job", "no")))
    go = {**GO, "containers": [web, job]}
    got = played(tmp_path, OLD, go, NEW, NEW, {"containers_not_started": []}, running_containers="stop")
    assert got["calls"][-1] == "resume" and not got["result"].get("failed")
    dead = played(tmp_path / "2", OLD, go, NEW, NEW, {"containers_not_started": ["web"]}, running_containers="stop")
    assert dead["result"]["failed"] and dead["result"]["msg"].endswith("do not run: web")
    assert dead["result"]["rebooted"] and dead["result"]["containers_not_started"] == ["web"]
    none = played(tmp_path / "3", OLD, {**GO, "containers": [job]}, NEW, NEW, running_containers="stop")
    assert none["calls"][-1] == "look"


@pytest.mark.slow
def test_a_host_says_when_it_was_started_and_whether_a_restart_is_due(controller: Controller) -> None:
    task = {"wcow.containers.host_reboot": {}}
    got = controller.play({**task, "check_mode": True},
                          {"wcow.containers.host_reboot": {"policy": "if_required"}})
    assert got[0].changed and got[0]["rebooted"] and got[0]["pending_reboot"] == []
    assert got[0]["boot_time"].startswith("20") and got[0]["boot_time"].endswith("Z")
    assert not got[1].changed and not got[1]["rebooted"]
