# SPDX-License-Identifier: Apache-2.0
"""What is made of Wine's own files, and what programs of a box may do with them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from support import programs
from support.sandboxes import Boxes, Done, home, run, start

from imagebuild.runtime import install as wine_install
from imagebuild.runtime import toolchain
from imagebuild.runtime.wine.template import OVERRIDES, folder_name, overrides

PRODUCT = Path(__file__).with_name("product.wxs")


def test_wine_runs_its_own_cmd_where_there_is_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "layer"
    assert overrides(folder) == OVERRIDES
    (folder / "windows/system32").mkdir(parents=True)
    (folder / "windows/system32/cmd.exe").touch()
    assert overrides(folder) == (*OVERRIDES, "cmd.exe")


@pytest.fixture
def msi(boxes: Boxes, tmp_path: Path) -> None:
    """``C:\\product.msi``: a file, a registry value and a variable of the machine."""
    (tmp_path / "hello.txt").write_text("installed\n")
    with programs.skipping():
        programs.run(programs.find("wixl"), "--arch", "x64", "-o", tmp_path / "product.msi", PRODUCT, cwd=tmp_path)
    boxes.add_program(tmp_path / "product.msi", "product.msi")


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["C:\\Windows", "C:\\Windows\\System32", "C:\\Windows\\Temp",
                                    "C:\\Windows\\System32\\drivers\\etc", "C:\\Program Files", "C:\\ProgramData"])
def test_every_folder_of_windows_takes_new_files_and_folders(boxes: Boxes, folder: str) -> None:
    done = boxes.run(rf'cmd /c "mkdir "{folder}\made" & echo x> "{folder}\made.txt" & type "{folder}\made.txt"'
                     rf' & if exist "{folder}\made" echo folder"')
    assert (done.out.split(), done.err) == (["x", "folder"], "")


@pytest.mark.slow
def test_files_of_windows_are_replaced_in_the_box_and_stay_as_they_were_outside(boxes: Boxes) -> None:
    """What all boxes share is the account's own; they see it through an overlay only."""
    before = _digests()
    box = boxes.open()
    start(box, "probe sleep")
    lines = [r'cmd /c "echo x> C:\windows\win.ini & echo x> C:\windows\system32\find.exe"',
             r'cmd /c "del C:\windows\hh.exe & ren C:\windows\notepad.exe other.exe & rmdir /s /q C:\windows\logs"',
             r'cmd /c "attrib +r C:\windows\regedit.exe & mkdir C:\windows\inf\deep"',
             r'cmd /c "mklink /h C:\linked.exe C:\windows\explorer.exe & echo y>> C:\linked.exe"']
    shown = [run(box, line, main=False) for line in lines]
    seen = run(box, r'cmd /c "type C:\windows\win.ini & dir /b C:\windows"', main=False)
    assert seen.out.split()[0] == "x", shown
    names = [name.lower() for name in seen.out.split()]
    assert "other.exe" in names
    assert not {"hh.exe", "notepad.exe", "logs"} & set(names), shown
    assert _digests() == before


@pytest.mark.slow
def test_an_msi_installs_and_goes_again(boxes: Boxes, msi: None) -> None:
    box = boxes.open()
    start(box, "probe sleep")

    def inside(line: str) -> Done:
        return run(box, line, main=False)

    assert inside(r"msiexec /i C:\product.msi /qn").code == 0
    assert inside(r'cmd /c type "C:\Program Files\Product\hello.txt"').out == "installed\n"
    assert "REG_SZ    1.2.3" in inside(r"reg query HKLM\SOFTWARE\Product /v Version").out
    assert "C:\\Program Files\\Product" in inside(
        r'reg query "HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment" /v PRODUCT_HOME').out
    assert inside(r"cmd /c dir /b C:\Windows\Installer\*.msi").code == 0
    assert inside(r"msiexec /x C:\product.msi /qn").code == 0
    assert inside(r'cmd /c if not exist "C:\Program Files\Product\hello.txt" echo gone').out.split() == ["gone"]


def _digests() -> dict[str, str]:
    """Everything of the shared folders: names, modes, content."""
    install, out = wine_install.find_wine(), {}
    name = folder_name(install)
    layer = f"layer-{name.partition('-')[2]}-{toolchain.source_key()}"
    for folder in (home() / name, home() / layer):
        for path in sorted(folder.rglob("*")):
            about = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            out[str(path)] = f"{about.st_mode:o} {about.st_uid} {about.st_ino} {about.st_mtime_ns} {content}"
    return out
