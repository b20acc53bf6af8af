# SPDX-License-Identifier: Apache-2.0
"""A program is installed whole or not at all, and one that is in use stays."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import made_programs

from imagebuild.errors import FormatError, IntegrityError, NotFoundError, StoreError, UnsupportedError, WcowError
from imagebuild.programs import POWERSHELL, ProgramStore
from imagebuild.programs.store import file_digest


def zipped(tmp_path: Path, name: str = "pwsh.zip", **how: object) -> Path:
    source = tmp_path / name
    source.write_bytes(made_programs.archive(made_programs.powershell(**how)))  # type: ignore[arg-type]
    return source


def names(store: ProgramStore) -> list[str]:
    return sorted(one.name for one in (store.root / "powershell").iterdir())


def test_an_archive_is_installed_and_found_again(tmp_path: Path) -> None:
    store, source = ProgramStore(tmp_path / "programs"), zipped(tmp_path)
    assert store.installed(POWERSHELL) is None
    made = store.install(POWERSHELL, source, checksum=file_digest(source))
    assert made == ProgramStore(tmp_path / "programs").installed(POWERSHELL)
    assert (made.version, made.digest, made.source) == ("7.6.9", file_digest(source), str(source))
    assert (made.folder / "pwsh.exe").read_bytes() == made_programs.program()
    assert (made.folder / "Modules" / "PSReadLine" / "PSReadLine.psd1").is_file()


def test_a_folder_and_an_archive_with_one_folder_in_it_are_taken(tmp_path: Path) -> None:
    store, folder = ProgramStore(tmp_path / "programs"), tmp_path / "unpacked"
    for name, data in made_programs.powershell().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    first = store.install(POWERSHELL, folder)
    assert first.digest.startswith("sha256:") and (first.folder / "pwsh.dll").is_file()
    deep = tmp_path / "deep.zip"
    files = made_programs.powershell("7.7.0").items()
    deep.write_bytes(made_programs.archive({f"PowerShell/{name}": data for name, data in files}))
    second = store.install(POWERSHELL, deep)
    assert second.version == "7.7.0" and (second.folder / "pwsh.exe").is_file()
    assert names(store) == ["7.7.0-" + second.digest[7:15], "current", "lock"], "the version before is gone"


@pytest.mark.parametrize(("files", "why"), [
    ({"readme.txt": b"x"}, "there is no pwsh.exe in it"),
    (made_programs.powershell(machine=made_programs.X86), r"it is for x86 \(32-bit\)"),
    (made_programs.powershell(machine=made_programs.ARM64), "it is for arm64"),
    ({**made_programs.powershell(), "pwsh.exe": b"#!/bin/sh"}, "not a program of Windows"),
    ({**made_programs.powershell(), "pwsh.dll": made_programs.program()}, "does not say its version"),
    ({k: v for k, v in made_programs.powershell().items() if k != "coreclr.dll"}, "coreclr.dll is not in it"),
])
def test_what_cannot_run_here_is_refused_and_leaves_the_version_before(tmp_path: Path, files: dict[str, bytes],
                                                                      why: str) -> None:
    store = ProgramStore(tmp_path / "programs")
    before = store.install(POWERSHELL, zipped(tmp_path))
    wrong = tmp_path / "wrong.zip"
    wrong.write_bytes(made_programs.archive(files))
    with pytest.raises((UnsupportedError, FormatError), match=why):
        store.install(POWERSHELL, wrong)
    assert store.installed(POWERSHELL) == before and len(names(store)) == 3


def test_another_archive_than_the_checksum_says_is_refused(tmp_path: Path) -> None:
    store = ProgramStore(tmp_path / "programs")
    with pytest.raises(IntegrityError, match="its checksum is"):
        store.install(POWERSHELL, zipped(tmp_path), checksum="sha256:" + "0" * 64)
    assert store.installed(POWERSHELL) is None


def test_a_full_disk_leaves_nothing_half_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, real = ProgramStore(tmp_path / "programs"), Path.open

    def full(self: Path, mode: str = "r", *args: object, **named: object) -> object:
        if self.name == "pwsh.dll" and "x" in mode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
        return real(self, mode, *args, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StoreError, match="No space left"):
        store.install(POWERSHELL, zipped(tmp_path))
    monkeypatch.undo()
    assert store.installed(POWERSHELL) is None and names(store) == ["lock"]


_INSTALL = """
import sys, time
from pathlib import Path
from imagebuild.programs import POWERSHELL, ProgramStore
def told(done, total):
    print(done, flush=True)
    time.sleep(60)
ProgramStore(Path(sys.argv[1])).install(POWERSHELL, Path(sys.argv[2]), progress=told)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_install_that_is_interrupted_leaves_the_version_before_and_the_next_one_works(tmp_path: Path,
                                                                                        end: int) -> None:
    store = ProgramStore(tmp_path / "programs")
    before = store.install(POWERSHELL, zipped(tmp_path))
    newer = zipped(tmp_path, "new.zip", version="7.7.0")
    with subprocess.Popen([sys.executable, "-c", _INSTALL, store.root, newer], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout and int(process.stdout.readline()) > 0
        assert store.installed(POWERSHELL) == before
        process.send_signal(end)
    assert store.installed(POWERSHELL) == before and (before.folder / "pwsh.exe").is_file()
    assert store.install(POWERSHELL, newer).version == "7.7.0"
    assert len(names(store)) == 3 and not [name for name in names(store) if name.startswith(".")]


def test_a_version_in_use_stays_until_its_user_has_gone(tmp_path: Path) -> None:
    store, engine = ProgramStore(tmp_path / "programs"), ProgramStore(tmp_path / "programs")
    old = store.install(POWERSHELL, zipped(tmp_path))
    assert engine.use(POWERSHELL) == old
    new = store.install(POWERSHELL, zipped(tmp_path, "new.zip", version="7.7.0"))
    assert old.folder.is_dir() and engine.use(POWERSHELL) == new
    assert store.remove(POWERSHELL) == new
    assert store.installed(POWERSHELL) is None and engine.use(POWERSHELL) is None
    assert old.folder.is_dir() and new.folder.is_dir()
    engine.close()
    store.sweep(POWERSHELL)
    assert names(store) == ["lock"]


def test_two_engines_use_one_version_at_once_and_both_keep_it(tmp_path: Path) -> None:
    root = tmp_path / "programs"
    store, one, two = ProgramStore(root), ProgramStore(root), ProgramStore(root)
    old = store.install(POWERSHELL, zipped(tmp_path))
    assert one.use(POWERSHELL) == two.use(POWERSHELL) == old
    store.remove(POWERSHELL)
    one.close()
    store.sweep(POWERSHELL)
    assert old.folder.is_dir(), "the other still uses it"
    two.close()
    store.sweep(POWERSHELL)
    assert not old.folder.exists()


def test_what_is_not_there_cannot_be_removed(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="PowerShell is not installed"):
        ProgramStore(tmp_path).remove(POWERSHELL)


@pytest.mark.parametrize("text", ["", "..", "a/b", "\xff", "nothing"])
def test_a_record_with_nonsense_means_that_none_is_installed(tmp_path: Path, text: str) -> None:
    store = ProgramStore(tmp_path)
    (tmp_path / "powershell").mkdir()
    (tmp_path / "powershell" / "current").write_bytes(text.encode("latin-1"))
    assert store.installed(POWERSHELL) is None


def test_the_same_archive_twice_is_one_version(tmp_path: Path) -> None:
    store, source = ProgramStore(tmp_path / "programs"), zipped(tmp_path)
    first = store.install(POWERSHELL, source)
    assert store.install(POWERSHELL, source).folder == first.folder and len(names(store)) == 3


def test_every_error_is_ours(tmp_path: Path) -> None:
    source = tmp_path / "x.zip"
    source.write_bytes(b"no archive")
    with pytest.raises(WcowError) as caught:
        ProgramStore(tmp_path / "programs").install(POWERSHELL, source)
    assert caught.value.what == "cannot unpack x.zip" and caught.value.hint
    with pytest.raises(WcowError):
        ProgramStore(source).install(POWERSHELL, zipped(tmp_path))


def test_a_store_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ProgramStore(tmp_path / "programs")
    store.install(POWERSHELL, zipped(tmp_path))

    def denied(self: Path, *_words: object, **_more: object) -> str:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(StoreError, match="cannot tell whether powershell is installed"):
        store.installed(POWERSHELL)
