# SPDX-License-Identifier: Apache-2.0
"""Names in any script, wherever a program meets one: files, arguments, variables, the registry, mounts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, sandboxes
from support.sandboxes import Boxes, Done, run, start

from imagebuild.hive.tree import find
from imagebuild.runtime import Mount, WineSandbox
from imagebuild.runtime.linux import bwrap
from imagebuild.runtime.registry.winereg import parse

pytestmark = pytest.mark.slow
PROGRAM = Path(__file__).with_name("names.c")
NAMES = {
    "latin": "grün", "han": "漢字", "emoji": "a😀b👩\u200d🚀", "composed": unicodedata.normalize("NFC", "é"),
    "combining": unicodedata.normalize("NFD", "é"), "right-to-left": "שלום مرحبا", "cyrillic": "Проба",
    "symbols": "€ \u2013 ½", "highest": "\U0010fffd", "private": "\ue000"}


@pytest.fixture
def boxes(sandbox: WineSandbox) -> Iterator[Boxes]:
    """Boxes with ``C:\\names.exe``."""
    with programs.skipping():
        program = sandboxes.compile_program(PROGRAM, "-municode", "-ladvapi32")
    with sandboxes.folder() as root:
        made = Boxes(sandbox, root)
        made.add_program(program, "names.exe")
        yield made
        made.close()


def said(done: Done) -> list[str]:
    """What a command said; it may not have complained."""
    assert not done.err
    return done.out.splitlines()


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_the_first_program_gets_its_arguments_and_variables_as_they_are(boxes: Boxes, name: str) -> None:
    line = rf'cmd /c "C:\names args "{name}" "-{name}-" & C:\names env "{name}" & "C:\names" env OTHER"'
    assert said(boxes.run(line, environment={name: "value", "OTHER": name})) == [name, f"-{name}-", "value", name]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_files_mounts_and_the_registry_keep_names_as_they_are(boxes: Boxes, name: str) -> None:
    (boxes.layer / f"{name}.given").write_text(f"content of {name}")
    source = boxes.root / f"source {name}"
    source.mkdir()
    source.chmod(0o777)
    (source / f"{name}.mounted").write_text(name)
    box = boxes.open(mounts=(Mount(source, f"C:\\{name}"),))
    start(box, "cmd /c ping -n 60 127.0.0.1 >nul")

    def inside(line: str) -> list[str]:
        return said(run(box, line, main=False, environment={"VARIABLE": name}))

    assert inside(rf'C:\names args "{name}"') == inside(r"C:\names env VARIABLE") == [name]
    assert {f"{name}.given", name, "names.exe"} <= set(inside(r"C:\names list C:\ "))
    assert inside(rf'C:\names read "C:\{name}.given"') == [f"content of {name}"]
    assert inside(rf'C:\names write "C:\{name}\{name}.written" "{name}"') == []
    assert set(inside(rf'C:\names list "C:\{name}"')) == {f"{name}.mounted", f"{name}.written"}
    assert (source / f"{name}.written").read_text() == name
    inside(rf'reg add "HKLM\Software\{name}" /v "{name}" /d "{name}"')
    assert inside(rf'C:\names value "Software\{name}" "{name}"') == [name]
    box.flush()
    registry = parse((boxes.root / "box/prefix/system.reg").read_bytes())
    key = find(registry.root, f"Software\\{name}")
    assert key is not None
    assert [(value.name, value.text()) for value in key.values] == [(name, name)]


def test_case_does_not_matter_in_other_scripts_either(boxes: Boxes) -> None:
    (boxes.layer / "ÜBER Ж.txt").write_text("found")
    assert boxes.run(r'C:\names read "C:\über ж.TXT"').out == "found"


def test_a_working_folder_of_any_name_is_made_and_entered(boxes: Boxes) -> None:
    box = boxes.open()
    assert run(box, r"C:\names where", cwd="C:\\漢字\\grün 😀").out == "C:\\漢字\\grün 😀\n"
    assert (boxes.root / "box/upper/漢字/grün 😀").is_dir()


def test_cmd_handles_such_names_too(boxes: Boxes) -> None:
    """What cmd prints depends on its code page, as on Windows; what it does must not."""
    done = boxes.run('cmd /c "mkdir C:\\漢\\ü & echo x> C:\\漢\\ü\\😀.txt & copy C:\\漢\\ü\\😀.txt C:\\копия >nul'
                     ' & ren C:\\копия kopie & type C:\\kopie & for %i in (C:\\漢\\ü\\*) do @C:\\names args %i'
                     ' & for /r C:\\漢 %i in (*.txt) do @C:\\names args %~ni & set V=漢😀&& call C:\\names args %V%'
                     ' & C:\\names env V"')
    assert done.out.split() == ["x", "C:\\漢\\ü\\😀.txt", "😀", "漢😀", "漢😀"]


def test_a_machine_without_the_locale_says_so(sandbox: WineSandbox, monkeypatch: pytest.MonkeyPatch,
                                              tmp_path: Path) -> None:
    assert not any("ASCII" in gap for gap in sandbox.facts().gaps)
    monkeypatch.setattr(bwrap, "LOCALE", tmp_path / "missing")
    assert any("ASCII" in gap and "libc-bin" in gap for gap in sandbox.facts().gaps)
