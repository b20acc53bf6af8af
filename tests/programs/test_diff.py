# SPDX-License-Identifier: Apache-2.0
"""``wcow diff``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support import images
from support.images import file, folder

if TYPE_CHECKING:
    from support.home import Home


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


def test_the_registry_is_told_in_text_and_json(home: Home) -> None:
    home.wcow("base", "create", "-q", "--like", "nanoserver", "--os-version", "10.0.20348.2762", "-t", "nano:1")
    home.wcow("reg", "set", "nano:1", r"HKLM\SYSTEM\CurrentControlSet\Services\mine", "-v", "Start", "--type", "dword",
              "-d", "2", "-t", "nano:2")
    home.wcow("reg", "set", "nano:2", r"HKLM\SYSTEM\CurrentControlSet\Services\mine", "-v", "Start", "--type", "dword",
              "-d", "4", "-t", "nano:3")
    mine = r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\mine"
    out = home.wcow("diff", "-q", "nano:1", "nano:2", code=1).out
    assert f"\nRegistry\n+ {mine}\n    + Start    REG_DWORD    0x2\n" in out
    assert "; registry: 1 key added; " in out or "\nregistry: 1 key added; " in out
    out = home.wcow("diff", "-q", "nano:2", "nano:3", code=1).out
    assert f"~ {mine}\n    - Start    REG_DWORD    0x2\n    + Start    REG_DWORD    0x4\n" in out
    assert f"- {mine}\n" in home.wcow("diff", "-q", "nano:2", "nano:1", code=1).out
    facts = json.loads(home.wcow("diff", "-q", "--format", "json", "nano:2", "nano:3", code=1).out)
    assert [key["path"] for hive in facts["registry"] for key in hive["keys"]] == [mine]
    assert facts["files"] == [] and not facts["equal"]
    # What two layers say, tombstones included.
    home.wcow("reg", "delete", "nano:2", r"HKLM\SYSTEM\CurrentControlSet\Services\mine", "-t", "nano:4")
    out = home.wcow("diff", "-q", "--layer", "1:2", "nano:4", "nano:4", code=1).out
    assert f"~ {mine}  effect adds to lower layers -> deleted here\n" in out
    assert home.wcow("diff", "-q", "--path", "/x", "nano:1", "nano:2", code=0)
