# SPDX-License-Identifier: Apache-2.0
"""What ``tests/live`` plays on a Windows host that is named parses, and plays on a stand-in that is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import ansible_hosts, programs, windows_programs
from support.ansible_hosts import REPOSITORY
from support.ansible_states import ROWS

pytestmark = pytest.mark.slow

def test_the_playbooks_parse(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("ansible-playbook")
    if not program.exists():
        pytest.skip("ansible-core is not installed: scripts/setup test")
    (tmp_path / "states.yml").write_text(json.dumps([{"hosts": "all", "tasks": [
        task for row in ROWS for task in row.tasks]}]), encoding="utf-8")
    names = [f"wcow.containers.{path.stem}" for path in sorted((REPOSITORY / "playbooks").glob("*.yml"))]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ansible_hosts.collections(tmp_path / "collections")),
                   "ANSIBLE_HOME": str(tmp_path / "home")}
    done = subprocess.run([program, "-i", "win,", "--syntax-check", tmp_path / "states.yml", *names], env=environment,
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("playbook: ")][1:] != []


@pytest.mark.parametrize("connection", ["psrp", "ssh"])
def test_they_play_on_a_stand_in_that_is_named(connection: str) -> None:
    with (programs.skipping(), ansible_hosts.host(docker=windows_programs.docker() / "docker.exe") as host):
        at, document = "Administrator@127.0.0.1", host.document
        environment = {
            **os.environ, "WCOW_LIVE_HOST": f"winrm+http://{at}:{document['winrm_port']}",
            "WCOW_LIVE_SSH": f"ssh://{at}:{document['ssh_port']}", "WCOW_LIVE_PASSWORD": ansible_hosts.PASSWORD,
            "WCOW_LIVE_IMAGE": "nanoserver", "ANSIBLE_HOST_KEY_CHECKING": "False"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "0", "-rs", "tests/live/test_playbooks.py",
             "-k", f"{connection} and (scenario or network or pulled or (reboot and due))"],
            cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout
    assert "5 passed, 3 skipped" in done.stdout
    for reason in ("WCOW_LIVE_REGISTRY is not set", "it sets their state document", "no engine was installed"):
        assert reason in done.stdout
