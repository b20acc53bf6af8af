# SPDX-License-Identifier: Apache-2.0
"""Security descriptors as boxes have them: what an unpacked layer keeps, and what a commit reads back."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from support import images

from imagebuild.layer import LayerWriter, read
from imagebuild.runtime.snapshots.changes import changes
from imagebuild.runtime.snapshots.merged import Merged
from imagebuild.runtime.snapshots.security import (
    MOST,
    NAME,
    WINES_USER,
    Inheritance,
    read_security,
    root_security,
    with_account,
)
from imagebuild.runtime.unpacking.unpack import unpack
from imagebuild.windows.acl.sddl import format_sddl, parse_sddl
from imagebuild.windows.security import SecurityDescriptor
from imagebuild.windows.sid import CONTAINER_USER

OWN = parse_sddl("O:SYG:SYD:PAI(A;OICI;FA;;;SY)").to_bytes()


def layer(tmp_path: Path) -> Path:
    """An unpacked layer: a folder with a list of its own, and what inherits from it and what does not."""
    inherited = Inheritance()
    inside, file = inherited.below(OWN, directory=True), inherited.below(OWN, directory=False)
    out = io.BytesIO()
    writer = LayerWriter(out)
    writer.add(images.folder("Files", security=False)[0])
    for name, security in (("d", OWN), ("d/in", inside)):
        writer.add(replace(images.folder(f"Files/{name}")[0], security=security))
    for name, security in (("d/f", file), ("d/own", OWN)):
        writer.add(replace(images.file(f"Files/{name}", b"1")[0], security=security), b"1")
    writer.add(images.folder("Hives", security=False)[0])
    writer.finish()
    out.seek(0)
    return unpack(read(out), tmp_path / "made", lower=Merged([])).folder


def own(path: Path) -> bytes:
    number = os.open(path, os.O_RDONLY)
    try:
        return read_security(number)
    finally:
        os.close(number)


def test_only_what_does_not_inherit_is_kept(tmp_path: Path) -> None:
    folder = layer(tmp_path)
    assert {name: own(folder / name) for name in ("", "d", "d/in", "d/f", "d/own")} == {
        "": b"", "d": OWN, "d/in": b"", "d/f": b"", "d/own": OWN}


def test_what_is_too_long_for_the_machine_is_not_kept() -> None:
    inheritance = Inheritance()
    assert inheritance.to_keep(bytes(MOST + 1), None, directory=False) == b""
    assert inheritance.to_keep(OWN, None, directory=False) == OWN
    assert inheritance.to_keep(None, OWN, directory=False) == b""
    below = inheritance.below(root_security(), directory=False)
    assert inheritance.to_keep(below, root_security(), directory=False) == b""
    assert inheritance.to_keep(below, root_security(), directory=True) == below


def test_a_change_has_the_descriptor_and_a_folder_is_told_for_it_alone(tmp_path: Path) -> None:
    lower = layer(tmp_path)
    upper = tmp_path / "upper"
    (upper / "d/in").mkdir(parents=True)
    (upper / "d/f").write_bytes(b"2")
    assert [(one.path, one.security) for one in changes(upper, Merged([lower]))] == [(("d",), b""), (("d", "f"), b"")]
    os.setxattr(upper / "d", NAME, OWN)
    os.setxattr(upper / "d/in", NAME, OWN)
    os.setxattr(upper / "d/f", NAME, OWN)
    assert [(one.path, one.security) for one in changes(upper, Merged([lower]))] == [
        (("d",), OWN), (("d", "f"), OWN), (("d", "in"), OWN)]


@pytest.mark.parametrize("left", [b"x", bytes(20), OWN[:-1], b"\x01" + bytes(3999)])
def test_what_a_program_left_that_is_no_descriptor_counts_for_nothing(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "f").touch()
    os.setxattr(tmp_path / "f", NAME, left)
    assert own(tmp_path / "f") == b""


def test_the_user_that_wine_has_is_the_account_of_the_container() -> None:
    wines = parse_sddl(f"O:{WINES_USER}G:SYD:(A;;FA;;;{WINES_USER})(A;;FR;;;BU)").to_bytes()
    found = format_sddl(SecurityDescriptor.from_bytes(with_account(wines, CONTAINER_USER)))
    assert found == f"O:{CONTAINER_USER}G:SYD:(A;;FA;;;{CONTAINER_USER})(A;;FR;;;BU)"
    assert with_account(OWN, CONTAINER_USER) == OWN
