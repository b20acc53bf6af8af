# SPDX-License-Identifier: Apache-2.0
"""The environment a registry gives to processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imagebuild.hive import Key, Value, machine_environment, read, resolve_control_set

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[4] / "shared"))
REAL = SHARED / "hives" / "real" / "SYSTEM_WIN_10_1709"


def tree(path: str, *values: Value) -> Key:
    """One key at a path, with values."""
    first, _, rest = path.partition("\\")
    return Key(first, (), (tree(rest, *values),)) if rest else Key(first, values)


def system(*values: Value) -> Key:
    return Key("ROOT", subkeys=(
        Key("Select", (Value.dword("Current", 1),)),
        tree("ControlSet001\\Control\\Session Manager\\Environment", *values)))


def test_variables_are_expanded_as_windows_does() -> None:
    found = machine_environment(system(
        Value.expand_sz("Path", r"%SystemRoot%\system32;%tools%\bin;%Nothing%"),
        Value.sz("Tools", r"C:\tools"), Value.sz("Plain", "%Tools%"), Value.dword("Skipped", 1)))
    assert found == {"Path": r"C:\Windows\system32;C:\tools\bin;%Nothing%", "Tools": r"C:\tools", "Plain": "%Tools%"}


def test_the_windows_folder_comes_from_the_software_hive() -> None:
    software = Key("ROOT", subkeys=(
        tree("Microsoft\\Windows NT\\CurrentVersion", Value.sz("SystemRoot", "D:\\Win")),))
    assert machine_environment(system(Value.expand_sz("Path", "%SystemRoot%;%SystemDrive%")), software) == \
        {"Path": "D:\\Win;D:"}


def test_a_hive_without_an_environment_has_none() -> None:
    assert machine_environment(Key("ROOT")) == {}


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is missing")
def test_the_path_of_a_real_windows_is_found() -> None:
    path = machine_environment(read(REAL.read_bytes()).root)["Path"]
    assert ";C:\\Windows\\system32;C:\\Windows;C:\\Windows\\System32\\Wbem;" in path


def test_current_control_set_is_the_one_that_select_names() -> None:
    root = Key("ROOT", subkeys=(Key("Select", (Value.dword("Current", 2),)),))
    assert resolve_control_set(root, "currentcontrolset\\Control") == "ControlSet002\\Control"
    assert resolve_control_set(root, "ControlSet001\\Control") == "ControlSet001\\Control"
    assert resolve_control_set(root, "Select\\CurrentControlSet") == "Select\\CurrentControlSet"
    assert resolve_control_set(root, "CurrentControlSet") == "ControlSet002"
    assert resolve_control_set(Key("ROOT"), "CurrentControlSet\\Control") == "ControlSet001\\Control"
    assert resolve_control_set(root, "") == ""
