# SPDX-License-Identifier: Apache-2.0
"""Many files of one folder as one value."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.layers import SECURITY, TIMES, entry

from imagebuild.errors import InputError
from imagebuild.layer import Batch
from imagebuild.layer.rules import check_component
from imagebuild.lint.checks.names import DEVICES, HARMLESS
from imagebuild.windows.names import are_plain, check_name, plain_keys
from imagebuild.windows.upcase import fold


def batch(*names: str, folder: str = "Files/app") -> Batch:
    return Batch(folder, names, [len(name) for name in names], 0x20, SECURITY, TIMES)


def test_a_batch_is_its_entries() -> None:
    made = batch("A", "bb", "c.txt")
    assert list(made.entries()) == [entry("Files/app/A", size=1), entry("Files/app/bb", size=2),
                                    entry("Files/app/c.txt", size=5)]
    assert (len(made), made.find("BB"), made.find("B"), made.find("Z")) == (3, 1, -1, -1)
    assert list(made.part(1, 3).entries()) == list(made.entries())[1:]


@pytest.mark.parametrize("names", [(), ("b", "a"), ("a", "a"), ("a", "A"), ("a/b",), ("a", ""), ("",), ("con",),
                                   ("a.",), ("a\n",), ("a:b",), (".wh.a",), ("ü",), ("a" * 202,), ("a/b", "c"),
                                   ("a", "b/")])
def test_names_that_need_a_look_make_no_batch(names: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="as one batch"):
        batch(*names)


def test_sizes_and_the_folder_must_fit() -> None:
    for sizes in ([1], [1, 2, 3], [1, -1]):
        with pytest.raises(InputError):
            Batch("Files", ["a", "b"], sizes, 0x20, SECURITY, TIMES)
    assert batch("a", folder="Files/" + "x" * 694)
    with pytest.raises(InputError):
        batch("a", folder="Files/" + "x" * 695)


def test_of_files_that_make_no_batch_the_folder_is_named_in_short() -> None:
    with pytest.raises(InputError) as caught:
        batch("a", folder="Files/" + "x" * 695)
    assert caught.value.lines() == [f"cannot take the files of Files/{'x' * 94} as one batch",
                                    "their names are not plain and in order, each once, with a size"]


characters = st.sampled_from(string.printable + "üÉİ\u0131\u017fK\u212a\x7f\x80\U0001f600\ud800")
near = st.sampled_from(["con", "PRN", "aux.txt", "nul", "com1", "Lpt9.x", ".wh.x", ".WHx", "conin$", "a.", "a ", "a,",
                        "-", "~1", "a=b", "x" * 201, "x" * 202])


@given(st.text(characters, max_size=6) | near | st.builds(str.__add__, near, st.text(characters, max_size=3)))
def test_what_is_plain_is_fine_by_every_rule_of_the_writer_and_of_the_linter(name: str) -> None:
    if are_plain((name,)):
        check_name(name)
        check_component(name, name)
        assert HARMLESS(name)
        assert name[:3].upper() not in DEVICES
        assert plain_keys((name,)) == [fold(name)]


@given(st.lists(st.text(st.sampled_from("aB.- \n/c"), max_size=4) | near, max_size=5))
def test_names_are_plain_together_when_each_is(names: list[str]) -> None:
    assert are_plain(names) is all(are_plain((name,)) for name in names)
    if are_plain(names):
        assert plain_keys(names) == [fold(name) for name in names]
