# SPDX-License-Identifier: Apache-2.0
"""Other people's modules and programs use a host's engine through ``tunnel``, unmodified."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from support import ansible_cores, ansible_winrm, engines, programs
from support.ansible_objects import ours

pytestmark = pytest.mark.slow

HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


@pytest.fixture
def reached(served: engines.Served, tmp_path: Path) -> Any:
    with (programs.skipping(),
          ansible_winrm.winrm_host(tmp_path / "win", f"unix://{served.socket}", "psrp") as one):
        yield one


@pytest.mark.parametrize("core", ansible_cores.CORES)
def test_community_dockers_objects_are_unchanged_to_ours(reached: Any, core: str) -> None:
    controller, _served = reached
    with programs.skipping():
        controller.program = ansible_cores.playbook(core)
    at = {"docker_host": "{{ tunnel.docker_host }}"}
    theirs = [
        {"community.docker.docker_volume": {**at, "volume_name": "data"}, "vars": HERE},
        {"community.docker.docker_container": {
            **at, "name": "web", "image": "app:1", "command": ["sleep", "60"], "env": {"MODE": "test"}, "pull": "never",
            "restart_policy": "always", "mounts": [{"type": "volume", "source": "data", "target": "C:\\data"}]},
         "vars": HERE},
    ]
    ask = {"ansible.builtin.command": {"argv": ["docker", "ps", "--format", "{{ '{{.Names}}' }}"]}, "vars": HERE,
           "environment": "{{ tunnel.environment }}"}
    version = {"ansible.builtin.debug": {"msg": "{{ query('ansible.builtin.pipe', galaxy) }}"}, "vars": {
        "galaxy": f"{Path(controller.program[0]).with_name('ansible-galaxy')} collection list community.docker"}}
    assert ansible_cores.CORES[core] in str(controller.play(version).one().result)
    played = controller.play(
        {**ours("tunnel"), "register": "tunnel"}, *theirs, *theirs, ask,
        ours("volume", name="data"),
        ours("container", name="web", image="app:1", command=["sleep", "60"], env={"MODE": "test"}, pull="never",
             restart_policy="always", mounts=[{"type": "volume", "source": "data", "target": "C:\\data"}]),
        ours("tunnel", state="absent"))
    assert [one.state for one in played.outcomes] == ["ok"] * 9, played.printed
    assert [one.changed for one in played.outcomes] == [False, True, True, False, False, True, False, False, False], \
        played.printed
    assert played[5]["stdout_lines"] == ["web"]
