# SPDX-License-Identifier: Apache-2.0
"""The inventory plugin makes hosts and groups of an engine's containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import ansible_winrm, engines, programs
from support.ansible_hosts import Controller
from support.ansible_objects import ours, play

pytestmark = pytest.mark.slow  # a task takes most of a second of Ansible itself


def listed(controller: Controller, folder: Path, options: dict[str, Any], *arguments: str,
           name: str = "here.wcow.yml") -> tuple[dict[str, Any], str]:
    """Return what ansible-inventory lists, and what it says as errors."""
    source = folder / name
    source.write_text(json.dumps({"plugin": "wcow.containers.containers", **options}), encoding="utf-8")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(controller.folder), "ANSIBLE_NOCOLOR": "1",
                   "ANSIBLE_HOME": str(controller.folder / "home"), "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    done = subprocess.run([Path(sys.executable).with_name("ansible-inventory"), *arguments, "-i", source, "--list"],
                          cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    found = json.loads(done.stdout, object_hook=lambda one: one.get("__ansible_unsafe", one)) \
        if done.stdout.startswith("{") else {}
    return found, done.stderr


def prepare(controller: Controller, served: engines.Served) -> None:
    """Make a container that runs, and one that does not."""
    web = ours("container", name="web", image="app:1", command=["sleep", "60"], isolation="process",
               labels={"role": "web", "tier": "{{ '{{' }} lookup('pipe', 'id') }}"}, env={"TOKEN": "hunter2hunter2"})
    idle = ours("container", name="idle", image="app:1", command=["sleep", "60"], state="present")
    assert [one.state for one in play(controller, served, web, idle).outcomes] == ["ok", "ok"]


def test_containers_are_grouped_by_image_build_isolation_and_label(controller: Controller, served: engines.Served,
                                                                   tmp_path: Path) -> None:
    prepare(controller, served)
    options = {"docker_host": f"unix://{served.socket}",
               "keyed_groups": [{"key": "wcow_state", "prefix": "state"}],
               "groups": {"labelled": "'role' in wcow_labels"}, "compose": {"first": "wcow_name[0]"}}
    found, said = listed(controller, tmp_path, options)
    web = found["_meta"]["hostvars"]["web"]
    assert list(found["_meta"]["hostvars"]) == ["web"], said
    build = web["wcow_build"]
    assert build.isdigit()
    for group in ("image_app_1", f"build_{build}", "isolation_process", "label_role_web", "state_running", "labelled"):
        assert found[group]["hosts"] == ["web"], group
    assert web["ansible_connection"] == "wcow.containers.container"
    assert web["ansible_wcow_container"] == "web"
    assert web["ansible_wcow_docker_host"] == options["docker_host"]
    assert web["first"] == "w"
    assert web["wcow_labels"]["tier"] == "{{ lookup('pipe', 'id') }}"
    assert "hunter2" not in json.dumps(found)

    found, said = listed(controller, tmp_path, {**options, "stopped": True, "group_by": ["image"],
                                                "filters": {"name": "idle"}})
    assert list(found.get("_meta", {}).get("hostvars", {})) == ["idle"], said
    assert not [name for name in found if name.startswith(("build_", "isolation_", "label_"))]


def test_what_is_wrong_is_a_sentence(controller: Controller, tmp_path: Path) -> None:
    for options, words in [({"docker_host": "tcp://127.0.0.1:1"}, "the engine does not tell its containers:"),
                           ({"engine_hosts": ["win9"]}, "no host or group of that name"),
                           ({"docker_context": "nosuch"}, "there is no context of this name"),
                           ({"group_by": ["colour"]}, "colour")]:
        found, said = listed(controller, tmp_path, options)
        assert not found.get("_meta", {}).get("hostvars")
        assert words in " ".join(said.split()), said
        assert "Traceback" not in said
    found, said = listed(controller, tmp_path, {"docker_host": "tcp://127.0.0.1:1", "skip_unreachable": True})
    assert found
    assert "[WARNING]: the engine does not tell its containers:" in " ".join(said.split())


@pytest.mark.parametrize("connection", ["psrp", "winrm"])
def test_the_containers_of_hosts_of_the_inventory_are_reached_through_these(
        served: engines.Served, tmp_path: Path, connection: str) -> None:
    with (programs.skipping(),
          ansible_winrm.winrm_host(tmp_path / "win", f"unix://{served.socket}", connection) as (controller, _host)):
        made = controller.play(ours("container", name="web", image="app:1", command=["sleep", "60"]))
        assert made.one().state == "ok", made.printed
        secret = {**controller.variables, "ansible_password": "{{ the_password }}",
                  "the_password": controller.variables["ansible_password"]}
        hosts = tmp_path / "hosts.json"
        hosts.write_text(json.dumps({"windows": {"hosts": {"win": secret}}}), encoding="utf-8")
        found, said = listed(controller, tmp_path, {"engine_hosts": ["windows"]}, "-i", str(hosts))
        assert "web@win" in found.get("_meta", {}).get("hostvars", {}), said
        one = found["_meta"]["hostvars"]["web@win"]
        assert (one["ansible_wcow_engine_host"], one["wcow_name"]) == ("win", "web")
        here = tmp_path / "here.wcow.yml"
        listed(controller, tmp_path, {"engine_hosts": ["win"]}, "-i", str(hosts))
        played = Controller(controller.folder, secret).play(
            {"ansible.builtin.raw": "echo from inside"}, arguments=("-i", str(here), "--limit", "web@win"))
        assert (played.one().state, played.one().text) == ("ok", "from inside\n"), played.printed
