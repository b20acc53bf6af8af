# SPDX-License-Identifier: Apache-2.0
"""An image's registry goes into Wine's, and what a container changed comes out again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.hive import AddKey, Change, DeleteKey, DeleteValue, Edit, Key, KeyLike, SetValue, Union, Value, walk
from imagebuild.hive.places import HIVES
from imagebuild.hive.tree import REG_LINK, SYMLINK, find
from imagebuild.runtime.registry.registry import (
    ContainerNames,
    ImageRegistry,
    Prefix,
    Sides,
    changes_of,
    merge,
    of_container,
)
from imagebuild.runtime.registry.winereg import RegFile, parse
from imagebuild.runtime.registry.winereg_write import write
from imagebuild.windows.upcase import fold


def key(name: str, *parts: Value | Key, **more: int) -> Key:
    return Key(name, [part for part in parts if isinstance(part, Value)],
               [part for part in parts if isinstance(part, Key)], **more)  # type: ignore[arg-type]


LINK = key("CurrentControlSet", Value("SymbolicLinkValue", REG_LINK, b"\\\0"), flags=SYMLINK)
TEMPLATE = Prefix(
    RegFile("REGISTRY\\Machine", "win64", key(
        "", key("Software", key("Microsoft", key("Windows NT", key(
            "CurrentVersion", Value.sz("ProductName", "Microsoft Windows 10 Pro"), Value.sz("CurrentBuild", "19043"),
            Value.sz("SystemRoot", "C:\\windows"), key("Fonts", Value.sz("Tahoma", "x")))), key("Wine"))),
        key("System", LINK, key("ControlSet001", key(
            "Control", key("Session Manager", key("Environment", Value.sz("NUMBER_OF_PROCESSORS", "2"),
                                                  Value.expand_sz("PATH", "C:\\windows")))),
            key("Services", key("Eventlog", Value.dword("Start", 2))))))),
    RegFile("REGISTRY\\User\\S-1-5-21-0-0-0-1000", "win64", key("", key("Environment"), key("Software"))),
    RegFile("REGISTRY\\User\\.Default", "win64", key("", key("Environment"))))

SYSTEM = key("ROOT", key("Select", Value.dword("Current", 2)), key("ControlSet002", key(
    "Control", key("Session Manager", key("Environment", Value.expand_sz("Path", "%SystemRoot%\\system32"),
                                          Value.sz("NUMBER_OF_PROCESSORS", "64"), Value.sz("USERNAME", "SYSTEM"))),
    key("ProductOptions", Value.sz("ProductType", "ServerNT"), Value.sz("ProductSuite", "x"))),
    key("Services", key("W32Time", Value.dword("Type", 0x20), Value.dword("Start", 2),
                        Value.sz("ImagePath", "svchost")),
        key("ACPI", Value.dword("Type", 1), Value.dword("Start", 0)), key("odd"))))
SOFTWARE = key("ROOT", key("Microsoft", key("Windows NT", key(
    "CurrentVersion", Value.sz("ProductName", "Windows Server 2022"), Value.dword("UBR", 2762),
    Value.sz("SystemRoot", "C:\\Windows"), Value.sz("RegisteredOwner", "somebody")), key("Secret"))))


def delta(lower: KeyLike, *edits: Edit) -> tuple[KeyLike, ...]:
    change = Change(lower)
    change.apply(*edits)
    made = change.delta()
    assert made is not None
    return (made,)


def at(file: RegFile, path: str) -> dict[str, object]:
    found = find(file.root, path)
    assert found is not None, path
    return {value.name: value.number() if value.type == 4 else value.text() for value in found.values}


def test_of_the_base_go_in_the_keys_that_dockerfiles_write_into() -> None:
    base = key("ROOT", key("ControlSet001", key("Control", key("Session Manager", key(
        "DOS Devices", Value.sz("NUL", "\\Device\\Null"), key("below", Value.sz("x", "y"))))),
        key("Services", key("Dnscache", Value.dword("Start", 2), key("Parameters")))))
    made = merge(TEMPLATE, ImageRegistry(Sides(base)))
    assert at(made.system, "System\\ControlSet001\\Control\\Session Manager\\DOS Devices") == {
        "NUL": "\\Device\\Null"}
    assert at(made.system, "System\\ControlSet001\\Services\\Dnscache\\Parameters") == {}
    assert at(made.system, "System\\ControlSet001\\Services\\Dnscache") == {}, "the service itself is not there"
    assert find(made.system.root, "System\\ControlSet001\\Services\\EventLog\\Application") is None


def test_of_the_base_go_in_version_environment_and_services_and_nothing_else() -> None:
    made = merge(TEMPLATE, ImageRegistry(Sides(SYSTEM), Sides(SOFTWARE)))
    assert at(made.system, "Software\\Microsoft\\Windows NT\\CurrentVersion") == {
        "ProductName": "Windows Server 2022", "CurrentBuild": "19043", "SystemRoot": "C:\\windows", "UBR": 2762}
    control = "System\\ControlSet001\\Control"
    assert at(made.system, f"{control}\\Session Manager\\Environment") == {
        "NUMBER_OF_PROCESSORS": "2", "PATH": "%SystemRoot%\\system32"}
    assert at(made.system, f"{control}\\ProductOptions") == {"ProductType": "ServerNT"}
    services = find(made.system.root, "System\\ControlSet001\\Services")
    assert services is not None
    assert sorted(one.name for one in services.subkeys) == ["Eventlog", "W32Time"]
    assert at(made.system, "System\\ControlSet001\\Services\\W32Time") == {
        "Type": 0x20, "Start": 3, "ImagePath": "svchost"}
    assert [path for path, _ in walk(made.system.root) if "Secret" in path or "ControlSet002" in path] == []
    assert (made.user, made.userdef) == (TEMPLATE.user, TEMPLATE.userdef)


def test_what_layers_changed_goes_over_wines_own() -> None:
    made = merge(TEMPLATE, ImageRegistry(
        Sides(SYSTEM, delta(SYSTEM, SetValue("ControlSet002\\Control\\Session Manager\\Environment",
                                             Value.sz("APP", "1")), DeleteKey("ControlSet002\\Services\\W32Time"),
                            AddKey("ControlSet002\\Services\\Mine"))),
        Sides(SOFTWARE, delta(SOFTWARE, SetValue("Acme\\App", Value.dword("x", 1)),
                              DeleteValue("Microsoft\\Windows NT\\CurrentVersion", "ProductName"))),
        Sides(key("ROOT"), delta(key("ROOT"), SetValue("Environment", Value.sz("D", "d")))),
        Sides(key("ROOT"), delta(key("ROOT"), SetValue("Environment", Value.sz("U", "u"))))))
    assert at(made.system, "System\\ControlSet001\\Control\\Session Manager\\Environment")["APP"] == "1"
    assert find(made.system.root, "System\\ControlSet001\\Services\\W32Time") is None
    assert find(made.system.root, "System\\ControlSet001\\Services\\Mine") is not None
    assert at(made.system, "Software\\Acme\\App") == {"x": 1}
    assert "ProductName" not in at(made.system, "Software\\Microsoft\\Windows NT\\CurrentVersion")
    assert at(made.userdef, "Environment") == {"D": "d"}
    assert at(made.user, "Environment") == {"U": "u"}
    link = find(made.system.root, "System\\CurrentControlSet")
    assert link is not None
    assert link.flags & SYMLINK
    assert merge(TEMPLATE, ImageRegistry()) == TEMPLATE


def test_what_a_container_has_of_its_own_is_read_over_the_rest() -> None:
    system, user, _ = TEMPLATE.write()
    more = of_container(ContainerNames("some-long-host-name", "ContainerUser", 20348, 2762))
    made = Prefix.parse(system + more[0], user + more[1], TEMPLATE.write()[2])
    name = "System\\ControlSet001\\Control\\ComputerName"
    assert at(made.system, f"{name}\\ComputerName") == at(made.system, f"{name}\\ActiveComputerName") == {
        "ComputerName": "SOME-LONG-HOST-"}
    assert at(made.system, "System\\ControlSet001\\Services\\Tcpip\\Parameters")["Hostname"] == "some-long-host-name"
    version = at(made.system, "Software\\Microsoft\\Windows NT\\CurrentVersion")
    assert (version["CurrentBuild"], version["CurrentBuildNumber"], version["UBR"]) == ("20348", "20348", 2762)
    assert version["ProductName"] == "Microsoft Windows 10 Pro"
    assert at(made.user, "Volatile Environment")["USERDOMAIN"] == "SOME-LONG-HOST-"
    assert changes_of(TEMPLATE, replace(made, system=TEMPLATE.system)) == ()
    assert b"CurrentBuild" not in of_container(ContainerNames("x"))[0]


def edited(file: RegFile, *edits: Edit) -> RegFile:
    change = Change(file.root)
    change.apply(*edits)
    return parse(write(RegFile(file.base, file.arch, change.result())))  # type: ignore[arg-type]


def test_changes_come_out_hive_by_hive_and_lay_over_the_image() -> None:
    before = merge(TEMPLATE, ImageRegistry(Sides(SYSTEM), Sides(SOFTWARE)))
    after = Prefix(
        edited(before.system, SetValue("Software\\New\\Deep", Value.sz("a", "b")),
               DeleteValue("Software\\Microsoft\\Windows NT\\CurrentVersion", "UBR"),
               DeleteKey("System\\ControlSet001\\Services\\W32Time")),
        edited(before.user, AddKey("Console"), SetValue("Software\\Classes\\.x", Value.sz("", "X"))),
        edited(before.userdef, SetValue("Environment", Value.sz("D", "1"))))
    found = {change.hive.root: change for change in changes_of(before, after)}
    assert {root: change.edits for root, change in found.items()} == {
        HIVES["SOFTWARE"].root: (AddKey("New"), AddKey("New\\Deep"), SetValue("New\\Deep", Value.sz("a", "b")),
                                 DeleteValue("Microsoft\\Windows NT\\CurrentVersion", "UBR")),
        HIVES["SYSTEM"].root: (DeleteKey("ControlSet001\\Services\\W32Time"),),
        "HKEY_CURRENT_USER": (AddKey("Console"),),
        "HKEY_CURRENT_USER\\Software\\Classes": (AddKey(".x"), SetValue(".x", Value.sz("", "X"))),
        HIVES["DEFAULT"].root: (SetValue("Environment", Value.sz("D", "1")),)}
    made = found[HIVES["SOFTWARE"].root].over(SOFTWARE, timestamp=5).delta()
    assert made is not None
    union = Union(SOFTWARE, made)
    assert union["New\\Deep"].values == (Value.sz("a", "b"),)
    assert union["Microsoft\\Windows NT\\CurrentVersion"].values.get("UBR") is None
    assert union["Microsoft\\Windows NT\\CurrentVersion"].values.get("RegisteredOwner") is not None


@pytest.mark.parametrize("edit", [
    SetValue("Software\\Microsoft\\Windows NT\\CurrentVersion\\Fonts", Value.sz("Tahoma", "y")),
    SetValue("System\\ControlSet001\\Control\\TimeZoneInformation", Value.sz("TimeZoneKeyName", "X")),
    AddKey("software\\wine\\Drivers"), SetValue("System\\ControlSet001\\Control\\ComputerName\\ComputerName",
                                                Value.sz("ComputerName", "Y")),
    DeleteKey("Software\\Microsoft\\Windows NT\\CurrentVersion\\Fonts"),
    AddKey("System\\ControlSet001\\Control\\DeviceClasses\\{1}\\##?#x")])
def test_what_wine_writes_by_itself_is_no_change(edit: Edit) -> None:
    assert changes_of(TEMPLATE, replace(TEMPLATE, system=edited(TEMPLATE.system, edit))) == ()


def test_a_new_time_or_a_new_link_is_no_change() -> None:
    later = Key("", (), [replace_time(child) for child in TEMPLATE.system.root.subkeys])
    assert changes_of(TEMPLATE, replace(TEMPLATE, system=replace(TEMPLATE.system, root=later))) == ()
    software = find(TEMPLATE.user.root, "Software")
    assert software is not None
    linked = Key("", (), (*TEMPLATE.user.root.subkeys, replace_link()))
    with_link = replace(TEMPLATE, user=replace(TEMPLATE.user, root=linked))
    assert changes_of(TEMPLATE, with_link) == changes_of(with_link, TEMPLATE) == ()


def replace_time(one: Key) -> Key:
    subkeys = [replace_time(child) for child in one.subkeys]
    return Key(one.name, one.values, subkeys, None, one.class_name, 77, one.flags)


def replace_link() -> Key:
    return key("Elsewhere", Value("SymbolicLinkValue", REG_LINK, b"x\0"), key("below"), flags=SYMLINK)


NAMES = st.sampled_from(["a", "A", "b", "C", "d e"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: "\\".join(("Software", *names)))
EDITS = st.lists(st.one_of(
    st.builds(AddKey, PATHS), st.builds(DeleteKey, PATHS), st.builds(DeleteValue, PATHS, NAMES),
    st.builds(SetValue, PATHS, st.builds(Value.sz, NAMES, st.sampled_from(["1", "2"])))), max_size=8)


def plain(root: KeyLike) -> set[tuple[str, tuple[tuple[str, bytes], ...]]]:
    return {(fold(path), tuple(sorted((fold(value.name), value.data) for value in one.values)))
            for path, one in walk(root)}


@settings(deadline=None, max_examples=150)
@given(EDITS, EDITS)
def test_edits_laid_over_what_was_there_give_what_is_there(first: list[Edit], second: list[Edit]) -> None:
    before = replace(TEMPLATE, system=edited(TEMPLATE.system, *first))
    after = replace(TEMPLATE, system=edited(before.system, *second))
    lower = find(before.system.root, "Software")
    wanted = find(after.system.root, "Software")
    assert lower is not None
    assert wanted is not None
    changes = changes_of(before, after)
    result = changes[0].over(lower).result() if changes else lower
    assert plain(result) == plain(wanted)
