# SPDX-License-Identifier: Apache-2.0
"""The registry of a host as its state has it."""

from __future__ import annotations

from dataclasses import replace

from support import machines

from imagebuild.hostd.state import registry as state_registry
from imagebuild.hostd.state import state
from imagebuild.windows.facts.host import WindowsVersion

WINDOWS = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion"
NAMES = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName"


def test_the_reasons_for_a_restart_are_there_and_gone_again() -> None:
    due = replace(state.default(client=False), pending_reboot=state.REASONS)
    keys = state_registry.keys(due, "win")
    assert keys[rf"{WINDOWS}\Component Based Servicing\RebootPending"] == {}
    assert keys[rf"{WINDOWS}\WindowsUpdate\Auto Update\RebootRequired"] == {}
    assert keys[NAMES] == {"ComputerName": "WIN-2"}
    calm = state_registry.keys(state.default(client=False), "win")
    assert calm[rf"{WINDOWS}\Component Based Servicing\RebootPending"] is None
    assert calm[NAMES] == {"ComputerName": "WIN"}
    assert calm[state_registry.SIGN_IN] == {}


def test_a_machine_is_in_the_registry_where_scripts_look() -> None:
    keys = state_registry.keys(state.of_machine(machines.WINDOWS_11), "dev")
    version = keys[r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"]
    assert version == {"ProductName": "Windows 10 Pro", "EditionID": "Professional", "InstallationType": "Client",
                       "DisplayVersion": "25H2", "UBR": 7462, "BuildLabEx": "26100.1.amd64fre.ge_release.210507-1500"}
    assert keys[r"HKLM\SYSTEM\CurrentControlSet\Services\vmms"] == {"Start": 2}
    assert keys[rf"{WINDOWS}\Uninstall\Docker Desktop"] == {"DisplayName": "Docker Desktop", "DisplayVersion": "4.52.0"}
    old = machines.changed(machines.SERVER_2022, {"host.version": WindowsVersion(10, 0, 14393, 7070),
                                                  "system.display": None})
    version = state_registry.keys(state.of_machine(old), "dev")[r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"]
    assert version is not None and version["DisplayVersion"] is None


def test_the_text_is_what_reg_import_reads() -> None:
    text = state_registry.text(replace(state.default(client=False), pending_reboot=("file-rename",)), "win")
    lines = text.decode("utf-16").split("\r\n")
    assert lines[0] == "Windows Registry Editor Version 5.00" and lines[-1] == ""
    assert r"[-HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending]" \
        in lines
    assert '"ComputerName"="WIN"' in lines
    [renames] = [line for line in lines if line.startswith('"PendingFileRenameOperations"=hex(7):')]
    data = bytes.fromhex(renames.partition(":")[2].replace(",", ""))
    assert data.decode("utf-16-le") == "\\??\\C:\\ProgramData\\wcow\\pending\0\0\0"
    assert [state_registry._data(one) for one in (None, 300, 'a"\\', b"\1\2")] == [
        "-", "dword:0000012c", '"a\\"\\\\"', "hex:01,02"]
