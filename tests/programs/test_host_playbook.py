# SPDX-License-Identifier: Apache-2.0
"""Ansible's own modules and connections play on a ``wcow host``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ansible_hosts, programs

PLAY = ansible_hosts.REPOSITORY / "examples" / "host" / "play.yml"


@pytest.fixture(scope="module")
def host() -> Iterator[ansible_hosts.Host]:
    with programs.skipping():
        _ansible_windows()
        with ansible_hosts.host() as started:
            yield started


def _ansible_windows() -> None:
    program = Path(sys.executable).with_name("ansible-doc")
    listed = subprocess.run([program, "--list", "ansible.windows"], capture_output=True, text=True, timeout=120,
                            check=False).stdout if program.exists() else ""
    if "win_regedit" not in listed:
        raise programs.Unavailable("Ansible's Windows modules are not installed: scripts/setup test")


def test_a_first_playbook_runs_by_the_printed_inventory_over_winrm(host: ansible_hosts.Host, tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text(host.wcow("inventory"))
    home = tmp_path / "home"
    environment = {**os.environ, "WCOW_HOST_PASSWORD": ansible_hosts.PASSWORD, "ANSIBLE_HOME": str(home),
                   "ANSIBLE_NOCOLOR": "1"}
    try:
        done = subprocess.run([Path(sys.executable).with_name("ansible-playbook"), "-i", tmp_path / "hosts.ini", PLAY],
                              env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok=4    changed=3 " in done.stdout
    said = host.controller().shell("[IO.File]::ReadAllText('C:\\test\\win2016_me.txt'); "
                                   "(Get-ItemProperty HKLM:\\SOFTWARE\\Demo).Answer")
    assert said.splitlines() == ["This file was created by user 'me' on windows host", "42"]


@pytest.mark.slow
def test_a_scheduled_shutdown_is_scheduled_once_and_can_be_aborted(host: ansible_hosts.Host) -> None:
    said = host.controller().shell("foreach ($words in '/r /t 600', '/s', '/a', '/a', '/x') { "
                                   "$null = & shutdown.exe $words.Split(' ') 2>&1; $LASTEXITCODE }; exit 0")
    assert said.split() == ["0", "1190", "0", "1116", "1"]
