# SPDX-License-Identifier: Apache-2.0
"""Each rule about what is in hives: a hive that breaks it, and one that just does not."""

from __future__ import annotations

import io

import pytest
from support import rawtar
from support.hivebytes import RawHive
from support.hivelayers import base, delta_layer, dirty, two_keys, user_layer
from support.rawtar import DELTA, HIVE

from imagebuild import lint
from imagebuild.hive import REG_LINK, Key, Value, write
from imagebuild.hive.checks.damage import KINDS, NOTE
from imagebuild.hive.layout import NONE
from imagebuild.hive.tree import SUPERSEDE_LOCAL, SUPERSEDE_TREE, SYMLINK, TOMBSTONE
from imagebuild.lint.rules.hives import HIVE_RULES, rule_of

LAYER_BYTE = 4 + 13
"""Of a key's record, from where its cell begins."""


def tree(*keys: Key, layered: bool = True, values: tuple[Value, ...] = ()) -> bytes:
    return write(Key("ROOT", values, keys), layered=layered)


def one_key(layer: int, *, layered: bool = True, root: int = 0, **more: int) -> bytes:
    """A delta with one key whose layer byte is this."""
    raw = RawHive((1, 6), 2 * layered)
    raw.below(raw.root, (raw.key(layer=layer, **more), "k"))
    raw.patch(raw.root + LAYER_BYTE, "<B", root)
    return raw.hive()


def one_value(*, size: int = 0, data: int = NONE, type: int = 0) -> bytes:
    raw = RawHive((1, 6), 2)
    raw.valued(raw.root, raw.value(flags=3, size=size, data=data, type=type))
    return raw.hive()


def with_class(layer: int) -> bytes:
    raw = RawHive((1, 6), 2)
    raw.below(raw.root, (raw.key(layer=layer, class_cell=raw.cell(b"c\0"), class_size=2), "k"))
    raw.patch(raw.root + 4 + 56, "<I", 2)
    return raw.hive()


def with_spare() -> bytes:
    raw = RawHive((1, 6), 2)
    raw.patch(raw.root + LAYER_BYTE + 1, "<H", 1)
    return raw.hive()


def counted(count: int, *, layered: bool = True) -> bytes:
    """A root and a tombstone that share one descriptor, which counts this."""
    raw = RawHive((1, 6), 2) if layered else RawHive()
    raw.below(raw.root, (raw.key(layer=TOMBSTONE if layered else 0), "k"))
    raw.patch(raw.secured + 4 + 12, "<I", count)
    return raw.hive(count=False)


def plain_key(**record: int) -> bytes:
    raw = RawHive()
    raw.below(raw.root, (raw.key(**record), "k"))
    return raw.hive()


SET = Key("CurrentControlSet")
LINKED = Key("CurrentControlSet", [Value("SymbolicLinkValue", REG_LINK, "\\Registry".encode("utf-16-le"))],
             flags=SYMLINK)

#: rule -> (a layer that breaks it, one that just does not, whether they are bases)
CASES: dict[str, tuple[bytes, bytes, bool]] = {
    "delta-version": (delta_layer(HIVE), delta_layer(DELTA), False),
    "delta-dirty": (delta_layer(dirty(DELTA)), delta_layer(DELTA), False),
    "delta-root": (delta_layer(one_key(0, root=SUPERSEDE_LOCAL)), delta_layer(one_key(0, root=0x80)), False),
    "delta-layer-byte": (delta_layer(one_key(0x04)), delta_layer(one_key(0x83)), False),
    "delta-tombstone": (delta_layer(tree(Key("k", [Value.dword("v", 1)], semantics=TOMBSTONE))),
                        delta_layer(tree(Key("k", semantics=TOMBSTONE))), False),
    "delta-value-tombstone": (delta_layer(one_value(type=1)), delta_layer(one_value()), False),
    "delta-supersede": (delta_layer(tree(Key("k", (), [Key("l")], semantics=SUPERSEDE_TREE))),
                        delta_layer(tree(Key("k", (), [Key("l", semantics=SUPERSEDE_TREE), Key(
                            "m", semantics=TOMBSTONE)], semantics=SUPERSEDE_TREE))), False),
    "delta-class": (delta_layer(with_class(0x80)), delta_layer(with_class(0)), False),
    "layered-plain-hive": (base(DELTA), base(HIVE), True),
    "hive-subkey-order": (delta_layer(two_keys("b", "a")), delta_layer(two_keys("a", "b")), False),
    "hive-security-missing": (delta_layer(one_key(0x80, security=NONE)), delta_layer(one_key(0x80)), False),
    "hive-security-count": (delta_layer(counted(1)), delta_layer(counted(2)), False),
    "hive-odd": (base(plain_key(flags=0x21)), base(plain_key(flags=0x20)), True),
    "hive-current-control-set": (base(tree(SET, layered=False)), base(tree(LINKED, layered=False)), True),
    "user-hive-invalid": (user_layer(b"x" * 9000), user_layer(HIVE), False),
    "user-hive-dirty": (user_layer(dirty(HIVE)), user_layer(HIVE), False),
}

#: Rules that need a layer below (test_lower.py) or a large hive (test_inside.py).
ELSEWHERE = {"delta-dangling", "delta-hides-class", "delta-deletes-nothing", "hive-too-large"}

#: A second layer that breaks a rule in another way, or keeps it narrowly.
MORE: list[tuple[str, bytes, bool, bool]] = [
    ("delta-version", delta_layer(RawHive((1, 6)).hive()), False, True),
    ("delta-version", delta_layer(RawHive((1, 5), 2).hive()), False, True),
    ("delta-version", delta_layer(RawHive((1, 6), 3).hive()), False, False),
    ("delta-version", delta_layer(HIVE, "Old_Delta"), False, False),
    ("delta-version", base(HIVE), True, False),
    ("delta-dirty", base(dirty(HIVE)), True, False),
    ("delta-root", delta_layer(one_key(0, root=TOMBSTONE)), False, True),
    ("delta-root", delta_layer(one_key(0, root=SUPERSEDE_TREE)), False, True),
    ("delta-layer-byte", delta_layer(one_key(0x40)), False, True),
    ("delta-layer-byte", delta_layer(with_spare()), False, True),
    ("delta-tombstone", delta_layer(tree(Key("k", (), [Key("l")], semantics=TOMBSTONE))), False, True),
    ("delta-tombstone", delta_layer(tree(Key("k", (), (), None, "Class", semantics=TOMBSTONE))), False, True),
    ("delta-tombstone", delta_layer(tree(Key("k", [Value.dword("v", 1)], semantics=SUPERSEDE_TREE))), False, False),
    ("delta-value-tombstone", delta_layer(one_value(data=0)), False, True),
    ("delta-value-tombstone", delta_layer(one_value(size=0x80000000)), False, True),
    ("delta-value-tombstone", delta_layer(tree(values=(Value.tombstone("v"),))), False, False),
    ("delta-supersede", delta_layer(tree(Key("k", (), [Key("l", semantics=SUPERSEDE_LOCAL)],
                                             semantics=SUPERSEDE_TREE))), False, True),
    ("delta-supersede", delta_layer(tree(Key("k", (), [Key("l")], semantics=SUPERSEDE_LOCAL))), False, False),
    ("delta-invalid", delta_layer(one_key(0, listed=0x10, subkeys=1)), False, True),
    ("base-hive-invalid", base(plain_key(listed=0x10, subkeys=1)), True, True),
    ("base-hive-invalid", base(dirty(plain_key(listed=0x10, subkeys=1))), True, False),
    ("delta-invalid", delta_layer(dirty(one_key(0, listed=0x10, subkeys=1))), False, True),
    ("user-hive-invalid", user_layer(plain_key(listed=0x10, subkeys=1)), False, True),
    ("layered-plain-hive", base(one_key(TOMBSTONE, layered=False)), True, True),
    ("layered-plain-hive", base(one_key(0, layered=False)), True, False),
    ("layered-plain-hive", base(RawHive((1, 5), 2).hive()), True, False),
    ("layered-plain-hive", user_layer(DELTA), False, True),
    ("layered-plain-hive", delta_layer(DELTA), False, False),
    ("hive-subkey-order", base(two_keys("b", "a", layered=False)), True, True),
    ("hive-subkey-order", base(two_keys("b", "a", layered=False), "SAM"), True, True),
    ("hive-subkey-order", base(two_keys("b", "a", layered=False)), False, False),
    ("hive-subkey-order", user_layer(two_keys("b", "a", layered=False)), False, True),
    ("hive-subkey-order", delta_layer(two_keys("a", "A")), False, True),
    ("hive-subkey-order", delta_layer(two_keys("a", "b", wrong=5)), False, True),
    ("hive-subkey-order", delta_layer(two_keys("a", "b", kind=b"lf", wrong=5)), False, True),
    ("hive-subkey-order", delta_layer(two_keys("a", "b", kind=b"lf")), False, False),
    ("hive-security-missing", base(plain_key(security=NONE)), True, True),
    ("hive-security-count", delta_layer(counted(3)), False, True),
    ("hive-security-count", base(counted(3, layered=False)), True, True),
    ("hive-current-control-set", base(tree(SET, layered=False), "SOFTWARE"), True, False),
    ("hive-current-control-set", delta_layer(tree(SET)), False, True),
    ("hive-current-control-set", delta_layer(tree(SET), "Software_Delta"), False, False),
    ("hive-current-control-set", delta_layer(tree(Key("CURRENTCONTROLSET", semantics=TOMBSTONE))), False, False),
    ("user-hive-invalid", user_layer(b""), False, True),
    ("user-hive-invalid", user_layer(b"x", "Files/Users/me/sub/NTUSER.DAT"), False, False),
    ("user-hive-invalid", user_layer(b"x", "Files/Users/NTUSER.DAT"), False, False),
    ("user-hive-invalid", user_layer(b"x", "Files/users/me/ntuser.dat"), False, True),
    ("user-hive-invalid", user_layer(b"x", "Files/Windows/ServiceProfiles/LocalService/NTUSER.DAT"), False, True),
    ("user-hive-invalid", user_layer(b"x", "Files/Users/me/AppData/Local/Microsoft/Windows/UsrClass.dat"), False, True),
    ("user-hive-invalid", user_layer(b"x", "Files/Users/me/UsrClass.dat"), False, False),
    ("user-hive-invalid", rawtar.base(rawtar.folder("Files/Users"), rawtar.folder("Files/Users/Default"), rawtar.file(
        "Files/Users/Default/NTUSER.DAT", b"x")), True, True),
]


def rules_of(data: bytes, *, base: bool | None) -> set[str]:
    return {finding.rule for finding in lint.layer(io.BytesIO(data), base=base)}


def test_every_rule_about_hives_has_a_case() -> None:
    assert {rule.id for rule in HIVE_RULES} == set(CASES) | ELSEWHERE


@pytest.mark.parametrize("rule", CASES)
def test_a_hive_that_breaks_the_rule_is_found(rule: str) -> None:
    data, _, is_base = CASES[rule]
    assert rules_of(data, base=is_base) == {rule}


@pytest.mark.parametrize("rule", CASES)
def test_a_hive_that_just_keeps_the_rule_is_not_found(rule: str) -> None:
    _, data, is_base = CASES[rule]
    assert rule not in rules_of(data, base=is_base)


@pytest.mark.parametrize(("rule", "data", "is_base", "broken"), MORE)
def test_further_cases(rule: str, data: bytes, is_base: bool, broken: bool) -> None:
    assert (rule in rules_of(data, base=is_base)) is broken


def test_every_kind_of_damage_breaks_a_rule_or_is_a_note() -> None:
    for where in ("base", "delta", "user", "boot"):
        untold = {kind for kind in KINDS if not rule_of(kind, where)}  # type: ignore[arg-type]
        assert untold == {kind for kind, severity in KINDS.items() if severity == NOTE} | {"block-dirty",
                                                                                           "block-checksum"}
        assert {rule_of(kind, where) for kind in KINDS} - {""} <= set(lint.RULES)  # type: ignore[arg-type]


def test_what_is_wrong_with_a_hive_is_told_with_its_key_and_byte() -> None:
    (found,) = lint.layer(io.BytesIO(delta_layer(tree(Key("a", (), [Key("k", [Value.dword("v", 1)], semantics=TOMBSTONE)
                                                                    ])))), base=False)
    assert found.path == "Hives/System_Delta"
    assert found.message.startswith(r"a\k: a deleted key has subkeys, values or a class (byte ")
    assert found.offset is not None and found.offset > 0
