# SPDX-License-Identifier: Apache-2.0
"""Each rule about layers: a layer that breaks it, and one that just does not."""

from __future__ import annotations

import ast
import io
import re
import struct
from pathlib import Path

import pytest
from support.rawtar import (
    DELTA,
    HIVE,
    SD,
    base,
    broken_pax,
    entry,
    file,
    folder,
    header,
    junction,
    layer,
    link,
    member,
    pax,
    symlink,
    tar,
    whiteout,
)

from imagebuild import lint
from imagebuild.hive.checks.damage import KINDS
from imagebuild.lint.rules.hives import DIRTY, HIVE_RULES, INVALID, rule_of
from imagebuild.windows.acl.sddl import parse_sddl

UVM = (folder("UtilityVM"), folder("UtilityVM/Files"))
BOOT = (*UVM, folder("UtilityVM/Files/EFI"), folder("UtilityVM/Files/EFI/Microsoft"),
        folder("UtilityVM/Files/EFI/Microsoft/Boot"))
BCD = "UtilityVM/Files/EFI/Microsoft/Boot/BCD"
APP = folder("Files/app")
SPARSE_EXTENDED = bytearray(167)
SPARSE_EXTENDED[482 - 345] = 1


def b64(data: bytes) -> bytes:
    from base64 import b64encode
    return b64encode(data)


def dirty() -> bytes:
    """A hive whose sequence numbers differ, with the right checksum."""
    data = bytearray(HIVE)
    data[4:8] = struct.pack("<I", 7)
    total = 0
    for (word,) in struct.iter_unpack("<I", bytes(data[:508])):
        total ^= word
    data[508:512] = struct.pack("<I", total)
    return bytes(data)


def without_times(name: str, typeflag: bytes = b"0") -> bytes:
    return member(name, typeflag, records={b"MSWINDOWS.rawsd": SD})


NO_DACL = b64(parse_sddl("O:BUG:BU").to_bytes())

#: rule -> (a layer that breaks it, one that just does not, whether they are bases)
CASES: dict[str, tuple[bytes, bytes, bool]] = {
    "missing-files": (tar(folder("Hives")), layer(), False),
    "missing-hives": (tar(folder("Files")), layer(), False),
    "hives-in-base": (base(folder("Hives")), base(), True),
    "unknown-top-level": (layer(file("etc")), layer(*UVM), False),
    "root-entry": (tar(folder("./"), folder("Files"), folder("Hives")), layer(folder("Files/.x")), False),
    "absolute-path": (layer(file("/Files/a")), layer(file("Files/a")), False),
    "parent-reference": (layer(APP, file("Files/app/../a")), layer(file("Files/..a")), False),
    "unclean-path": (layer(file("./Files/a")), layer(folder("Files/a/")), False),
    "backslash-in-name": (layer(file("Files\\a")), layer(symlink("Files/a", "\\b")), False),
    "utilityvm-trailing-slash": (layer(folder("UtilityVM/"), folder("UtilityVM/Files")),
                                 layer(folder("UtilityVM"), folder("UtilityVM/Files/")), False),
    "utilityvm-in-cim-layer": (layer(*UVM), layer(), False),
    "parent-missing": (layer(file("Files/a/b")), layer(folder("Files/a"), file("Files/a/b")), False),
    "parent-late": (layer(file("Files/a/b"), folder("Files/a")), layer(folder("Files/a"), file("Files/a/b")), False),
    "below-reparse-point": (layer(junction("Files/a", "C:\\x"), file("Files/a/b")),
                            layer(junction("Files/a", "C:\\x"), file("Files/ab")), False),
    "below-file": (layer(file("Files/a"), file("Files/a/b")), layer(folder("Files/a"), file("Files/a/b")), False),
    "duplicate-entry": (layer(file("Files/a"), file("Files/a")), layer(file("Files/a"), file("Files/ab")), False),
    "case-collision": (layer(file("Files/stra\u00dfe"), file("Files/STRA\u00dfE")),
                       layer(file("Files/stra\u00dfe"), file("Files/strasse")), False),
    "stream-without-type": (layer(file("Files/a"), member("Files/a:s")),
                            layer(file("Files/a"), member("Files/a:s:$DATA")), False),
    "stream-with-type": (layer(file("Files/a"), member("Files/a:s:$DATA")),
                         layer(file("Files/a"), member("Files/a:s")), False),
    "colon-in-name": (layer(file("Files/a"), file("Files/b"), member("Files/a:s")),
                      layer(folder("Files/a/"), member("Files/a/:s"), file("Files/b")), False),
    "forbidden-character": (layer(file("Files/a?")), layer(file("Files/a!")), False),
    "reserved-name": (layer(file("Files/nul.txt")), layer(file("Files/null.txt")), False),
    "trailing-dot-or-space": (layer(file("Files/a.")), layer(file("Files/a.b")), False),
    "name-too-long": (layer(file("Files/" + "a" * 256)), layer(file("Files/" + "a" * 255)), False),
    "name-not-unicode": (layer(file(b"Files/\xff")), layer(file("Files/\u00ff")), False),
    "hard-link-unprefixed": (layer(file("Files/a"), link("Files/b", "a")),
                             layer(file("Files/a"), link("Files/b", "Files/a")), False),
    "hard-link-missing": (base(link("Files/b", "Files/a")), base(file("Files/a"), link("Files/b", "Files/a")), True),
    "hard-link-late": (layer(link("Files/b", "Files/a"), file("Files/a")),
                       layer(file("Files/a"), link("Files/b", "Files/a")), False),
    "hard-link-spelling": (layer(file("Files/a"), link("Files/b", "Files/A")),
                           layer(file("Files/A"), link("Files/b", "Files/A")), False),
    "hard-link-to-folder": (layer(APP, link("Files/b", "Files/app")),
                            layer(file("Files/app"), link("Files/b", "Files/app")), False),
    "hard-link-unverified": (layer(link("Files/b", "Files/a")), layer(file("Files/a"), link("Files/b", "Files/a")),
                             False),
    "symlink-files-prefix": (layer(symlink("Files/a", "Files/b")),
                             layer(folder("Files/Files"), symlink("Files/a", "Files/b")), False),
    "symlink-to-folder": (layer(APP, symlink("Files/a", "app")), layer(APP, symlink("Files/a", "app", 0x410)), False),
    "whiteout-in-base": (base(whiteout("Files/.wh.a")), base(file("Files/.wha")), True),
    "whiteout-outside-files": (tar(folder("Files"), folder("Hives"), whiteout("Hives/.wh.a")),
                               layer(whiteout("Files/.wh.a")), False),
    "whiteout-opaque": (layer(APP, whiteout("Files/app/.wh..wh..opq")), layer(APP, whiteout("Files/app/.wh.opq")),
                        False),
    "whiteout-name": (layer(whiteout("Files/.wh.")), layer(whiteout("Files/.wh.a")), False),
    "whiteout-order": (layer(APP, file("Files/app/b"), whiteout("Files/app/.wh.a")),
                       layer(APP, whiteout("Files/app/.wh.c"), whiteout("Files/app/.wh.a")), False),
    "whiteout-of-own-entry": (layer(whiteout("Files/.wh.a"), file("Files/A")),
                              layer(whiteout("Files/.wh.a"), file("Files/b")), False),
    "global-header": (pax({b"comment": b"x"}, b"g") + layer(), pax({b"comment": b"x"}) + layer(), False),
    "special-file": (layer(entry("Files/a", b"3", 0x20)), layer(file("Files/a")), False),
    "unknown-typeflag": (layer(entry("Files/a", b"V", 0x20)), layer(entry("Files/a", b"7", 0x20)), False),
    "sparse-file": (layer(header(b"Files/a", b"S", 0, extra=bytes(SPARSE_EXTENDED)) + bytes(512)),
                    layer(file("Files/a")), False),
    "attributes-malformed": (layer(file("Files/a", fileattr=b"0x20")), layer(file("Files/a", fileattr=b"4294967295",
                                                                                  atime=b"1")), False),
    "attributes-kind": (layer(folder("Files/a", 0x20)), layer(folder("Files/a", fileattr=None)), False),
    "reparse-attributes": (layer(symlink("Files/a", "b", 0x10)), layer(symlink("Files/a", "b", fileattr=None)), False),
    "reparse-without-link": (layer(file("Files/a", attributes=0x420)), layer(symlink("Files/a", "b")), False),
    "junction-not-folder": (layer(junction("Files/a", "C:\\b", 0x400)), layer(junction("Files/a", "C:\\b")), False),
    "junction-relative": (layer(junction("Files/a", "b")), layer(junction("Files/a", "\\\\?\\C:\\b")), False),
    "link-target": (layer(symlink("Files/a", "b" * 8001)), layer(symlink("Files/a", "b" * 8000)), False),
    "security-malformed": (layer(file("Files/a", rawsd=b64(b"\2" + bytes(30)))), layer(file("Files/a")), False),
    "security-missing": (layer(file("Files/a", rawsd=None)), layer(file("Files/a", rawsd=None, sd=b"D:(A;;FA;;;BA)"),
                                                                   link("Files/b", "Files/a")), False),
    "security-without-dacl": (layer(file("Files/a", rawsd=NO_DACL)), layer(file("Files/a", rawsd=b64(
        parse_sddl("O:BUG:BUD:(A;;FA;;;BA)").to_bytes()))), False),
    "times-missing": (layer(file("Files/a", ctime=None)), layer(file("Files/a", created=None),
                                                               whiteout("Files/.wh.b")), False),
    "time-malformed": (layer(file("Files/a", mtime=b"1e9")), layer(file("Files/a", mtime=b"-1.25")), False),
    "time-range": (layer(file("Files/a", mtime=b"9223372037")), layer(file("Files/a", mtime=b"9223372036.1")), False),
    "creation-time-digits": (layer(file("Files/a", mtime=b"5.001", created=b"5.1000000")),
                             layer(file("Files/a", mtime=b"5.001", created=b"5.001000000")), False),
    "ea-malformed": (layer(file("Files/a", xattr__X=b"!")), layer(file("Files/a", xattr__X=b"AA==")), False),
    "record-ignored": (layer(file("Files/a", ea__X=b"AA==")), layer(file("Files/a", xattr__X=b"AA==")), False),
    "base-hive-missing": (base(hives={"SAM": None}), base(), True),
    "base-hive-invalid": (base(hives={"SAM": b""}), base(), True),
    "base-hive-dirty": (base(hives={"SAM": dirty()}), base(), True),
    "config-hive-in-layer": (base(folder("Hives")), layer(folder("Files/config"), file("Files/config/SYSTEM")), False),
    "unknown-hive": (tar(folder("Files"), folder("Hives"), file("Hives/SYSTEM_DELTA", DELTA, rawsd=None)),
                     tar(folder("Files"), folder("Hives"), file("Hives/System_Delta", DELTA, rawsd=None)), False),
    "delta-invalid": (tar(folder("Files"), folder("Hives"), file("Hives/System_Delta", DELTA[:5000], rawsd=None)),
                      tar(folder("Files"), folder("Hives"), file("Hives/System_Delta", DELTA, rawsd=None)), False),
    "utilityvm-bcd": (base(*UVM), base(*BOOT, file(BCD, HIVE)), True),
    "pax-record-length": (layer(broken_pax(b"99 path=x") + file("Files/a")),
                          layer(broken_pax(b"10 path=x\n") + file("Files/a")), False),
}

#: Rules that need more than one layer, or an image: tested in test_images.py.
OF_IMAGES = {"base-folder-changed", "delta-above-no-delta", "layer-damaged",
             "utilityvm-without-parent", "config-os", "config-architecture",
             "os-version-missing", "os-version-malformed", "no-layers", "diff-ids-count", "diff-id-mismatch",
             "too-many-layers", "mixed-compression", "plain-layer-among-compressed", "layer-media-type",
             "config-media-type", "media-type-families", "layer-compression", "foreign-layer",
             "foreign-layer-without-urls", "history-count", "path-without-system32", "index-os-version-missing",
             "index-platform-mismatch", "release-ended", "release-unlisted", "index-trap"}

#: A second layer that breaks a rule in another way, or keeps it narrowly.
MORE: list[tuple[str, bytes, bool, bool]] = [
    ("pax-record-length", tar(folder("Files"), broken_pax(b"8 path=x\n") + member("Files/a"), folder("Hives")), False,
     True),
    ("missing-files", tar(file("Files/a"), folder("Hives")), False, True),
    ("missing-hives", tar(folder("Files"), file("Hives")), False, True),
    ("utilityvm-trailing-slash", base(UVM[0], folder("UtilityVM/Files/"), *BOOT[2:], file(BCD, HIVE)), True, True),
    ("utilityvm-trailing-slash", base(folder("UtilityVM/"), folder("UtilityVM/Files")), True, False),
    ("utilityvm-bcd", base(*BOOT, file(BCD, b"x" * 9000)), True, True),
    ("parent-missing", layer(folder("Files/A"), file("Files/a/b")), False, False),
    ("below-file", layer(file("Files/a/b"), file("Files/a")), False, True),
    ("below-file", layer(file("Files/a"), link("Files/l", "Files/a"), file("Files/l/b")), False, True),
    ("below-reparse-point", layer(APP, symlink("Files/a", "app", 0x410), file("Files/A/b")), False, True),
    ("stream-without-type", layer(folder("Files/a/"), member("Files/a/:s")), False, True),
    ("colon-in-name", layer(folder("Files/a"), member("Files/a/:s")), False, True),
    ("name-too-long", layer(file("Files/" + "\U0001f600" * 128)), False, True),
    ("name-too-long", layer(file("Files/" + "\U0001f600" * 127)), False, False),
    ("name-too-long", layer(file("Files/" + "a/" * 1100 + "b")), False, True),
    ("name-too-long", layer(file("Files/" + "abcdefg/" * 200 + "b" * 32_000)), False, True),
    ("hard-link-unprefixed", layer(file("Files/a"), link("Hives/b", "Files/a")), False, True),
    ("hard-link-missing", base(link("Files/b", "Files/b")), True, True),
    ("hard-link-missing", layer(link("Files/b", "Files/a")), False, False),
    ("symlink-files-prefix", layer(symlink("Files/a", "Files\\b", 0x410)), False, True),
    ("symlink-files-prefix", layer(symlink("Files/a", "\\Files\\b")), False, False),
    ("symlink-to-folder", layer(APP, folder("Files/x"), symlink("Files/x/a", "..\\app", fileattr=None)), False, True),
    ("symlink-to-folder", layer(APP, symlink("Files/a", "C:\\App")), False, True),
    ("symlink-to-folder", layer(file("Files/app"), symlink("Files/a", "C:\\App")), False, False),
    ("symlink-to-folder", layer(APP, symlink("Files/a", "D:\\App")), False, False),
    ("whiteout-name", layer(whiteout("Files/.wh..wh.plnk")), False, True),
    ("whiteout-name", layer(whiteout("Files/.wh...")), False, True),
    ("whiteout-name", layer(whiteout("Files/.wh...a")), False, False),
    ("whiteout-of-own-entry", layer(file("Files/a"), whiteout("Files/.wh.a")), False, True),
    ("whiteout-outside-files", layer(*UVM, whiteout("UtilityVM/Files/.wh.a")), False, False),
    ("special-file", layer(entry("Files/a", b"6", 0x20)), False, True),
    ("sparse-file", layer(member("Files/a", data=bytes(512), records={b"GNU.sparse.major": b"1"})), False, True),
    ("attributes-malformed", layer(file("Files/a", fileattr=b"4294967296")), False, True),
    ("attributes-kind", layer(file("Files/a", attributes=0x30)), False, True),
    ("link-target", layer(symlink("Files/a", "")), False, True),
    ("security-malformed", layer(file("Files/a", rawsd=b"?" + SD)), False, True),
    ("security-malformed", layer(file("Files/a", rawsd=None, sd=b"O:nobody")), False, True),
    ("security-missing", layer(), False, False),
    ("security-missing", base(file("Files/a", rawsd=None)), True, False),
    ("security-without-dacl", base(file("Files/a", rawsd=NO_DACL)), True, False),
    ("times-missing", layer(without_times("Files/a")), False, True),
    ("times-missing", layer(file("Files/a"), link("Files/b", "Files/a")), False, False),
    ("time-range", layer(file("Files/a", mtime=b"-9223372037")), False, True),
    ("creation-time-digits", layer(file("Files/a", mtime=b"5.5", created=b"5.5")), False, False),
    ("ea-malformed", layer(file("Files/a", **{"xattr__" + "X" * 255: b"AA=="})), False, True),
    ("ea-malformed", layer(file("Files/a", **{"xattr__" + "X" * 254: b"AA=="})), False, False),
    ("ea-malformed", layer(file("Files/a", xattr__X=b64(bytes(65536)))), False, True),
    ("ea-malformed", layer(file("Files/a", xattr__X=b64(bytes(65535)))), False, False),
    ("base-hive-missing", base(hives={"SAM": None}), False, False),
    ("base-hive-invalid", base(hives={"SAM": HIVE[:4096]}), True, True),
    ("base-hive-invalid", base(hives={"SAM": HIVE[:60] + b"x" + HIVE[61:]}), True, True),
    ("unknown-hive", tar(folder("Files"), folder("Hives"), file("Hives/x", rawsd=None)), False, True),
    ("unknown-hive", tar(folder("Files"), folder("Hives"), folder("Hives/System_Delta")), False, True),
    ("delta-invalid", tar(folder("Files"), folder("Hives"), file("Hives/System_Delta", rawsd=None)), False, True),
    ("unknown-top-level", layer(folder("files")), False, True),
]


def rules_of(data: bytes, *, base: bool | None) -> set[str]:
    return {finding.rule for finding in lint.layer(io.BytesIO(data), base=base)}


def names_in_the_checkers() -> set[str]:
    """Every text with a hyphen, in lower case, that the modules beside the tables have: all names of rules are such."""
    found: set[str] = set()
    for path in Path(lint.__file__).parent.rglob("*.py"):
        if path.parent.name != "rules":
            found |= {node.value for node in ast.walk(ast.parse(path.read_text()))
                      if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in found if re.fullmatch("[a-z]+(-[a-z0-9]+)+", text)}


def test_every_rule_is_reported_somewhere_and_has_a_case() -> None:
    by_damage = {rule_of(kind, where) for kind in KINDS for where in INVALID}
    assert set(lint.RULES) <= names_in_the_checkers() | by_damage | {*INVALID.values(), *DIRTY.values()}
    assert set(lint.RULES) == set(CASES) | OF_IMAGES | {rule.id for rule in HIVE_RULES}


def test_no_checker_reports_a_rule_that_is_in_no_table() -> None:
    """A breach of it would be dropped without a word."""
    assert names_in_the_checkers() - set(lint.RULES) == {"utf-8", "utf-16-le"}


@pytest.mark.parametrize("rule", CASES)
def test_a_layer_that_breaks_the_rule_is_found(rule: str) -> None:
    data, _, is_base = CASES[rule]
    assert rule in rules_of(data, base=is_base)


@pytest.mark.parametrize("rule", CASES)
def test_a_layer_that_just_keeps_the_rule_is_not_found(rule: str) -> None:
    _, data, is_base = CASES[rule]
    assert rule not in rules_of(data, base=is_base)


@pytest.mark.parametrize(("rule", "data", "is_base", "broken"), MORE)
def test_further_cases(rule: str, data: bytes, is_base: bool, broken: bool) -> None:
    assert (rule in rules_of(data, base=is_base)) is broken


@pytest.mark.parametrize("rule", CASES)
def test_without_being_told_a_base_is_known_by_its_hives(rule: str) -> None:
    """A base tells itself apart unless the fault is what a base has not."""
    if rule not in ("hives-in-base", "whiteout-in-base"):
        assert rule in rules_of(CASES[rule][0], base=None)


def test_a_rule_that_is_ignored_is_not_found() -> None:
    data = CASES["duplicate-entry"][0]
    assert not list(lint.layer(io.BytesIO(data), base=False, ignore=("duplicate-entry",)))


def test_importers_that_were_not_asked_do_not_count() -> None:
    data = CASES["stream-without-type"][0]
    assert not list(lint.layer(io.BytesIO(data), base=False, importers=("wcifs",), ignore=("times-missing",)))
    (found,) = lint.layer(io.BytesIO(data), base=False)
    assert (found.rule, found.importers, found.severity) == ("stream-without-type", ("cimfs",), lint.Severity.ERROR)


def test_a_finding_says_where() -> None:
    before = layer()[:-1024 - len(folder("Hives"))]
    found = next(iter(lint.layer(io.BytesIO(layer(file("Files/a?"))), base=False, position=3, digest="sha256:x")))
    assert (found.path, found.offset, found.layer, found.digest) == ("Files/a?", len(before), 3, "sha256:x")


def test_the_worst_severity_of_the_asked_importers_counts() -> None:
    data = CASES["utilityvm-in-cim-layer"][0]
    (found,) = lint.layer(io.BytesIO(data), base=False)
    assert (found.severity, found.importers) == (lint.Severity.WARNING, ("cimfs",))
    data = CASES["reparse-attributes"][0]
    (found,) = lint.layer(io.BytesIO(data), base=False, importers=("cimfs",))
    assert found.severity is lint.Severity.NOTE
    (found,) = lint.layer(io.BytesIO(data), base=False)
    assert (found.severity, found.importers) == (lint.Severity.ERROR, ("wcifs", "cimfs"))
