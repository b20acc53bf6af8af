# SPDX-License-Identifier: Apache-2.0
"""``wcow diff``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support import images
from support.images import file, folder

if TYPE_CHECKING:
    from conftest import Home


def second(home: Home) -> None:
    """``app:2``: the sample's base under another layer."""
    store = home.store()
    upper = images.layer(store, [folder("Files", security=False), folder("Files/app"),
                                 file("Files/app/readme.txt", b"HELLO\n", sddl="O:SYG:SYD:P(A;;FA;;;WD)"),
                                 folder("Hives", security=False)])
    images.image(store, "docker.io/library/app:2", images.layer(store, images.BASE, base=True), upper)


def test_equal_and_different_images_have_other_exit_codes(home: Home, app: str) -> None:
    second(home)
    assert home.wcow("diff", "app:1", "app:1").out.endswith("\nidentical: one digest\n")
    out = home.wcow("diff", "--acl", "sddl", "app:1", "app:2", code=1).out
    assert "~ C:\\app\\readme.txt  content, acl, attributes RA -> A\n" in out
    assert "    - (A;ID;FA;;;BA)\n    + O:SY\n    + D:P\n    + (A;;FA;;;WD)\n" in out
    home.wcow("diff", "app:1", "app:9", "--offline", code=2)
    assert "wcow diff app:1 OTHER" in home.wcow("diff", "app:1", code=2).err


def test_json_and_pages_come_out_whole(home: Home, app: str) -> None:
    second(home)
    facts = json.loads(home.wcow("diff", "-q", "--format", "json", "app:1", "app:2", code=1).out)
    assert facts["before"]["digest"] == app and facts["counts"]["changed"] == 1
    done = home.wcow("diff", "--format", "html", "-o", "p.html", "app:1", "app:2", code=1)
    assert done.out == "" and "linting app:2" in done.err
    assert (home.folder / "p.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert home.wcow("diff", "-q", "--format", "html", "app:1").out.endswith("</html>\n")
