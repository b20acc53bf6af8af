# SPDX-License-Identifier: Apache-2.0
"""How the paths of a layer are spelt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.layers import SECURITY, TIMES

from imagebuild.layer import Batch
from imagebuild.layer.spellings import Spellings

names = st.lists(st.text("abcdE", min_size=1, max_size=2), unique_by=str.upper, min_size=1).map(
    lambda found: sorted(found, key=str.upper))


@given(st.lists(st.tuples(st.sampled_from(["", "F/", "F/G/"]), st.booleans(), names), max_size=6))
def test_batches_answer_as_a_dictionary_of_their_paths_does(steps: list[tuple[str, bool, list[str]]]) -> None:
    found, plain = Spellings(), dict[str, str]()
    for folder, together, members in steps:
        batch = Batch(folder.lower().rstrip("/"), members, [0] * len(members), 0x20, SECURITY, TIMES)
        paths = {folder + key: f"{batch.folder}/{name}" for key, name in zip(batch.keys, members, strict=True)}
        there = not plain.keys().isdisjoint(paths)
        assert found.meets(folder, batch) or not there
        if together and not found.meets(folder, batch):
            found.add(folder, batch)
        else:
            for key, path in paths.items():
                found[key] = path
        plain.update(paths)
    for key in {*plain, "", "F/", "F/ZZ", "X/A", "F/G/", "F/G"}:
        assert found.get(key) == plain.get(key)
        assert (key in found) is (key in plain)
    assert set(found) == plain.keys()


def test_what_is_not_there_is_no_key() -> None:
    with pytest.raises(KeyError) as caught:
        Spellings()["x"]
    assert caught.value.args == ("x",)


def test_a_batch_above_all_others_in_its_folder_meets_none_of_them() -> None:
    found = Spellings()
    for low, high in (("a", "b"), ("c", "d")):
        batch = Batch("Files", [low, high], [0, 0], 0x20, SECURITY, TIMES)
        assert not found.meets("FILES/", batch)
        found.add("FILES/", batch)
        assert found.meets("FILES/", batch)
        assert not found.meets("OTHER/", batch)
    assert found.meets("FILES/", Batch("Files", ["d", "e"], [0, 0], 0x20, SECURITY, TIMES))
    found["FILES/F"] = "Files/f"
    assert len(found) == 5
    assert found.meets("FILES/", Batch("Files", ["e", "f"], [0, 0], 0x20, SECURITY, TIMES))
