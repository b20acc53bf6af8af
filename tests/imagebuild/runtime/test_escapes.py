# SPDX-License-Identifier: Apache-2.0
"""What a hostile program tries, from Windows' side and by Linux' own system calls, in the first program and by exec."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import boxed
from support.networking import real_kernel
from support.sandboxes import Boxes, Done, run, start, wait_for

from imagebuild.runtime.linux import seccomp
from imagebuild.runtime.port import Command, Stdio
from imagebuild.runtime.wine import processes

pytestmark = pytest.mark.slow
Try = Callable[[str], Done]


@pytest.fixture(params=["start", "exec"])
def attempt(request: pytest.FixtureRequest, boxes: Boxes) -> Try:
    """Runs a command as a box's first program, or as one that joins it."""
    if request.param == "start":
        return boxes.run
    box = boxes.open()
    start(box, "probe sleep")
    return lambda line: run(box, line, main=False)


def call(attempt: Try, *arguments: object) -> int:
    return int(attempt("probe call " + " ".join(str(one) for one in arguments)).out)


@pytest.mark.parametrize("path", [r"Z:\etc\passwd", r"C:\..\..\etc\passwd", r"\\.\COM1",
                                  r"\\?\unix\home", r"\\?\unix\root\.bashrc", r"\\?\unix\etc\shadow",
                                  r"\\?\unix\dev\kmsg", r"\\?\unix\dev\mem", r"\\?\unix\sys\kernel\uevent_seqnum",
                                  r"\\?\unix\proc\kcore", r"\\?\unix\bin\sh"])
def test_nothing_of_this_machine_can_be_opened(boxes: Boxes, path: str) -> None:
    done = boxes.run(f"probe open {path}")
    assert "error" in done.out, done.out


def test_the_disk_that_wine_shows_is_empty(boxes: Boxes) -> None:
    assert boxes.run(r"cmd /c vol > nul & C:\probe open \\.\PhysicalDrive0").out == "opened \n"


def test_the_account_file_is_the_boxes_own(attempt: Try) -> None:
    done = attempt("probe read /etc/passwd")
    assert done.out.strip() == "ContainerAdministrator:x:1000:1000::/prefix:/bin/false"


@pytest.mark.parametrize("path", ["usr/x", "etc/x", "x", "etc/passwd", "proc/sysrq-trigger",
                                  "usr/lib/wcow/launcher.exe", "proc/sys/kernel/core_pattern",
                                  "proc/sys/kernel/hostname"])
def test_nothing_outside_its_own_can_be_written(boxes: Boxes, path: str) -> None:
    windows = path.replace("/", "\\")
    assert "error" in boxes.run(rf"probe open \\?\unix\{windows} w").out
    write = boxes.run(f"probe call 2 @/{path} 0x41 0x1ff").out  # open(O_WRONLY | O_CREAT)
    assert int(write) < 0


def test_the_engines_environment_and_arguments_are_not_in_proc(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_SECRET", "visible")
    for name in ("environ", "cmdline"):
        shown = boxes.run(f"probe read /proc/1/{name}").out
        assert "visible" not in shown
        assert str(boxes.root) not in shown


def test_no_process_of_this_machine_is_seen(boxes: Boxes) -> None:
    assert "error" in boxes.run(f"probe read /proc/{os.getpid()}/status").out or os.getpid() < 100


@pytest.mark.parametrize("name", sorted(seccomp.DENIED))
def test_a_denied_call_gives_eperm_in_the_first_program(one_box: Try, name: str) -> None:
    assert call(one_box, seccomp.DENIED[name], 0, 0, 0, 0) == -1


@pytest.fixture(scope="module")
def one_box(request: pytest.FixtureRequest) -> Try:
    """One box for many calls, each by exec: the filter of joining programs."""
    from support import programs, sandboxes

    sandbox = request.getfixturevalue("sandbox")
    with programs.skipping():
        probe = sandboxes.compile_program(Path(__file__).with_name("probe.c"))
    folder = sandboxes.folder()
    root = folder.__enter__()
    made = Boxes(sandbox, root)
    made.add_program(probe, "probe.exe")

    def end() -> None:
        made.close()
        folder.__exit__(None, None, None)

    request.addfinalizer(end)
    box = made.open()
    start(box, "probe sleep")
    return lambda line: run(box, line, main=False)


def test_new_namespaces_and_mounts_are_refused(attempt: Try) -> None:
    assert call(attempt, 272, 0x10000000) == -1  # unshare(CLONE_NEWUSER)
    assert call(attempt, 272, 0x00020000) == -1  # unshare(CLONE_NEWNS)
    assert call(attempt, 56, 0x10000011, 0) == -1  # clone(CLONE_NEWUSER | SIGCHLD)
    assert call(attempt, 435, 0, 0) == -38  # clone3: ENOSYS, its flags cannot be seen
    assert call(attempt, 165, "@none", "@/tmp", "@tmpfs", 0) == -1
    assert call(attempt, 105, 0) < 0  # setuid(0)


@pytest.mark.parametrize("family", sorted(seccomp.FAMILIES))
def test_sockets_of_other_families_are_refused(one_box: Try, family: str) -> None:
    assert call(one_box, 41, seccomp.FAMILIES[family], 2, 0) == -97


def test_the_usual_sockets_are_allowed(attempt: Try) -> None:
    assert all(call(attempt, 41, family, 1, 0) > 0 for family in (1, 2))


def test_keys_cannot_be_pushed_into_a_terminal(attempt: Try) -> None:
    assert call(attempt, 16, 0, 0x5412, "@x") == -1
    assert call(attempt, 16, 0, 0x541C, "@x") == -1


def test_a_program_has_no_capability_and_can_get_none(attempt: Try) -> None:
    status = dict(line.split(":\t", 1) for line in attempt("probe read /proc/self/status").out.splitlines()
                  if ":\t" in line)
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapAmb"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert status["Uid"].split()[0] == "1000"


def test_a_program_that_joins_cannot_be_caught_before_its_filter(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    caught: list[str] = []
    hunter = threading.Thread(target=lambda: caught.append(run(box, "probe hunt 4", main=False).out))
    hunter.start()
    while hunter.is_alive():
        run(box, "probe exit 0", main=False)
    traced, bare = map(int, caught[0].split())
    assert traced > 10
    assert bare == 0


def test_a_box_that_has_something_over_its_etc_does_not_choose_the_filter_of_an_exec(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    boxed.mount_over(box, "/etc", boxes.sandbox.facts().account, {
        name: struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000) for name in ("seccomp.bpf", "entering.bpf")})  # allow all
    for name in ("keyctl", "io_uring_setup", "bpf", "setns", "mount"):
        assert run(box, f"probe call {seccomp.DENIED[name]} 0 0 0 0", main=False).out == "-1\n", name
    status = run(box, "probe read /proc/self/status", main=False).out
    assert re.search(r"^NoNewPrivs:\s*1$", status, re.MULTILINE)


def test_a_process_of_a_box_is_not_roots_on_this_machine(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    row = next(row for row in box.processes() if row.name == "probe.exe")
    assert Path(f"/proc/{row.host_pid}").stat().st_uid == boxes.sandbox.facts().account != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives itself up")
@pytest.mark.parametrize("network", [False, True])
def test_roots_sandbox_gives_up_its_groups_too_before_it_starts_or_joins(boxes: Boxes, network: bool) -> None:
    """In a network ``nsenter`` does it, else the start itself; whoever joins, ``setpriv``."""
    with contextlib.ExitStack() as stack:
        facts: dict[str, object] = {}
        if network:
            facts["network"] = stack.enter_context(real_kernel()).attach("c", [], [])
        box = boxes.open(**facts)
        program = start(box, "probe sleep")
        null = os.open(os.devnull, os.O_RDWR)
        stack.callback(os.close, null)
        joined = box.exec(Command("probe sleep"), Stdio(null, null, null))
        account = boxes.sandbox.facts().account

        def of_boxes() -> list[int]:
            names = "bwrap", "wineserver64", "launcher.exe", "probe", "probe.exe"
            found = processes.below(processes.scan(), [program.host_pid, joined.host_pid])
            return [one.pid for one in found if one.name in names]

        assert wait_for(lambda: len(of_boxes()) >= 6)  # bubblewrap, wineserver, two programs with a launcher each
        for pid in of_boxes():
            status = Path(f"/proc/{pid}/status").read_text()
            assert re.findall(r"^Uid:\s*(.*)$", status, re.MULTILINE) == ["\t".join([str(account)] * 4)]
            assert re.findall(r"^Groups:[ \t]*(.*?)[ \t]*$", status, re.MULTILINE) == [""]
            assert re.findall(r"^Cap(?:Eff|Prm):\s*0*([1-9a-f].*)$", status, re.MULTILINE) == []
        joined.kill()


def test_process_1_stopped_by_a_program_does_not_outlive_a_stop(boxes: Boxes) -> None:
    box = boxes.open()
    main = start(box, "probe attach")
    time.sleep(0.3)
    before = time.monotonic()
    box.stop(1)
    assert time.monotonic() - before < 5
    assert main.ended.done()


def test_an_abstract_socket_of_this_machine_is_out_of_reach(boxes: Boxes) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(b"\0wcow-test-abstract")
        server.listen()
        assert "wcow-test-abstract" in Path("/proc/net/unix").read_text()
        assert "wcow-test-abstract" not in boxes.run("probe read /proc/net/unix").out


def test_only_loopback_is_there_without_a_network(boxes: Boxes) -> None:
    lines = boxes.run("probe read /proc/net/dev").out.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in lines if ":" in line] == ["lo"]


@pytest.mark.parametrize(("kind", "name"), [("event", "Global\\e1"), ("event", "e2"), ("mutex", "m"), ("section", "s"),
                                            ("pipe", r"\\.\pipe\p")])
def test_a_named_object_is_seen_in_its_box_and_in_no_other(boxes: Boxes, kind: str, name: str) -> None:
    one, two = boxes.open("one"), boxes.open("two")
    start(one, f"probe make {kind} {name}")
    start(two, "probe sleep")
    assert wait_for(lambda: run(one, f"probe find {kind} {name}", main=False).out == "found\n")
    assert run(two, f"probe find {kind} {name}", main=False).out == "not found\n"


def test_a_program_cannot_put_anything_in_place_of_what_the_host_makes_for_the_next(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    for call in ("82 @/run @/prefix/run", "84 @/run", "88 @/etc @/run/3"):  # rename, rmdir, symlink
        assert int(run(box, f"probe call {call}", main=False).out) < 0, call
    assert run(box, "cmd /c echo fine", main=False).out.strip() == "fine"
