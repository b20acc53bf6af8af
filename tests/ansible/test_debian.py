# SPDX-License-Identifier: Apache-2.0
"""A control node that has Debian's ``ansible-core``, ``python3-winrm`` and ``python3-h11``, and no other package."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import ansible_cores, ansible_winrm, engines, programs
from support.ansible_hosts import steady, thrice
from support.ansible_objects import ours

pytestmark = pytest.mark.slow

#: What other tests' control nodes have, and this one has not.
LOOK = ("import importlib.util as u; print([n for n in ('pypsrp', 'zstandard', 'filelock')"
        " if u.find_spec(n)])")


def test_objects_of_an_engine_are_managed_by_winrm(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    with (programs.skipping(), engines.served(tmp_path / "engine") as served,
          ansible_winrm.winrm_host(tmp_path / "win", f"unix://{served.socket}", "winrm") as (controller, _host)):
        controller.program = ansible_cores.debian()
        here = {"ansible.builtin.debug": {"msg": "{{ lookup('ansible.builtin.pipe', python) }} {{ ansible_version }}"},
                "vars": {"python": f'/usr/bin/python3 -c "{LOOK}"'}}
        web = ours("container", name="web", image="app:1", command=["sleep", "60"], env={"MODE": "wéb"}, pull="never")
        played = controller.play(
            here, *thrice(ours("volume", name="data", labels={"a": "1"})), *thrice(web),
            ours("container_exec", container="web", argv=["echo", "grüße"]),
            {**ours("image_build", name="made:1", path=str(tmp_path)), "ignore_errors": True},
            *thrice(ours("container", name="web", state="absent")))
    assert played[0]["msg"].startswith("[] {"), played[0]["msg"]
    assert "'full': '2.19" in played[0]["msg"]
    steady(*played.outcomes[1:4])
    assert steady(*played.outcomes[4:7])["container"]["State"]["Running"]
    assert played[7]["stdout"].strip() == "grüße"
    assert played[8].state == "failed" and "install" in played[8].message, played[8].message
    steady(*played.outcomes[9:12])
