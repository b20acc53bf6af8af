# SPDX-License-Identifier: Apache-2.0
"""The real ``docker`` command against the embedded engine: what people type, and what they see."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support import programs
from support.engine import IMAGE, LOOP, Docker, Engine, until
from support.terminals import Terminal, terminal

pytestmark = pytest.mark.slow


def shell(windows: Engine, *args: str) -> AbstractContextManager[Terminal]:
    return terminal(str(programs.find("docker")), *args, env=windows.env)


# --- the engine about itself, images

def test_it_says_that_it_is_a_windows_engine(docker: Docker) -> None:
    said = json.loads(docker("version", "--format", "{{json .Server}}"))
    assert (said["Os"], said["Arch"], said["ApiVersion"], said["Version"]) == ("windows", "amd64", "1.45", "26.1.5")
    assert docker("info", "--format", "{{.OSType}} {{.Driver}} {{.Isolation}}") == "windows windowsfilter process"
    assert "Images" in docker("system", "df")


def test_images_are_listed_inspected_tagged_saved_loaded_and_removed(windows: Engine, docker: Docker,
                                                                     tmp_path: Path) -> None:
    assert IMAGE in docker("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    assert docker("image", "inspect", IMAGE, "--format", "{{.Os}} {{.OsVersion}}") == "windows 10.0.20348.2762"
    assert "LABEL suite=conformance" in docker("history", "--no-trunc", IMAGE)
    docker("tag", IMAGE, "other:2")
    docker("save", "--output", tmp_path / "other.tar", "other:2")
    assert docker("rmi", "other:2") == "Untagged: other:2"
    assert docker("load", "--input", tmp_path / "other.tar") == "Loaded image: other:2"
    assert docker("images", "-q", "other:2") == docker("images", "-q", IMAGE)
    docker("rmi", "other:2")
    assert "No such image: other:2" in windows.refused("image", "inspect", "other:2")


# --- one container

def test_run_shows_what_the_command_says_and_hands_on_its_exit_code(windows: Engine, docker: Docker) -> None:
    assert docker("run", "--rm", IMAGE) == "hello"
    assert docker("run", "--rm", "-e", "GREETING=bye", IMAGE) == "bye"
    assert docker("run", "--rm", "-w", r"C:\windows", IMAGE, "cmd", "/c", "cd") == r"C:\windows"
    assert docker("run", "--rm", "--entrypoint", "cmd", IMAGE, "/c", "type hello.txt") == "hello from the image"
    assert docker("run", "--rm", "-h", "box", IMAGE, "hostname").lower() == "box"
    assert windows.docker("run", "--rm", IMAGE, "cmd", "/c", "exit 3", ok=False).returncode == 3
    done = windows.docker("run", "--rm", IMAGE, "cmd", "/c", "echo out& echo err>&2")
    assert (done.stdout, done.stderr.rstrip()) == ("out\r\n", "err")


def test_what_cannot_start_is_said(windows: Engine) -> None:
    assert "nosuch.exe" in windows.refused("run", "--rm", IMAGE, "nosuch.exe")
    assert "No such image: nosuch:1" in windows.refused("run", "--rm", "--pull", "never", "nosuch:1")


def test_a_crash_is_reported_with_its_status(windows: Engine, docker: Docker, name: str) -> None:
    done = windows.docker("run", "--name", name, IMAGE, "crash.exe", ok=False)
    assert done.returncode == 0xC0000005 & 0xFF  # all that a Linux client's own exit code can hold
    assert docker("inspect", name, "--format", "{{.State.Status}} {{.State.ExitCode}}") == "exited 3221225477"
    assert docker("wait", name) == "3221225477"
    assert "(3221225477)" in docker("ps", "-a", "--filter", f"name={name}", "--format", "{{.Status}}")
    docker("rm", name)


def test_input_reaches_the_program_and_nothing_is_lost(windows: Engine) -> None:
    text = b"".join(b"line %d x\r\n" % number for number in range(20_000))
    done = subprocess.run([programs.find("docker"), "run", "-i", "--rm", IMAGE, "findstr", "x"], input=text, check=True,
                          capture_output=True, timeout=60, env=windows.env)
    assert done.stdout.replace(b"\r\n", b"\n") == text.replace(b"\r\n", b"\n")
    done = windows.docker("run", "-i", "--rm", IMAGE, "cmd", stdin=b"echo o^ne\r\necho t^wo\r\nexit 4\r\n", ok=False)
    assert ("one" in done.stdout, "two" in done.stdout, done.returncode) == (True, True, 4)


def test_a_container_is_created_started_watched_renamed_restarted_and_removed(windows: Engine, docker: Docker,
                                                                              name: str) -> None:
    made = docker("create", "--name", name, "--label", "a=b", IMAGE, "cmd", "/c", LOOP)
    assert docker("ps", "-aq", "--no-trunc", "--filter", "label=a=b") == made
    assert docker("inspect", name, "--format", "{{.State.Status}}") == "created"
    docker("start", name)
    until(lambda: "line 2" in docker("logs", name))
    assert {row.split()[0] for row in docker("top", name).splitlines()[1:]} >= {"cmd.exe"}
    used = json.loads(docker("stats", "--no-stream", "--format", "{{json .}}", name))
    assert used["Name"] == name and used["MemUsage"] != "0B"
    docker("rename", name, f"{name}-2")
    assert "No such object" in windows.refused("inspect", name)
    docker("restart", "-t", "1", f"{name}-2")
    assert docker("inspect", f"{name}-2", "--format", "{{.State.Running}}") == "true"
    assert "container is running: stop the container before removing" in windows.refused("rm", f"{name}-2")
    docker("kill", "-s", "WINCH", f"{name}-2")  # what docker sends when its window changes: no reason to end
    docker("stop", "-t", "1", f"{name}-2")
    assert docker("inspect", f"{name}-2", "--format", "{{.State.Status}}") == "exited"
    docker("start", f"{name}-2")
    docker("kill", f"{name}-2")
    assert docker("wait", f"{name}-2") == docker("inspect", f"{name}-2", "--format", "{{.State.ExitCode}}")
    assert f"cannot kill container: {name}-2: container {made} is not running" in windows.refused("kill", f"{name}-2")
    docker("rm", f"{name}-2")
    assert not docker("ps", "-aq", "--filter", "label=a=b")


def test_logs_have_a_tail_a_beginning_times_and_go_on(windows: Engine, docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, IMAGE, "cmd", "/c", LOOP)
    until(lambda: "line 3" in docker("logs", name))
    assert docker("logs", "--tail", "1", name).startswith("line ")
    assert len(docker("logs", "--tail", "2", name).splitlines()) == 2
    stamp, _, line = docker("logs", "-t", name).splitlines()[0].partition(" ")
    assert stamp.endswith("Z") and line.startswith("line 1")
    assert "line 1" not in [row.strip() for row in docker("logs", "--since", stamp[:-4] + "999Z", name).splitlines()]
    follow = subprocess.Popen([programs.find("docker"), "logs", "-f", "--tail", "0", name], stdout=subprocess.PIPE,
                              env=windows.env)
    assert follow.stdout is not None
    assert follow.stdout.readline().startswith(b"line ")
    docker("rm", "-f", name)
    assert follow.wait(20) == 0  # it ends when the container does
    follow.stdout.close()


def test_exec_runs_more_programs_in_it(windows: Engine, docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, IMAGE, "cmd", "/c", LOOP)
    assert docker("exec", name, "cmd", "/c", "echo hi") == "hi"
    assert windows.docker("exec", name, "cmd", "/c", "exit 7", ok=False).returncode == 7
    assert docker("exec", "-e", "A=b", "-w", r"C:\windows", name, "cmd", "/c", "echo %A% %CD%") == r"b C:\windows"
    assert docker("exec", "-i", name, "findstr", "b", stdin=b"abc\r\nxyz\r\n") == "abc"
    docker("exec", "-d", name, "cmd", "/c", r"echo made> C:\app\made.txt")
    until(lambda: windows.docker("exec", name, "cmd", "/c", r"type C:\app\made.txt", ok=False).stdout.strip() == "made")
    with shell(windows, "exec", "-it", name, "cmd") as screen:
        screen.read_to(b"app>")
        screen.type(b"exit 9\r")
        assert screen.wait() == 9
    docker("kill", name)
    assert "is not running" in windows.refused("exec", name, "cmd")
    docker("rm", name)


# --- on a terminal

def test_a_shell_on_a_terminal(windows: Engine) -> None:
    with shell(windows, "run", "-it", "--rm", IMAGE, "cmd") as screen:
        screen.read_to(b"app>")
        screen.type(b"echo a^b%OS%\r")
        screen.read_to(b"abWindows_NT")
        screen.read_to(b"app>")
        screen.type(b"ech a\x1b[D\x1b[Do\x1b[C b\r")  # the arrows move where keys go
        screen.read_to(b"\n")
        screen.read_to(b"app>")
        screen.resize(40, 120)
        screen.type(b"ping -n 60 127.0.0.1\r")
        screen.read_to(b"\n")
        time.sleep(0.5)
        screen.type(b"\x03")
        screen.read_to(b"app>")
        screen.type(b"exit 4\r")
        assert screen.wait() == 4


def test_the_detach_keys_leave_it_running_and_attach_comes_back(windows: Engine, docker: Docker, name: str) -> None:
    with shell(windows, "run", "-it", "--name", name, IMAGE, "cmd") as screen:
        screen.read_to(b"app>")
        screen.type(b"set kept=yes\r")
        screen.read_to(b"app>")
        screen.type(b"\x10\x11")
        assert screen.wait() == 0
    assert docker("inspect", name, "--format", "{{.State.Status}}") == "running"
    with shell(windows, "attach", "--detach-keys", "ctrl-x,x", name) as screen:
        until(screen.raw)
        screen.type(b"echo [%kept%]\r")
        screen.read_to(b"[yes]")
        screen.type(b"\x18x")
        assert screen.wait() in (0, 1)  # "read escape sequence" is an error to the client's attach
    with shell(windows, "attach", name) as screen:
        until(screen.raw)
        screen.type(b"exit 6\r")
        assert screen.wait() == 6
    docker("rm", name)


# --- files

def test_a_windows_path_is_mounted_letter_for_letter(windows: Engine, docker: Docker) -> None:
    (windows.drive / "Test").mkdir(exist_ok=True)
    (windows.drive / "Test" / "f.txt").write_text("from the host's C:\r\n")
    assert docker("run", "--rm", "-v", r"C:\test:C:\example", IMAGE, "cmd", "/c", r"type C:\example\f.txt") == \
        "from the host's C:"


def test_a_linux_path_is_mounted_and_written_or_only_read(windows: Engine, docker: Docker) -> None:
    folder = windows.fresh()
    docker("run", "--rm", "-v", rf"{folder}:C:\data", IMAGE, "cmd", "/c", r"echo new> C:\data\a.txt")
    assert (folder / "a.txt").read_bytes() == b"new\r\n"
    docker("run", "--rm", "-v", rf"{folder}:C:\data:ro", IMAGE, "cmd", "/c", r"del C:\data\a.txt & exit 0")
    assert (folder / "a.txt").exists()
    docker("run", "--rm", "--mount", rf"type=bind,source={folder},target=C:\data", IMAGE, "cmd", "/c",
           r"del C:\data\a.txt")
    assert not (folder / "a.txt").exists()


def test_a_volume_outlives_its_containers(windows: Engine, docker: Docker, name: str) -> None:
    docker("volume", "create", "--label", "kind=test", name)
    docker("run", "--rm", "-v", rf"{name}:C:\data", IMAGE, "cmd", "/c", r"echo kept> C:\data\a.txt")
    assert docker("run", "--rm", "-v", rf"{name}:C:\data:ro", IMAGE, "cmd", "/c",
                  r"type C:\data\a.txt & echo x> C:\data\b.txt & exit 0") == "kept"
    assert docker("volume", "ls", "-q", "--filter", "label=kind=test") == name
    assert docker("volume", "inspect", name, "--format", "{{.Driver}}") == "local"
    docker("create", "--name", name, "-v", rf"{name}:C:\data", IMAGE)
    assert "volume is in use" in windows.refused("volume", "rm", name)
    docker("rm", name)
    docker("volume", "rm", name)
    assert "no such volume" in windows.refused("volume", "inspect", name).lower()


def test_files_are_copied_both_ways_and_changes_are_seen(docker: Docker, name: str, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"from outside\r\n")
    docker("create", "--name", name, "-u", "ContainerAdministrator", IMAGE, "cmd", "/c",
           r"type C:\app\in.txt > C:\app\out.txt & del C:\app\hello.txt & echo x> C:\new.txt")
    docker("cp", tmp_path / "in.txt", f"{name}:/app/in.txt")  # a client on Linux takes C:\app\in.txt for one name
    docker("start", "-a", name)
    docker("cp", f"{name}:/app/out.txt", tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == b"from outside\r\n"
    told = set(docker("diff", name).splitlines())
    assert told >= {"C Files/app/in.txt", "C Files/app/out.txt", "D Files/app/hello.txt", "C Files/new.txt"}
    docker("rm", name)


# --- networks

def test_containers_find_each_other_by_name(docker: Docker, name: str) -> None:
    docker("network", "create", "-d", "nat", name)
    docker("run", "-d", "--name", f"{name}-s", "--network", name, "--network-alias", "shop", IMAGE, "serve", "8080")
    until(lambda: "serving" in docker("logs", f"{name}-s"))
    for host in (f"{name}-s", "shop"):
        assert "hello from" in docker("run", "--rm", "--network", name, IMAGE, "fetch", host, "8080")
    docker("network", "connect", "--alias", "second", "nat", f"{name}-s")
    assert set(json.loads(docker("inspect", f"{name}-s", "--format", "{{json .NetworkSettings.Networks}}"))) == {
        name, "nat"}
    docker("network", "disconnect", "nat", f"{name}-s")
    found = json.loads(docker("network", "inspect", name, "--format", "{{json .Containers}}"))
    assert [one["Name"] for one in found.values()] == [f"{name}-s"]
    docker("rm", "-f", f"{name}-s")
    docker("network", "rm", name)
    assert name not in docker("network", "ls", "--format", "{{.Name}}").splitlines()


def test_a_published_port_is_reached_from_outside(docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, "-p", "8080", IMAGE, "serve", "8080")
    until(lambda: "serving" in docker("logs", name))
    address = docker("port", name, "8080").splitlines()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{address.rpartition(':')[2]}/", timeout=10) as answer:
        assert answer.read().startswith(b"hello from ")
    assert f"{address}->8080/tcp" in docker("ps", "--filter", f"name={name}", "--format", "{{.Ports}}")
    docker("rm", "-f", name)


# --- health, restarts, events, tidying

def test_health_is_checked(docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, "--health-cmd", r"if not exist C:\sick exit 0 & exit 1", "--health-interval",
           "200ms", "--health-retries", "1", IMAGE, "cmd", "/c", LOOP)
    until(lambda: docker("inspect", name, "--format", "{{.State.Health.Status}}") == "healthy")
    assert "(healthy)" in docker("ps", "--filter", f"name={name}", "--format", "{{.Status}}")
    docker("rm", "-f", name)


def test_a_restart_policy_starts_it_again(docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, "--restart", "on-failure:2", IMAGE, "cmd", "/c", "exit 5")
    until(lambda: docker("inspect", name, "--format",
                         "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}") == "exited 2 5")
    docker("update", "--restart", "no", name)
    docker("rm", name)


def test_events_tell_what_happened(windows: Engine, docker: Docker, name: str) -> None:
    begin = str(time.time() - 0.001)
    windows.docker("run", "--name", name, IMAGE, "cmd", "/c", "exit 3", ok=False)
    docker("rm", name)
    told = docker("events", "--since", begin, "--until", str(time.time()), "--filter", f"container={name}",
                  "--format", "{{.Action}}").splitlines()
    assert [one for one in told if one in ("create", "attach", "start", "die", "destroy")] == [
        "create", "attach", "start", "die", "destroy"]
    codes = docker("events", "--since", begin, "--until", str(time.time()), "--filter", "event=die", "--filter",
                   f"container={name}", "--format", '{{index .Actor.Attributes "exitCode"}}')
    assert codes == "3"


def test_prune_removes_what_nobody_uses(docker: Docker, name: str) -> None:
    made = docker("create", "--name", name, "--label", f"only={name}", IMAGE)
    assert made in docker("container", "prune", "-f", "--filter", f"label=only={name}")
    docker("volume", "create", "--label", f"only={name}", name)
    assert name in docker("volume", "prune", "-a", "-f", "--filter", f"label=only={name}")
    docker("network", "create", "-d", "nat", "--label", f"only={name}", name)
    assert name in docker("network", "prune", "-f", "--filter", f"label=only={name}")


# --- what a Windows engine refuses

@pytest.mark.parametrize(("args", "text"), [
    (["run", "--privileged", IMAGE], "Windows does not support privileged mode"),
    (["run", "--read-only", IMAGE], "Windows does not support root filesystem in read-only mode"),
    (["run", "--tmpfs", "/x", IMAGE], "tmpfs"),
    (["run", "--ulimit", "nofile=10", IMAGE], "Windows does not support Ulimits"),
    (["run", "-v", "/usr/bin/env:C:\\x", IMAGE], "source path must be a directory"),
    (["run", "-v", "/usr/share:C:\\", IMAGE], "destination path cannot be `c:` or `c:\\`"),
    (["run", "--isolation", "hyperv", IMAGE], "a required feature is not installed"),
    (["run", "-p", "127.0.0.1:0:8080", IMAGE], "Windows does not support host IP addresses in NAT settings"),
    (["kill", "-s", "NONE", "any"], "cannot kill container: any: invalid signal: NONE"),
    (["network", "create", "some"], 'plugin "bridge" not found'),
], ids=["privileged", "read-only", "tmpfs", "ulimit", "a file", "C:", "hyperv", "host address", "signal", "bridge"])
def test_a_windows_engine_refuses(windows: Engine, args: list[str], text: str) -> None:
    assert text in windows.refused(*args)


def test_a_windows_engine_neither_exports_nor_pauses(windows: Engine, docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, IMAGE, "cmd", "/c", LOOP)
    assert "does not support exporting Windows containers" in windows.refused("export", name)
    assert "cannot pause Windows Server Containers" in windows.refused("pause", name)
    docker("rm", "-f", name)
