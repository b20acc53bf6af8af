# SPDX-License-Identifier: Apache-2.0
"""The registry's part of the HTML page: trees by hive and key, values old and new, cut where they grow large."""

from __future__ import annotations

import json

from support.hives import OTHER

from imagebuild.hive import Key, Value
from imagebuild.hive.tree import TOMBSTONE
from imagebuild.images.compare.hive_change import HiveChange, key_changes
from imagebuild.images.page.registry import LONGEST, MOST_BYTES, MOST_VALUES, registry_facts

NAME = r"HKEY_LOCAL_MACHINE\SYSTEM"


def hive(before: Key, after: Key) -> HiveChange:
    return HiveChange(NAME, key_changes(before, after, NAME))


def test_a_tree_has_the_keys_on_the_way_and_values_old_and_new() -> None:
    before = Key("ROOT", subkeys=(Key("a", subkeys=(Key("b", (Value.dword("n", 1), Value.sz("", "x"))), Key("gone"))),))
    after = Key("ROOT", subkeys=(Key("a", subkeys=(Key("b", (Value.dword("n", 2),), security=OTHER),)),
                                 Key("new", (Value.sz("v", "t"),), (Key("below", semantics=TOMBSTONE),))))
    (facts,) = registry_facts([hive(before, after)])
    assert facts["name"] == NAME
    assert list(zip(facts["d"], facts["n"], strict=True)) == [
        (0, NAME), (1, "a"), (2, "b"), (2, "gone"), (1, "new"), (2, "below")]
    assert facts["c"][2][:4] == ["~", [], [["(Default)", "REG_SZ  x", None],
                                           ["n", "REG_DWORD  0x1", "REG_DWORD  0x2"]], 0]
    assert facts["c"][2][4][0] == ["no security descriptor"]
    assert facts["c"][3][0] == "-" and facts["c"][4] == ["+", [], [["v", None, "REG_SZ  t"]], 0, []]
    assert facts["c"][5][1] == [["effect", "", "deleted here"]]
    assert (facts["added"], facts["removed"], facts["changed"], facts["left"]) == (2, 1, 1, 0)


def test_a_value_that_a_delta_deletes_says_so() -> None:
    (facts,) = registry_facts([hive(Key("ROOT", (Value.dword("v", 1),)), Key("ROOT", (Value.tombstone("v"),)))])
    assert facts["c"][0][2] == [["v", "REG_DWORD  0x1", "deleted here"]]


def test_the_root_of_a_hive_may_differ_itself() -> None:
    (facts,) = registry_facts([hive(Key("ROOT"), Key("ROOT", (Value.sz("v", ""),)))])
    assert (facts["d"], facts["n"], list(facts["c"])) == ([0], [NAME], [0])


def test_what_could_not_be_compared_has_its_reason() -> None:
    (facts,) = registry_facts([HiveChange(NAME, (), ("a",), (), "it is <damaged>\u202e")])
    assert (facts["why"], facts["before"], facts["after"]) == ("it is <damaged>\\u202e", 1, 0)


def test_long_data_and_many_values_are_cut() -> None:
    many = tuple(Value.dword(f"v{number:04}", 0) for number in range(MOST_VALUES + 5))
    after = Key("ROOT", subkeys=(Key("a", (*many, Value.sz("z", "y"))), Key("b", (Value.sz("w", "x" * 9999),))))
    (facts,) = registry_facts([hive(Key("ROOT"), after)])
    assert (len(facts["c"][1][2]), facts["c"][1][3]) == (MOST_VALUES, 6)
    assert facts["c"][2][2][0][2] == "REG_SZ  " + "x" * LONGEST + "…"


def test_twenty_thousand_keys_are_cut_with_a_count() -> None:
    data = "<&te\u0436xt>" * 9
    after = Key("ROOT", subkeys=tuple(Key(f"k{number}", (Value.sz("value", data),)) for number in range(20_000)))
    first, second = registry_facts([hive(Key("ROOT"), after), hive(Key("ROOT"), Key("ROOT", subkeys=(Key("a"),)))])
    packed = json.dumps([first, second])
    assert len(packed) + 5 * sum(map(packed.count, "<>&")) < 1.2 * MOST_BYTES, "as the page escapes it"
    assert 500 < len(first["c"]) < 20_000 and len(first["c"]) + first["left"] == first["added"] == 20_000
    assert second["left"] == 1  # the budget is that of the page, and the count is there
