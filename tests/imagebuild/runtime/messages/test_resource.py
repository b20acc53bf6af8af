# SPDX-License-Identifier: Apache-2.0
"""The messages of Wine's own library are replaced in every language, and other files are left alone."""

from __future__ import annotations

import struct

import pytest
from support import programs

from imagebuild.errors import ToolError
from imagebuild.runtime import install as wine_install
from imagebuild.runtime import pe
from imagebuild.runtime.messages import resource, with_messages


@pytest.fixture(scope="module")
def kernelbase() -> bytes:
    with programs.skipping():
        try:
            return wine_install.find_wine().library("kernelbase.dll").read_bytes()
        except ToolError as error:
            raise programs.Unavailable(str(error)) from error


def test_texts_lie_over_wines_in_every_language(kernelbase: bytes) -> None:
    made = with_messages(kernelbase, {2: "The system cannot find it.", 15999: "New."})
    assert made is not None and len(made) == len(kernelbase)
    before, after = resource.messages_of(kernelbase), resource.messages_of(made)
    assert after == {**before, 2: "The system cannot find it.\r\n", 15999: "New.\r\n"}
    leaves = [struct.unpack_from("<II", made, leaf) for _, leaf in resource._leaves(pe.File(made))]
    assert len(leaves) > 20 and len(set(leaves)) == 1


def test_more_text_than_there_is_room_for_leaves_the_library_alone(kernelbase: bytes) -> None:
    assert with_messages(kernelbase, dict.fromkeys(range(20_000), "x" * 60)) is None


@pytest.mark.parametrize("data", [b"", b"MZ" + bytes(200), b"no library"])
def test_another_file_is_left_alone(data: bytes) -> None:
    assert with_messages(data, {2: "x"}) is None


def test_a_damaged_library_is_left_alone(kernelbase: bytes) -> None:
    root = pe.File(kernelbase).at(pe.File(kernelbase).directory(2))
    for at in range(root, root + 64, 4):
        broken = bytearray(kernelbase)
        broken[at:at + 4] = b"\xff\xff\xff\x7f"
        with_messages(bytes(broken), {2: "x"})
