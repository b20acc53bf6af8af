# SPDX-License-Identifier: Apache-2.0
"""A box's folder: requests, registry text, where mounts go."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import UsageError
from imagebuild.sandbox import BoxSpec, bwrap, folder, identity, launch
from imagebuild.sandbox.account import Account, choose

NORMAL = (65534, 65534) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
TEXT = st.text(st.characters(exclude_characters="\0"), max_size=20)


@given(TEXT, TEXT, st.lists(st.tuples(TEXT, TEXT)))
def test_a_request_has_its_fields_in_order(line: str, cwd: str, environment: list[tuple[str, str]]) -> None:
    fields = folder.request("J", "m", 5, 1.5, cwd, line, environment).decode("utf-8", "surrogatepass").split("\0")
    assert fields[:7] == ["J", "m", "5", "150", r"\\?\unix\prefix", cwd or "C:\\", line]
    assert fields[7:-1] == [f"{name}={value}" for name, value in environment]


def test_a_nul_in_a_request_is_refused() -> None:
    with pytest.raises(UsageError):
        folder.request("J", "", None, None, "", "cmd /c echo \0", [])


@pytest.fixture
def spec(tmp_path: Path) -> BoxSpec:
    for name in ("low/windows/System32", "high/windows", "box/upper", "box/prefix/dosdevices", "box/prefix/drives"):
        (tmp_path / name).mkdir(parents=True)
    return BoxSpec("x", tmp_path / "box")


@pytest.mark.parametrize(("path", "inside"), [
    (r"C:\Example", "/prefix/drive_c/Example"),
    (r"c:/WINDOWS/system32/x", "/prefix/drive_c/windows/System32/x"),
    (r"D:\data", "/prefix/drives/d/data"),
    ("E:", "/prefix/drives/e"),
])
def test_a_target_takes_the_spelling_that_is_there(spec: BoxSpec, tmp_path: Path, path: str, inside: str) -> None:
    assert folder.target(path, spec, [tmp_path / "low", tmp_path / "high"], choose()) == inside


def test_a_target_through_a_link_is_refused(spec: BoxSpec, tmp_path: Path) -> None:
    (tmp_path / "box" / "upper" / "out").symlink_to("/etc")
    with pytest.raises(UsageError):
        folder.target(r"C:\OUT\x", spec, [], choose())


def test_what_a_program_puts_in_place_of_run_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "elsewhere").mkdir()
    held = os.open(tmp_path / "run", os.O_DIRECTORY)
    (tmp_path / "run" / "1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        folder.new_talk(held, 1, b"", choose())
    talk = folder.new_talk(held, 2, b"request", choose())
    (tmp_path / "run" / "2" / "status").write_text("started 5\n")
    assert talk.read_status() == "started 5\n"
    (tmp_path / "run" / "2" / "status").unlink()
    (tmp_path / "run" / "2" / "status").write_text("exit 0\n")
    assert talk.read_status() == "started 5\n"
    talk.close()
    os.close(held)


@pytest.mark.parametrize("name", ["drives", "dosdevices", "drives/e"])
def test_a_link_that_a_program_put_where_a_drive_is_to_be_is_not_followed(spec: BoxSpec, tmp_path: Path, name: str
                                                                          ) -> None:
    (tmp_path / "elsewhere").mkdir()
    place = spec.folder / "prefix" / name
    if place.is_dir():
        place.rmdir()
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=name.rpartition("/")[2]):
        folder.target("E:\\", spec, [], choose())
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_drive_is_made_once_also_in_a_prefix_that_had_none(spec: BoxSpec) -> None:
    (spec.folder / "prefix" / "drives").rmdir()
    for _ in range(2):
        assert folder.target("E:\\", spec, [], choose()) == "/prefix/drives/e"
    assert (spec.folder / "prefix" / "dosdevices" / "e:").resolve() == spec.folder / "prefix" / "drives" / "e"


def test_numbers_go_on_where_an_engine_before_us_stopped_whatever_programs_put_there(tmp_path: Path) -> None:
    held = os.open(tmp_path, os.O_DIRECTORY)
    assert folder.last_talk(held) == 0
    for name in ("7", "12", "\u00b2", "\u0665\u0665\u0665", "-3", "x", "9" * 200):
        (tmp_path / name).mkdir()
    (tmp_path / os.fsdecode(b"\xff9")).mkdir()
    assert folder.last_talk(held) == 12
    os.close(held)


@pytest.mark.parametrize("fails", ["open", "write"])
def test_a_request_that_cannot_be_written_leaves_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                              fails: str) -> None:
    held = os.open(tmp_path, os.O_DIRECTORY)
    before = len([*Path("/proc/self/fd").iterdir()])
    really = os.open

    def refuse(path: str, *arguments: int, **more: int) -> int:
        if path == "list":
            raise OSError(24, "Too many open files")
        return really(path, *arguments, **more)

    size = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        if fails == "open":
            monkeypatch.setattr(os, "open", refuse)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, size[1]))  # as a disk that gets full
        with pytest.raises(OSError, match=r"Too many open|too large"):
            folder.new_talk(held, 1, b"x" * 5000, choose())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, size)
        signal.signal(signal.SIGXFSZ, handler)
    assert len([*Path("/proc/self/fd").iterdir()]) == before
    os.close(held)


def test_a_folder_that_a_program_closed_to_everybody_is_removed(tmp_path: Path) -> None:
    place = tmp_path / "box"
    (place / "upper" / "a" / "b").mkdir(parents=True)
    (place / "upper" / "a" / "b" / "file").touch()
    for path in (place, place / "upper", place / "upper" / "a", place / "upper" / "a" / "b"):
        os.chown(path, *NORMAL)
    os.chown(place / "upper" / "a" / "b" / "file", *NORMAL)
    (place / "upper" / "a" / "b").chmod(0)
    (place / "upper" / "a").chmod(0)
    tmp_path.chmod(0o755)
    child = os.fork()
    if not child:  # a normal user's engine
        with suppress(BaseException):
            os.chdir(tmp_path)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NORMAL[1])
                os.setuid(NORMAL[0])
            folder.remove(Path("box"))
        os._exit(0)
    os.waitpid(child, 0)
    assert not (place / "upper").exists()


def test_identity_is_text_that_wine_reads() -> None:
    text = identity.system("web-1", 20348, 7).decode()
    assert '[Software\\\\Microsoft\\\\Windows NT\\\\CurrentVersion]' in text
    assert '"CurrentBuild"="20348"' in text
    assert '"UBR"=dword:00000007' in text
    assert '"ProductType"="ServerNT"' in text
    assert '"ProductType"="WinNT"' in identity.system("a", 19045).decode()
    assert "CurrentBuild" not in identity.system("a").decode()
    assert '"USERNAME"="b\\x00e4"' in identity.user("a", "bä").decode()


def test_arguments_are_packed_with_nuls() -> None:
    assert bwrap.pack(["--a", "é"]) == b"--a\0\xc3\xa9\0"


def test_a_memory_file_is_read_from_its_start() -> None:
    descriptor = launch.memory_file(b"content", "x")
    assert os.read(descriptor, 100) == b"content"
    os.close(descriptor)


def test_an_account_that_cannot_enter_a_folder_is_told_which(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    tmp_path.joinpath("a").chmod(0o700)
    assert Account(2_000_000, 2_000_000, True).reaches(inner) is not None
    assert Account(2_000_000, 2_000_000, False).reaches(inner) is None
    assert Account(2_000_000, 2_000_000, True).reaches(Path("/usr/lib")) is None
