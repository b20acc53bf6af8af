# SPDX-License-Identifier: Apache-2.0
"""Modules run inside a Windows container by the connection ``wcow.containers.container``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ansible_hosts, engine, programs, windows_programs
from support.ansible_hosts import Controller, raw

from imagebuild.containers import Spec, run_container
from imagebuild.dockerapi import Client
from imagebuild.images import BaseRequest, bring_stand_in

pytestmark = pytest.mark.slow

BUILD = "10.0.20348.2340"


@pytest.fixture(scope="module")
def made() -> Iterator[engine.Engine]:
    """An engine with PowerShell, and a container of each: ``full`` has PowerShell, ``nano`` has none."""
    with programs.skipping(), engine.engine() as one:
        programs.run(one.user.python, "-m", "imagebuild", "powershell", "install", "--root", one.root, "--from",
                     windows_programs.powershell(), cwd=ansible_hosts.REPOSITORY, timeout=300, user=one.user)
        with Client.at(one.host) as client:
            for flavour, name in (("servercore", "full"), ("nanoserver", "nano")):
                bring_stand_in(client, BaseRequest(flavour=flavour, os_version=BUILD), f"{flavour}:1")
                run_container(client, Spec.of(f"{flavour}:1", name=name, command=["ping", "-t", "127.0.0.1"]))
        yield one


@pytest.fixture
def controller(made: engine.Engine, tmp_path: Path) -> Controller:
    """What plays inside of the container ``full``."""
    ansible_hosts.collections(tmp_path / "controller")
    return Controller(tmp_path / "controller", {
        "ansible_connection": "wcow.containers.container", "ansible_host": "full",
        "ansible_wcow_docker_host": made.host})


def windows(module: str, /, **args: Any) -> dict[str, Any]:
    """Return a task of ``ansible.windows``."""
    return {f"ansible.windows.{module}": args}


def states(played: ansible_hosts.Played) -> list[str]:
    """Return the states of all tasks."""
    return [one.state for one in played.outcomes]


def test_modules_of_ansible_windows_run_in_a_container(controller: Controller, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a \xe4 {{ x }} %PATH% \"q\"\r\n" + bytes(range(256)))
    copy = windows("win_copy", src=str(tmp_path / "a.txt"), dest="C:\\new\\a b.txt")
    key = windows("win_regedit", path="HKLM:\\Software\\App", name="Greeting", data="grüße", type="string")
    played = controller.play(
        windows("win_ping"), windows("win_file", path="C:\\new", state="directory"),
        *[copy] * 2, *[key] * 2, {**windows("win_command", cmd='cmd /c "echo a b & exit 3"'), "ignore_errors": True},
        {"ansible.windows.win_shell": "Write-Output $PSVersionTable.PSEdition 'ü'"},
        {"ansible.builtin.fetch": {"src": "C:\\new\\a b.txt", "dest": f"{tmp_path}/back", "flat": True}},
        raw("reg query HKLM\\Software\\App /v Greeting"), arguments=("-vvvv",))
    said = states(played)
    assert [*said[:6], *said[7:]] == ["ok"] * 9, played.printed
    assert played[0]["ping"] == "pong"
    assert [one.changed for one in played.outcomes[2:6]] == [True, False, True, False]
    assert said[6] == "failed"
    assert (played[6]["rc"], played[6]["stdout"].strip()) == (3, "a b")
    assert played[7]["stdout_lines"][-1] == "ü"
    assert (tmp_path / "back").read_bytes() == (tmp_path / "a.txt").read_bytes()
    assert "Greeting" in played[9].text


def test_programs_run_without_powershell_and_what_needs_it_is_an_error(controller: Controller) -> None:
    controller.variables["ansible_wcow_container"] = "nano"
    played = controller.play(
        raw('echo "a & b" %OS% & exit 3'), windows("win_command", cmd='cmd /d /c "echo a  b"'),
        windows("win_command", argv=["cmd", "/d", "/c", "set", "GREETING"], creates="C:\\none"),
        windows("win_command", cmd="cmd /d /c exit 0", creates="C:\\Windows\\System32\\cmd.exe"),
        windows("win_shell", cmd="echo %GREETING% & exit 4", executable="cmd"),
        windows("win_command", cmd="nosuch.exe /x"), windows("win_ping"),
        {"ansible.builtin.raw": "cmd /c exit 0", "vars": {"ansible_wcow_container": "gone"}},
        ignore_errors=True, ignore_unreachable=True, environment={"GREETING": "grüße {{ '%' }}OS{{ '%' }}"})
    text, command, argv, skipped, shell, missing, ping, gone = played.outcomes
    assert (text["rc"], text.text.strip()) == (3, '"a & b" Windows_NT'), played.printed
    assert (command.changed, command["rc"], command["stdout"]) == (True, 0, "a  b\n"), played.printed
    assert argv["stdout"] == "GREETING=grüße %OS%\n"
    assert (skipped.state, skipped["msg"]) == ("skipped", "skipped, since C:\\Windows\\System32\\cmd.exe exists")
    assert (shell.state, shell["rc"], shell["stdout"].strip()) == ("failed", 4, "grüße %OS%")
    assert (missing.state, missing["rc"]) == ("failed", 2)
    assert ping.state == "failed"
    assert "has no PowerShell" in ping.message
    assert gone.state == "unreachable"
    assert "there is no container gone at the engine unix://" in gone.message
