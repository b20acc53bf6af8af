# SPDX-License-Identifier: Apache-2.0
"""The hives of an image, layer by layer."""

from __future__ import annotations

import gzip

import pytest
from support import rawtar
from support.hivelayers import delta_layer, user_layer
from support.shelf import Shelf

from imagebuild.errors import FormatError
from imagebuild.lint.checks.contained import hives_in

CONFIG = "Files/Windows/System32/config"


def test_hives_are_named_by_layer_and_path() -> None:
    shelf = Shelf()
    other = rawtar.layer(rawtar.file(b"Files/\xff"), rawtar.member("Files/s", records={b"GNU.sparse.major": b"1"}),
                         rawtar.folder("Files/Users/it/NTUSER.DAT"),
                         rawtar.file("./Files/Users/me/ntuser.dat", rawtar.HIVE),
                         rawtar.link("Files/Users/you/NTUSER.DAT", "Files/Users/me/ntuser.dat"))
    image = shelf.image(rawtar.base(), gzip.compress(delta_layer(rawtar.DELTA)), user_layer(b"x"), other)
    found = list(hives_in(image, shelf))
    assert [(number, path) for number, path, _ in found] == [
        *((0, f"{CONFIG}/{name}") for name in rawtar.CONFIG_HIVES), (1, "Hives/System_Delta"),
        (2, "Files/Users/me/NTUSER.DAT"), (3, "Files/Users/me/ntuser.dat")]
    assert [content[:] for _, _, content in found] == [rawtar.HIVE] * 5 + [rawtar.DELTA, b"x", rawtar.HIVE]


def test_a_layer_that_cannot_be_read_is_an_error() -> None:
    shelf = Shelf()
    with pytest.raises(FormatError, match="layer 0"):
        list(hives_in(shelf.image(rawtar.base()[:20_000]), shelf))
