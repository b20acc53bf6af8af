# SPDX-License-Identifier: Apache-2.0
"""``wcow reg``: on images and on hives in files, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.hivelogs import dirty, entry, new_log
from support.hives import SHARED

from imagebuild.hive import Key, Value, read, write

if TYPE_CHECKING:
    from support.home import Home

VERSION = "10.0.20348.2762"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
TREE = Key("ROOT", (Value.sz("", "top"),), (
    Key("Software", (Value.dword("Number", 7), Value.multi_sz("Many", ["a", "b"]), Value.expand_sz("Path", "%x%"),
                     Value("Raw", 3, b"\1\2"), Value("Odd", 0xFFFF0011, b"x")), (Key("Deep"),), class_name="Class"),
    Key("Space here", (Value.sz("new\nline", "x\x07"),)),
))


@pytest.fixture
def nano(home: Home) -> str:
    home.wcow("base", "create", "--like", "nanoserver", "--os-version", VERSION, "-t", "nano:1")
    return "nano:1"


@pytest.fixture
def file(home: Home) -> Path:
    path = home.folder / "hive"
    path.write_bytes(write(TREE, timestamp=133_485_408_000_000_000))
    return path


def test_query_shows_a_key_its_values_and_its_subkeys(home: Home, file: Path) -> None:
    assert home.wcow("reg", "query", "./hive", "software").out.splitlines() == [
        "Software", "    Number    REG_DWORD    0x7", r"    Many      REG_MULTI_SZ    a\0b",
        "    Path      REG_EXPAND_SZ    %x%", "    Raw       REG_BINARY    0102", "    Odd       0xFFFF0011    78",
        r"Software\Deep"]
    assert home.wcow("reg", "query", "--root", r"HKLM\X", "./hive", r"HKEY_LOCAL_MACHINE\x\SOFTWARE\deep").out == \
        "HKEY_LOCAL_MACHINE\\X\\Software\\Deep\n"
    long = home.wcow("reg", "query", "-l", "./hive", "Software").out
    assert "written:  2024-01-01T00:00:00Z" in long and "class:    Class" in long and "security: O:BAG:SYD:PAI(" in long
    everything = home.wcow("reg", "query", "-s", "./hive").out
    assert "Space here" in everything and "\x07" not in everything and "new\nline" not in everything
    assert home.wcow("reg", "query", "./hive", "Software", "-v", "NUMBER").out == "Number    REG_DWORD    0x7\n"
    assert home.wcow("reg", "query", "./hive", "", "--default").out == "(Default)    REG_SZ    top\n"


def test_facts_for_programs(home: Home, file: Path) -> None:
    facts = json.loads(home.wcow("reg", "query", "--format", "json", "./hive", "Software").out)
    assert [facts[0][name] for name in ("path", "class", "subkeys")] == ["Software", "Class", ["Deep"]]
    assert [value["data"] for value in facts[0]["values"]] == [7, ["a", "b"], "%x%", None, None]
    assert facts[0]["values"][3] == {"name": "Raw", "type": "REG_BINARY", "data": None, "hex": "0102"}


def test_a_full_export_imported_and_exported_again_is_the_same_text(home: Home, file: Path) -> None:
    for encoding in ("utf-16", "utf-8"):
        home.wcow("reg", "export", "./hive", "-o", "one.reg", "--encoding", encoding, "--root", r"HKLM\X")
        (home.folder / "new").write_bytes(write(Key("ROOT")))
        home.wcow("reg", "import", "./new", "one.reg", "--root", r"HKLM\X")
        home.wcow("reg", "export", "./new", "-o", "two.reg", "--encoding", encoding, "--root", r"HKLM\X")
        text = (home.folder / "one.reg").read_bytes()
        assert (home.folder / "two.reg").read_bytes() == text
        assert text[:2] == (b"\xff\xfe" if encoding == "utf-16" else b"Wi")
    told = home.wcow("reg", "diff", "./hive", "./new", code=1).out
    assert {line for line in told.splitlines() if line[0] != " "} == {
        "~ Software  (class, security)", r"~ Software\Deep  (security)", "~ Space here  (security)"}


def test_a_hive_in_a_file_is_changed_in_place_or_beside_it(home: Home, file: Path) -> None:
    before = file.read_bytes()
    home.wcow("reg", "set", "./hive", r"Software\New", "-v", "x", "-d", "text", "-o", "other")
    assert file.read_bytes() == before
    assert read((home.folder / "other").read_bytes())[r"Software\New"].values["x"].text() == "text"
    file.chmod(0o640)
    home.wcow("reg", "delete", "./hive", "Software", "-v", "Many", "-v", "nothing")
    home.wcow("reg", "delete", "./hive", r"Software\Deep")
    hive = read(file.read_bytes())
    assert "Many" not in hive["Software"].values and r"Software\Deep" not in hive
    assert hive["Software"].class_name == "Class"
    assert file.stat().st_mode & 0o777 == 0o640
    assert "nothing to change" in home.wcow("reg", "delete", "./hive", "Nowhere").err
    assert sorted(path.name for path in home.folder.iterdir() if path.is_file()) == ["hive", "other"]


@pytest.mark.parametrize(("kind", "data", "shown"), [
    ("sz", ["text"], "REG_SZ    text"), ("REG_EXPAND_SZ", ["%x%"], "REG_EXPAND_SZ    %x%"), ("dword", ["0x2A"], "0x2a"),
    ("dword", ["-1"], "0xffffffff"), ("qword", ["5"], "REG_QWORD    0x5"), ("multi_sz", ["a", "b"], r"a\0b"),
    ("multi_sz", [], "REG_MULTI_SZ"), ("binary", ["01 fF"], "01FF"), ("none", [], "REG_NONE"), ("0x20", ["aa"], "AA")])
def test_values_of_every_type_are_set(home: Home, file: Path, kind: str, data: list[str], shown: str) -> None:
    home.wcow("reg", "set", "./hive", "K", "-v", "v", "--type", kind, *[part for text in data for part in ("-d", text)])
    assert shown in home.wcow("reg", "query", "./hive", "k", "-v", "V").out


def test_an_image_is_changed_by_one_layer_more(home: Home, nano: str) -> None:
    done = home.wcow("reg", "set", nano, SERVICES + r"\Dnscache", "-v", "Start", "--type", "dword", "-d", "4",
                     "-t", "nano:2")
    assert done.out.startswith("sha256:")
    again = home.wcow("reg", "set", nano, SERVICES + r"\Dnscache", "-v", "Start", "--type", "dword", "-d", "4",
                      "-t", "nano:3")
    assert again.out == done.out
    assert home.wcow("reg", "query", "nano:2", SERVICES + r"\dnscache", "-v", "start").out == \
        "Start    REG_DWORD    0x4\n"
    assert home.wcow("lint", "nano:2").out == "nano:2: nothing found\n"
    layer = home.wcow("reg", "query", "--layer", "1", "-s", "nano:2", r"HKLM\SYSTEM").out
    assert r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\Dnscache" in layer and "Select" not in layer
    history = home.wcow("inspect", "nano:2").out
    assert f"wcow reg set {SERVICES}\\Dnscache /v Start" in history


def test_keys_deleted_in_a_layer_are_told_as_such(home: Home, nano: str) -> None:
    home.wcow("reg", "delete", nano, r"HKLM\SYSTEM\Setup", "-t", "nano:2")
    home.wcow("reg", "delete", "nano:2", r"HKLM\SYSTEM\Select", "-v", "Failed", "-t", "nano:3")
    assert "HKEY_LOCAL_MACHINE\\SYSTEM\\Setup  [deleted here]" in home.wcow(
        "reg", "query", "--layer", "1", "nano:3", r"HKLM\SYSTEM").out
    assert "Failed    [deleted here]" in home.wcow("reg", "query", "--layer", "2", "nano:3", r"HKLM\SYSTEM\Select").out
    assert "there is no key Setup" in home.wcow("reg", "query", "nano:3", r"HKLM\SYSTEM\Setup", code=2).err
    difference = home.wcow("reg", "diff", nano, "nano:3", code=1).out
    assert difference.splitlines() == [
        r"- HKEY_LOCAL_MACHINE\SYSTEM\Setup", r"~ HKEY_LOCAL_MACHINE\SYSTEM\Select", "    - Failed    REG_DWORD    0x0"]
    assert home.wcow("reg", "diff", nano, nano).out == ""


def test_a_reg_file_makes_one_image_of_the_other(home: Home, nano: str) -> None:
    (home.folder / "a.reg").write_text(
        "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso]\n@=\"x\"\n"
        "[-HKEY_LOCAL_MACHINE\\SYSTEM\\Setup]\n[HKEY_USERS\\.DEFAULT\\Environment]\n\"TEMP\"=-\n", "utf-8")
    home.wcow("reg", "import", nano, "a.reg", "-t", "nano:2")
    home.wcow("reg", "diff", nano, "nano:2", "--format", "reg", "-o", "b.reg", code=1)
    home.wcow("reg", "import", nano, "b.reg", "-t", "nano:3")
    assert home.wcow("digest", "nano:3").out != home.wcow("digest", nano).out
    assert home.wcow("reg", "diff", "nano:2", "nano:3").out == ""
    home.wcow("reg", "import", nano, "-", "-t", "nano:4", stdin=(home.folder / "b.reg").read_bytes())
    assert home.wcow("reg", "diff", "nano:2", "nano:4").out == ""
    home.wcow("reg", "diff", nano, "nano:2", r"HKLM\SOFTWARE", "--format", "delta", "-o", "delta", code=1)
    (home.folder / "SOFTWARE").write_bytes(home.wcow("cat", nano, "/Windows/System32/config/SOFTWARE").raw)
    home.wcow("reg", "merge", "./SOFTWARE", "./delta", "-o", "merged")
    home.wcow("reg", "merge", "nano:2", r"HKLM\SOFTWARE", "-o", "of-image")
    assert home.wcow("reg", "diff", "./merged", "./of-image").out == ""
    assert "Contoso" in read((home.folder / "merged").read_bytes())


def test_the_hives_of_an_image_are_examined_layer_by_layer(home: Home, nano: str) -> None:
    home.wcow("reg", "set", nano, SERVICES + r"\Dnscache", "-v", "Start", "--type", "dword", "-d", "4", "-t", "nano:2")
    assert home.wcow("reg", "lint", "nano:2", nano).out == ""
    assert json.loads(home.wcow("reg", "lint", "--notes", "--format", "json", "nano:2").out) == []
    broken = bytearray(write(TREE))
    at = broken.index(b"lh", 4096)
    broken[at + 8] ^= 1
    (home.folder / "NTUSER.DAT").write_bytes(broken)
    (home.folder / "Dockerfile").write_text(f"FROM {nano}\nCOPY NTUSER.DAT C:/Users/me/\n")
    told = home.wcow("build", "-q", "-t", "app:1", ".", code=2).err
    assert "hive-subkey-order: Files/Users/me/NTUSER.DAT: " in told
    home.wcow("build", "-q", "--lint", "off", "-t", "app:1", ".")
    lines = home.wcow("reg", "lint", "app:1", "./NTUSER.DAT", code=1).out.splitlines()
    assert len(lines) == 2 and lines[0].startswith("app:1: layer 1: Files/Users/me/NTUSER.DAT: error: ")
    assert lines[0].partition(".DAT")[2] == lines[1].partition(".DAT")[2]
    (facts,) = json.loads(home.wcow("reg", "lint", "--format", "json", "app:1", code=1).out)
    assert (facts["image"], facts["layer"], facts["file"], facts["id"]) == (
        "app:1", 1, "Files/Users/me/NTUSER.DAT", "list-hash")


def test_hives_are_examined(home: Home, file: Path) -> None:
    assert home.wcow("reg", "lint", "./hive").out == ""
    data = bytearray(file.read_bytes())
    data[4096 + 0x20 + 4 + 20] = 9
    file.write_bytes(bytes(data))
    told = home.wcow("reg", "lint", "./hive", code=1).out
    assert told.startswith("hive: error: ")
    found = json.loads(home.wcow("reg", "lint", "--format", "json", "./hive", code=1).out)
    assert found and {"id", "severity", "offset", "path", "message", "file"} == set(found[0])


@pytest.mark.parametrize(("arguments", "said"), [
    (["query", "./nothing"], "No such file"), (["query", "./text"], "does not begin with a base block"),
    (["query", "./hive", "Nowhere"], "there is no key Nowhere"),
    (["query", "./hive", "--layer", "1"], "--layer is for images"),
    (["query", "./hive", r"HKLM\SOFTWARE"], "the hive is nowhere"),
    (["query", "./hive", "Software", "-v", "x"], "it has Number, Many, Path, Raw, Odd"),
    (["set", "./hive", "K", "-v", "v", "--type", "dword", "-d", "x"], "takes a number"),
    (["set", "./hive", "K", "-v", "v", "--type", "dword", "-d", "5000000000"], "has 4 bytes"),
    (["set", "./hive", "K", "-v", "v", "--type", "strange"], "there is no type"),
    (["set", "./hive", "K", "-v", "v", "-d", "a", "-d", "b"], "REG_SZ has one"),
    (["set", "./hive", "K", "-v", "v", "--type", "binary", "-d", "abc"], "pairs of hexadecimal"),
    (["set", "./hive", "K", "-d", "x"], "none is named"),
    (["set", "./hive", "K", "-v", "x", "--default"], "two values"),
    (["set", "./hive", "K", "-t", "a:1"], "are for images"), (["delete", "./hive", ""], "root of a hive"),
    (["import", "./hive", "nothing.reg"], "No such file"), (["import", "./hive", "text"], "reg file"),
    (["merge", "./hive", "./hive", "-o", "x"], "it is a plain hive"),
    (["set", "nano:1", r"HKLM\SOFTWARE\x"], "needs a name"), (["set", "nano:1", r"HKLM\COMPONENTS\x", "-t", "a"],
                                                              "no delta for COMPONENTS"),
    (["set", "nano:1", r"HKLM\SOFTWARE\x", "-o", "f", "-t", "a"], "-o is for a hive"),
    (["query", "nano:1", "--layer", "7"], "has no layer 7"), (["query", "nano:1", "x"], "does not begin with a root"),
    (["diff", "nano:1", "nano:1", "--format", "delta", "-o", "x"], "a delta is of one hive"),
    (["diff", "./hive", "nano:1"], "no hive in common"), (["merge", "nano:1", "-o", "x"], "writes one hive")])
def test_errors_say_what_why_and_what_to_do(home: Home, nano: str, file: Path, arguments: list[str], said: str) -> None:
    (home.folder / "text").write_text("just text", "utf-8")
    before = file.read_bytes()
    done = home.wcow("reg", *arguments, code=2)
    assert any(line.startswith("error: ") for line in done.err.splitlines()) and said in done.err
    assert file.read_bytes() == before
    assert not (home.folder / "x").exists()


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no hives in {SHARED}")
def test_a_hive_that_was_not_closed_is_read_with_its_logs_or_with_a_warning(home: Home) -> None:
    for name in ("NewDirtyHive", "NewDirtyHive.LOG1", "NewDirtyHive.LOG2"):
        (home.folder / name).write_bytes((SHARED / "logs" / "NewDirtyHive1" / name).read_bytes())
    done = home.wcow("reg", "query", "./NewDirtyHive")
    assert "what its logs hold was added" in done.err
    (home.folder / "NewDirtyHive.LOG1").unlink()
    (home.folder / "NewDirtyHive.LOG2").unlink()
    assert "the last changes may be missing" in home.wcow("reg", "query", "./NewDirtyHive").err
    refused = home.wcow("reg", "set", "./NewDirtyHive", "K", code=2)
    assert "put its .LOG1 and .LOG2 beside it, or take it --as-is" in refused.err
    home.wcow("reg", "set", "./NewDirtyHive", "K", "--as-is", "-o", "clean")
    assert "K" in read((home.folder / "clean").read_bytes())
    delta = home.folder / "System_Delta"
    delta.write_bytes((SHARED / "delta" / "System_Delta.sandbox").read_bytes())
    assert "says little without its base" in home.wcow("reg", "set", "./System_Delta", "K", code=2).err
    assert r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001" in home.wcow("reg", "query", "-s", "./System_Delta").out


def test_a_hive_that_was_not_closed_is_merged_only_when_that_is_asked_for(home: Home, file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(dirty(whole, 2, 1))
    refused = home.wcow("reg", "merge", file, "-o", "merged", code=2)
    assert refused.err == (f"error: cannot merge {file}\n  it was not closed cleanly, and its logs are not beside it\n"
                           "  put its .LOG1 and .LOG2 beside it, or take it --forgiving\n")
    assert not (home.folder / "merged").exists()
    taken = home.wcow("reg", "merge", file, "-o", "merged", "--forgiving")
    assert taken.err == (f"warning: {file} was not closed cleanly, and its logs are not beside it: "
                         "the last changes may be missing\n")
    assert not read((home.folder / "merged").read_bytes()).block.dirty()


def test_what_logs_add_and_where_they_have_a_gap_is_said_by_every_verb(home: Home, file: Path) -> None:
    before = file.read_bytes()
    after = before.replace(b"Number", b"Change")
    file.write_bytes(dirty(before, 6, 5))
    file.with_name("hive.LOG1").write_bytes(new_log(before, 7, entry(before, after, 7)))
    for arguments in (["query", file], ["export", file], ["merge", file, "-o", "merged"],
                      ["set", file, "Software\\More", "-o", "changed"], ["diff", file, file]):
        said = home.wcow("reg", *arguments).err
        assert f"warning: {file} was not closed cleanly; what its logs hold was added" in said, arguments
        assert f"warning: {file}: log 1 begins at 7, the hive ends before 5: what is between is lost" in said, arguments
    found = read((home.folder / "merged").read_bytes())["Software"]
    assert next(value.name for value in found.values) == "Change"
