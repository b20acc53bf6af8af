# SPDX-License-Identifier: Apache-2.0
"""Programs in boxes, as the port promises: codes, streams, exec, stop, the registry, mounts, terminals."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support import sandboxes
from support.sandboxes import Boxes, run, start, wait_for

from imagebuild.errors import NotFoundError, ToolError, UsageError
from imagebuild.runtime import KILLED, STOPPED, BoxSpec, Command, Limits, Mount, Stdio, WineSandbox
from imagebuild.runtime.linux import launch, notice
from imagebuild.runtime.port import Keys
from imagebuild.runtime.wine import box as box_module
from imagebuild.runtime.wine.box import WineBox

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[4]


def test_a_box_shows_the_windows_build_it_was_given(boxes: Boxes) -> None:
    assert "10.0.20348" in boxes.run("cmd /c ver", windows_build=20348).out
    assert "10.0.17763" in boxes.run("cmd /c ver", windows_build=17763).out


def test_a_box_has_its_name_and_user(boxes: Boxes) -> None:
    done = boxes.run("cmd /c hostname & echo %COMPUTERNAME% %USERNAME%", name="web7", user="ContainerUser")
    assert done.out.splitlines() == ["WEB7", "WEB7 ContainerUser"]


@pytest.mark.parametrize("code", [0, 3, 255, 256, 0x12345678, 0xC0000005, 0xFFFFFFFF])
def test_all_bits_of_an_exit_code_come_through(boxes: Boxes, code: int) -> None:
    assert boxes.run(rf"C:\probe.exe exit {code}").code == code


def test_a_crash_gives_its_status_and_no_page_of_registers(boxes: Boxes) -> None:
    done = boxes.run("probe crash")
    assert done.code == 0xC0000005
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("line", ["overflow", "overflow-thread"])
def test_a_stack_that_is_full_ends_the_program(boxes: Boxes, line: str) -> None:
    done = boxes.run(f"probe {line}")
    assert done.code == 0xC00000FD
    assert "stack overflow" in done.err


@pytest.mark.parametrize(("line", "code"), [("fail", 0xC0000602), ("fail 0x80131623", 0x80131623)])
def test_a_program_that_fails_fast_ends_with_the_code_of_its_error(boxes: Boxes, line: str, code: int) -> None:
    assert boxes.run(f"probe {line}").code == code


def test_dir_needs_no_services(boxes: Boxes) -> None:
    done = boxes.run(r"cmd /c dir C:\ ")
    assert done.code == 0
    assert "probe.exe" in done.out
    assert "bytes free" in done.out


def test_streams_are_apart_and_hold_nothing_of_wines(boxes: Boxes) -> None:
    done = boxes.run("cmd /c echo out & echo err>&2")
    assert (done.out.strip(), done.err.strip()) == ("out", "err")


def test_cmd_reads_every_line_of_a_pipe(boxes: Boxes) -> None:
    """Wine's cmd takes a whole buffer from a pipe and forgets all but one line."""
    box = boxes.open()
    stdin, feed = os.pipe()
    os.write(feed, b"echo one\r\necho two\r\nset /p x=\r\nvalue\r\necho [%x%]\r\nexit 4\r\n")
    os.close(feed)
    out = boxes.root / "out"
    with out.open("wb") as file:
        process = box.start(Command("cmd"), Stdio(stdin, file.fileno(), file.fileno()))
    os.close(stdin)
    assert process.ended.result(30) == 4
    assert ["one" in out.read_text(), "two" in out.read_text(), "[value]" in out.read_text()] == [True] * 3


def test_one_program_that_joined_is_killed_with_what_it_started(boxes: Boxes) -> None:
    box = boxes.open()
    first = start(box, "cmd /c ping -n 100 127.0.0.1 >nul")
    null = os.open(os.devnull, os.O_RDWR)
    joined = [box.exec(Command('cmd /S /C "ping -n 100 127.0.0.1 >nul"'), Stdio(null, null, null)) for _ in range(2)]
    os.close(null)
    assert wait_for(lambda: [row.name for row in box.processes()].count("ping.exe") == 3)
    joined[0].kill()
    assert joined[0].ended.result(0) == KILLED
    assert wait_for(lambda: [row.name for row in box.processes()].count("ping.exe") == 2)
    assert not joined[1].ended.done() and not first.ended.done()
    joined[0].kill()
    first.kill()
    assert (first.ended.result(0), joined[1].ended.result(10)) == (KILLED, KILLED)
    joined[1].kill()


def test_what_a_joined_program_left_running_is_ended_with_it(boxes: Boxes) -> None:
    """The parent of what is left is gone: no walk from parent to child finds it."""
    box = boxes.open()
    first = start(box, "cmd /c ping -n 100 127.0.0.1 >nul")
    null = os.open(os.devnull, os.O_RDWR)
    line = 'cmd /c start /b cmd /c "ping -n 100 127.0.0.1 >nul"'
    left, other = (box.exec(Command(line), Stdio(null, null, null)) for _ in range(2))
    os.close(null)
    assert (left.ended.result(10), other.ended.result(10)) == (0, 0)
    assert wait_for(lambda: [row.name for row in box.processes()].count("ping.exe") == 3)
    left.kill()
    assert wait_for(lambda: [row.name for row in box.processes()].count("ping.exe") == 2)
    left.kill()
    assert (left.ended.result(0), other.ended.done(), first.ended.done()) == (0, True, False)
    first.kill()
    left.kill()


@pytest.mark.parametrize(("keys", "event"), [("ctrl-c", "0"), ("ctrl-break", "1")])
@pytest.mark.parametrize("tty", [False, True])
def test_keys_are_pressed_at_one_programs_console(boxes: Boxes, keys: Keys, event: str, tty: bool) -> None:
    box = boxes.open()
    main = start(box, "probe handle")
    files = [*pty.openpty(), *pty.openpty()] if tty else [os.open(os.devnull, os.O_RDWR) for _ in range(4)]
    handles, sleeps = (box.exec(Command(line, tty=tty), Stdio(file, file, file)) for line, file in (
        (r"cmd /c C:\probe.exe handle", files[1]), (r"C:\probe.exe sleep", files[3])))
    assert wait_for(lambda: [row.name for row in box.processes()].count("probe.exe") == 3)
    time.sleep(0.5)  # until it handles
    handles.press(keys)
    told = boxes.root / "box" / "upper" / "event.txt"
    assert wait_for(lambda: told.is_file() and told.read_text())
    assert wait_for(lambda: handles.ended.done())
    assert told.read_text() == event
    assert not sleeps.ended.done() and not main.ended.done()
    sleeps.press(keys)
    assert sleeps.ended.result(10) == STOPPED
    sleeps.press(keys)
    main.press(keys)
    assert main.ended.result(10) == 77
    for file in files:
        os.close(file)


def test_a_program_that_is_not_there_is_an_error_with_its_code(boxes: Boxes) -> None:
    with pytest.raises(ToolError) as error:
        boxes.run("nosuch.exe")
    assert error.value.facts["code"] == 2


def test_the_environment_is_compared_without_case_and_a_commands_comes_last(boxes: Boxes) -> None:
    box = boxes.open(environment={"Path": r"C:\windows\system32", "one": "1", "two": "2"})
    done = run(box, "cmd /c echo %PATH% %ONE% %TWO% %LANG% %WINEPREFIX%", environment={"TWO": "3"})
    assert done.out.strip() == r"C:\windows\system32 1 3 %LANG% %WINEPREFIX%"


def test_a_working_directory_is_made(boxes: Boxes) -> None:
    box = boxes.open()
    assert run(box, "cmd /c cd", cwd=r"C:\app\deep").out.strip() == r"C:\app\deep"
    assert (boxes.root / "box" / "upper" / "app" / "deep").is_dir()


def test_a_second_program_joins_the_first(boxes: Boxes) -> None:
    box = boxes.open()
    main = start(box, "probe sleep")
    done = run(box, "tasklist", main=False)
    assert done.code == 0
    assert "probe.exe" in done.out
    assert run(box, "probe exit 0xC0000022", main=False).code == 0xC0000022
    assert not main.ended.done()


def test_the_processes_of_a_box_are_named_with_their_job_and_their_process_here(boxes: Boxes) -> None:
    box = boxes.open("abc")
    start(box, "probe sleep")
    rows = {row.name: row for row in box.processes()}
    assert rows["probe.exe"].job == "Container_abc"
    assert b"probe" in Path(f"/proc/{rows['probe.exe'].host_pid}/cmdline").read_bytes()
    assert rows["launcher.exe"].job == ""
    box.kill()
    assert box.processes() == ()


def test_a_stop_is_a_shutdown_that_a_program_can_handle(boxes: Boxes) -> None:
    box = boxes.open()
    main = start(box, "probe handle")
    time.sleep(0.3)
    before = time.monotonic()
    box.stop(20)
    assert time.monotonic() - before < 10
    assert main.ended.result(0) == 77
    assert (boxes.root / "box" / "upper" / "event.txt").read_text() == "6"  # CTRL_SHUTDOWN_EVENT


def test_a_kill_ends_everything(boxes: Boxes) -> None:
    box = boxes.open()
    main = start(box, "probe sleep")
    null = os.open(os.devnull, os.O_RDWR)
    joined = box.exec(Command("probe sleep"), Stdio(null, null, null))
    os.close(null)
    box.kill()
    assert (main.ended.result(5), joined.ended.result(5)) == (KILLED, KILLED)
    with pytest.raises(NotFoundError):
        run(box, "cmd /c ver", main=False)


def test_a_box_starts_once(boxes: Boxes) -> None:
    box = boxes.open()
    assert run(box, "cmd /c ver").code == 0
    with pytest.raises(UsageError):
        run(box, "cmd /c ver")


def test_the_registry_is_on_disk_when_the_main_program_has_ended_and_is_there_next_time(boxes: Boxes) -> None:
    assert run(boxes.open(), r"reg add HKLM\Software\Kept /v a /d b /f").code == 0
    assert r"[Software\\Kept]" in (boxes.root / "box" / "prefix" / "system.reg").read_text()
    assert "b" in run(boxes.open(), r"reg query HKLM\Software\Kept /v a").out


def test_the_registry_of_a_box_that_is_discarded_is_written_by_a_flush_alone(boxes: Boxes) -> None:
    box = boxes.open(discarded=True)
    hive = boxes.root / "box" / "prefix" / "system.reg"
    start(box, "probe sleep")
    assert run(box, r"reg add HKLM\Software\Kept /v a /d b /f", main=False).code == 0
    box.flush()
    assert r"[Software\\Kept]" in hive.read_text()
    box.close(remove=True)
    assert boxes.run(r"reg add HKLM\Software\Kept /v a /d b /f", discarded=True).code == 0
    box = boxes.open(discarded=True)
    assert run(box, r"reg add HKLM\Software\Kept /v a /d b /f").code == 0
    assert r"[Software\\Kept]" not in hive.read_text()


def test_a_flush_brings_the_registry_of_a_running_box_to_disk(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    assert run(box, r"reg add HKCU\Software\Kept /v a /d b /f", main=False).code == 0
    text = boxes.root / "box" / "prefix" / "user.reg"
    assert r"[Software\\Kept]" not in text.read_text()
    box.flush()
    assert r"[Software\\Kept]" in text.read_text()


def test_what_is_written_to_drive_c_is_in_upper_and_the_layer_stays(boxes: Boxes) -> None:
    box = boxes.open()
    assert run(box, r"cmd /c del C:\probe.exe & echo x> C:\new.txt").code == 0
    upper = boxes.root / "box" / "upper"
    assert (upper / "new.txt").read_text() == "x\n"
    assert (upper / "probe.exe").is_char_device()  # overlayfs: deleted
    assert (boxes.layer / "probe.exe").is_file()


def test_a_mount_is_there_and_read_only_is_enforced(boxes: Boxes) -> None:
    shared = boxes.root / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    (shared / "a.txt").write_text("hello")
    box = boxes.open(mounts=(Mount(shared, r"C:\example", True), Mount(shared, r"c:\USERS\mine"),
                             Mount(shared, "D:\\")))
    done = run(box, r"cmd /c type C:\example\a.txt & type D:\a.txt & echo w> C:\users\mine\w.txt"
                    r" & echo r> C:\example\r.txt")
    assert done.out.strip() == "hellohello"
    assert sorted(path.name for path in shared.iterdir()) == ["a.txt", "w.txt"]
    assert "denied" in done.err


def test_a_program_and_a_terminal(boxes: Boxes) -> None:
    box = boxes.open()
    ours, theirs = pty.openpty()
    process = box.start(Command("cmd", tty=True), Stdio(theirs, theirs, theirs))
    os.close(theirs)
    said = _until(ours, b"C:\\>")
    os.write(ours, b"ping -n 60 127.0.0.1\r")
    said = _until(ours, b"\n")
    time.sleep(1)
    os.write(ours, b"\x03")
    box.resize(process, 40, 120)
    assert os.get_terminal_size(ours) == (120, 40)
    os.write(ours, b"echo ali^ve\r")
    assert b"alive" in (said := _until(ours, b"alive")), said
    os.write(ours, b"exit 3\r")
    assert process.ended.result(10) == 3
    os.close(ours)


def _until(descriptor: int, wanted: bytes, seconds: float = 10) -> bytes:
    said, end = b"", time.monotonic() + seconds
    while wanted not in said and time.monotonic() < end:
        if select.select([descriptor], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):
                said += os.read(descriptor, 4096)
    return said


def test_four_hundred_megabytes_fail_under_a_limit_of_150(boxes: Boxes) -> None:
    done = boxes.run("probe allocate 400", limits=Limits(memory=150 << 20))
    assert done.code != 0
    assert "allocated" not in done.out
    assert boxes.run("probe allocate 60", limits=Limits(memory=150 << 20)).out == "allocated\n"


@pytest.mark.parametrize("line", ["powershell -Command exit 0",
                                  r"C:\windows\system32\WindowsPowerShell\v1.0\powershell.exe -v"])
def test_wines_powershell_which_does_nothing_is_not_there(boxes: Boxes, line: str) -> None:
    done = boxes.run(f"cmd /c {line}")
    assert done.code != 0 and "powershell" in done.err


@pytest.mark.parametrize("line", ["certutil -hashfile x", r"robocopy a b"])
def test_what_wine_only_pretends_to_do_fails_and_says_so(boxes: Boxes, line: str) -> None:
    done = boxes.run(f"cmd /c {line}")
    assert done.code == 1
    assert "cannot run here" in done.err


def test_a_box_ends_when_its_first_program_ends_even_if_process_1_was_stopped(boxes: Boxes) -> None:
    box = boxes.open()
    before = time.monotonic()
    run(box, "probe attach end")
    assert time.monotonic() - before < 20


def test_ten_boxes_at_once(boxes: Boxes) -> None:
    opened = [boxes.open(f"many{number}") for number in range(10)]
    codes: list[int] = []
    threads = [threading.Thread(target=lambda box=box: codes.append(run(box, "cmd /c exit 7").code))  # type: ignore[misc]
               for box in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [7] * 10


def test_a_removed_box_leaves_nothing(boxes: Boxes) -> None:
    box = boxes.open("gone", limits=Limits(memory=300 << 20))
    run(box, r"cmd /c md C:\d & echo x> C:\d\x")
    box.close(remove=True)
    assert not (boxes.root / "gone").exists()
    assert not list(Path("/sys/fs/cgroup").glob("memory/wcow/gone"))


def test_an_ended_sandbox_takes_its_boxes_with_it(boxes: Boxes) -> None:
    other = WineSandbox(sandboxes.home())
    other.prepare()
    box = other.open(BoxSpec("other", boxes.root / "other", layers=(boxes.layer,)))
    main = start(box, "probe sleep")
    assert isinstance(box, WineBox)
    other.close()
    assert main.ended.done()
    assert wait_for(lambda: not Path(f"/proc/{main.host_pid}").exists() or
                    "zombie" in Path(f"/proc/{main.host_pid}/status").read_text())


@pytest.mark.parametrize("facts", [{"id": "../x"}, {"hostname": "a b"}, {"layers": (Path("/nonexistent/x"),)},
                                   {"layers": (Path("/usr"),) * 300}])
def test_a_spec_with_no_meaning_is_refused(boxes: Boxes, facts: dict[str, object]) -> None:
    with pytest.raises((UsageError, NotFoundError)):
        boxes.open(**facts)


@pytest.mark.parametrize("target", ["example", "C:", "C:\\", r"C:\a\..\b", r"\\server\share", r"B:\x", ""])
def test_a_mount_must_have_a_target_on_a_drive(boxes: Boxes, target: str) -> None:
    with pytest.raises(UsageError):
        start(boxes.open(mounts=(Mount(boxes.root, target),)), "cmd /c ver")


def test_a_template_is_found_again_without_being_made(sandbox: WineSandbox) -> None:
    said: list[str] = []
    sandbox.prepare(said.append)
    assert said == []
    assert sandbox.facts().template == "ready"
    assert shutil.which("bwrap")


NORMAL = """
import os, sys, pathlib, tempfile
sys.path[:0] = sys.argv[1:2]
from imagebuild.runtime import BoxSpec, Command, Stdio, WineSandbox
sandbox = WineSandbox(pathlib.Path(sys.argv[2]))
assert sandbox.facts().account == os.getuid() != 0
sandbox.prepare()
null = os.open(os.devnull, os.O_RDWR)
with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
    box = sandbox.open(BoxSpec("normal", pathlib.Path(folder, "box"), windows_build=20348))
    main = box.start(Command("ping -n 60 127.0.0.1"), Stdio(null, null, null))
    done = box.exec(Command("cmd /c ver & exit 5"), Stdio(null, 1, 2))
    assert done.ended.result(30) == 5
    assert [row.name for row in box.processes()] == ["launcher.exe", "ping.exe"], box.processes()
    assert all(row.host_pid for row in box.processes())
    box.close(remove=True)
    assert main.ended.done()
sandbox.close()
"""


def test_a_normal_user_has_the_same(sandbox: WineSandbox, tmp_path: Path) -> None:
    """Run by the account that root's boxes have, with a copy of the library and Debian's own Python: ours may lie in a
    folder that is closed to others."""
    python = shutil.which("python3", path="/usr/bin")
    if os.geteuid() or not python or not Path(python).resolve().name >= "python3.11":
        pytest.skip("wants root, and a Python 3.11 or later in /usr/bin")
    with sandboxes.folder() as root:
        shutil.copytree(REPOSITORY / "imagebuild", root / "imagebuild", ignore=shutil.ignore_patterns("__pycache__"))
        uid = sandbox.facts().account
        done = subprocess.run([python, "-I", "-B", "-c", NORMAL, root, sandboxes.home()], capture_output=True,
                              timeout=90, check=False, user=uid, group=uid, extra_groups=[], cwd="/", env={})
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert b"10.0.20348" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's boxes run as another account")
def test_a_folder_that_is_closed_to_the_boxes_account_is_mounted_and_stays_closed(boxes: Boxes) -> None:
    closed = boxes.root / "closed"
    data = closed / "data"
    data.mkdir(parents=True)
    for folder in (closed, data):
        folder.chmod(0o700)
    (data / "in.txt").write_text("from the test")
    (data / "in.txt").chmod(0o600)
    done = boxes.run(r"cmd /c type C:\data\in.txt & echo out> C:\data\out.txt & mkdir C:\data\sub & echo more>> "
                     r"C:\data\in.txt & echo deep> C:\data\sub\deep.txt", mounts=(Mount(data, r"C:\data"),))
    assert (done.code, done.out, done.err) == (0, "from the test", "")
    for name, content in (("in.txt", "from the testmore \r\n"), ("out.txt", "out \r\n"), ("sub/deep.txt", "deep\r\n")):
        assert (data / name).read_bytes() == content.encode()
        assert ((data / name).stat().st_uid, (data / name).stat().st_gid) == (0, 0)
    assert [oct(folder.stat().st_mode & 0o7777) for folder in (closed, data)] == ["0o700", "0o700"]
    assert str(boxes.root) not in Path("/proc/self/mountinfo").read_text()
    shutil.rmtree(closed)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's boxes run as another account")
def test_a_closed_folder_that_is_read_only_is_not_written_and_of_its_neighbours_nothing_is_seen(boxes: Boxes) -> None:
    closed = boxes.root / "closed"
    (closed / "data").mkdir(parents=True)
    (closed / "secret.txt").write_text("hidden words")
    closed.chmod(0o700)
    (closed / "data" / "link").symlink_to("../secret.txt")
    done = boxes.run(r"cmd /c (echo x> C:\data\new.txt) & type C:\data\link & type C:\data\..\secret.txt",
                     mounts=(Mount(closed / "data", r"C:\data", read_only=True),))
    assert "hidden words" not in done.out + done.err
    assert sorted(path.name for path in (closed / "data").iterdir()) == ["link"]


def test_a_start_that_is_interrupted_leaves_nothing(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    box, begun = boxes.open(), []
    really = launch.first

    def first(*arguments: Any, **more: Any) -> launch.Child:
        begun.append(really(*arguments, **more))
        return begun[0]

    def interrupted(seconds: float, *descriptors: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "first", first)
    monkeypatch.setattr(box_module, "wait", interrupted)
    before = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(KeyboardInterrupt):
        start(box, "probe sleep")
    assert begun[0].popen.poll() is not None
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_box_is_killed_while_it_starts(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    box = boxes.open()
    really = notice.wait

    def wait(seconds: float, *descriptors: int) -> None:
        box.kill()
        really(seconds, *descriptors)

    monkeypatch.setattr(box_module, "wait", wait)
    with pytest.raises(ToolError, match="before the program began"):
        start(box, "probe sleep")


def test_a_box_that_ends_by_itself_while_it_is_killed_keeps_its_descriptor_until_then(
        boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    box = boxes.open()
    main = start(box, "ping -n 2 127.0.0.1")
    really, kinds = signal.pidfd_send_signal, []

    def late(descriptor: int, number: int) -> None:
        wait_for(main.ended.done, 2)  # another thread goes on
        try:
            kinds.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        except OSError:
            kinds.append("closed")
        really(descriptor, number)

    monkeypatch.setattr(signal, "pidfd_send_signal", late)
    box.kill()
    assert "pidfd" in kinds[0]
    assert main.ended.done()
