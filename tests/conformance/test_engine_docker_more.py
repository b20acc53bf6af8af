# SPDX-License-Identifier: Apache-2.0
"""The real ``docker`` command against the embedded engine, with Windows programs: containers that share a network,
probes that hang, logs that are followed, windows that change, what lists show."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from support import programs
from support.engine import IMAGE, LOOP, Docker, Engine, until
from support.terminals import terminal

pytestmark = pytest.mark.slow


def test_a_container_in_anothers_network_reaches_it_by_loopback(windows: Engine, docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, "-h", "shop", IMAGE, "serve", "8080")
    until(lambda: "serving" in docker("logs", name))
    joined = ("run", "--rm", "--network", f"container:{name}")
    assert "hello from" in docker(*joined, IMAGE, "fetch", "127.0.0.1", "8080")
    assert docker(*joined, IMAGE, "hostname").lower() == "shop"
    assert "hello from" in docker("run", "--rm", IMAGE, "fetch", "shop", "8080")  # others know it by its host's name
    docker("run", "-d", "--name", f"{name}-2", *joined[2:], IMAGE, "cmd", "/c", LOOP)
    assert docker("inspect", f"{name}-2", "--format",
                  "{{.HostConfig.NetworkMode}} {{json .NetworkSettings.Networks}}") == f"container:{name} {{}}"
    assert "hello from" in docker("exec", f"{name}-2", r"C:\app\fetch.exe", "127.0.0.1", "8080")
    docker("restart", "-t", "1", name)  # the other is in the network that was, as it would be on Linux
    until(lambda: docker("logs", "--tail", "1", name).startswith("serving"))
    assert docker("inspect", f"{name}-2", "--format", "{{.State.Running}}") == "true"
    assert windows.docker("exec", f"{name}-2", r"C:\app\fetch.exe", "127.0.0.1", "8080", ok=False).returncode
    docker("restart", "-t", "1", f"{name}-2")
    assert "hello from" in docker("exec", f"{name}-2", r"C:\app\fetch.exe", "127.0.0.1", "8080")
    for args, text in (
            (["-p", "80"], "port publishing and the container type network mode"),
            (["-h", "x"], "hostname and the network mode"), (["--dns", "10.0.0.1"], "dns and the network mode"),
            (["--add-host", "a:10.0.0.1"], "custom host-to-IP mapping"),
            (["--expose", "80"], "port exposing and the container type network mode")):
        assert text in windows.refused(*joined, *args, IMAGE)
    assert "connected to any other network" in windows.refused("network", "connect", "nat", f"{name}-2")
    docker("stop", "-t", "1", name)
    assert f"cannot join network of a non running container: {name}" in windows.refused(*joined, IMAGE)
    docker("rm", "-f", name, f"{name}-2")
    assert f"No such container: {name}" in windows.refused(*joined, IMAGE)


def test_a_name_that_was_added_is_found_at_its_address(docker: Docker) -> None:
    said = docker("run", "--rm", "--add-host", "somewhere:127.0.0.1", IMAGE, "ping", "-n", "1", "somewhere")
    assert "somewhere [127.0.0.1]" in said


def test_a_container_without_a_network_gets_one(docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, "--network", "none", IMAGE, "serve", "8080")
    docker("network", "disconnect", "none", name)
    docker("network", "connect", "--alias", f"{name}-www", "nat", name)
    assert "hello from" in docker("run", "--rm", IMAGE, "fetch", f"{name}-www", "8080")
    docker("rm", "-f", name)


@pytest.mark.parametrize("how", [(), ("-t",), ("-i",)])
def test_an_exec_that_cannot_start_says_why_and_hands_on_its_code(windows: Engine, docker: Docker, name: str,
                                                                  how: tuple[str, ...]) -> None:
    docker("run", "-d", "--name", name, IMAGE, "cmd", "/c", LOOP)
    missing = windows.docker("exec", *how, name, "nosuch", "/x", ok=False)
    assert missing.stdout.rstrip().endswith("hcs::System::CreateProcess: nosuch /x: failure in a Windows system call: "
                                            "The system cannot find the file specified. (0x2)")
    assert (missing.stderr, missing.returncode) == ("", 127)
    wrong = windows.docker("exec", *how, name, r"C:\app\hello.txt", ok=False)
    assert (wrong.stdout.rstrip()[-6:], wrong.returncode) == ("(0xc1)", 126)
    nowhere = windows.docker("exec", *how, "-w", r"C:\nowhere", name, "cmd", "/c", "cd", ok=False)
    assert nowhere.stdout.rstrip().endswith("The directory name is invalid. (0x10b)")
    assert (nowhere.returncode, "nowhere" in docker("exec", name, "cmd", "/c", r"dir /b C:\\")) == (126, False)
    assert "cannot find the file specified" in windows.refused("exec", "-d", name, "nosuch")
    docker("rm", "-f", name)


def test_a_probe_that_hangs_is_ended(docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, "--health-cmd", "echo begun& ping -n 600 127.0.0.1 >nul", "--health-interval",
           "200ms", "--health-timeout", "1s", "--health-retries", "1", IMAGE, "cmd", "/c", LOOP)
    until(lambda: docker("inspect", name, "--format", "{{.State.Health.Status}}") == "unhealthy")
    [first, *_] = json.loads(docker("inspect", name, "--format", "{{json .State.Health.Log}}"))
    assert (first["ExitCode"], first["Output"]) == (-1, "Health check exceeded timeout (1s): begun\r\n")
    until(lambda: len(json.loads(docker("inspect", name, "--format", "{{json .State.Health.Log}}"))) >= 3)
    running = [row.split()[0] for row in docker("top", name).splitlines()[1:]]
    assert running.count("ping.exe") <= 2  # the program's, and that of the next probe
    docker("rm", "-f", name)


def test_logs_are_followed_in_lines_and_until_a_moment(windows: Engine, docker: Docker, name: str) -> None:
    script = "<nul set /p x=half & ping -n 2 127.0.0.1 >nul & echo err>&2 & echo whole"
    docker("run", "-d", "--name", name, IMAGE, "cmd", "/c", f"{script} & ping -n 600 127.0.0.1 >nul")
    moment = f"{time.time() + 6:.3f}"  # nothing is written any more when it comes
    follow = subprocess.run([programs.find("docker"), "logs", "-f", "--until", moment, name], check=True, timeout=60,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=windows.env)
    assert [line.split() for line in follow.stdout.splitlines()] == [[b"err"], [b"half", b"whole"]]
    docker("rm", "-f", name)


def test_a_log_keeps_what_its_options_say(windows: Engine, docker: Docker, name: str) -> None:
    docker("run", "--name", name, "--log-opt", "max-size=1k", "--log-opt", "max-file=3", IMAGE, "cmd", "/c",
           "for /l %i in (100,1,199) do @echo line %i")
    lines = [line.rstrip() for line in docker("logs", name).splitlines()]
    assert 24 < len(lines) <= 39
    assert lines == [f"line {number}" for number in range(200 - len(lines), 200)]
    assert docker("logs", "-f", "--tail", "30", name).split()[1::2] == [line.split()[1] for line in lines[-30:]]
    docker("rm", name)
    assert "failed to initialize logging driver: max-file cannot be less than 1" in windows.refused(
        "run", "--rm", "--log-opt", "max-file=0", IMAGE)


def test_a_container_has_the_mac_address_the_link_and_the_counters_that_were_asked_for(docker: Docker, name: str
                                                                                       ) -> None:
    mac = "92:d0:c6:0a:29:33"
    docker("network", "create", "-d", "nat", name)
    docker("run", "-d", "--name", f"{name}-1", "--network", name, "--mac-address", mac, IMAGE, "serve", "8080")
    assert docker("inspect", f"{name}-1", "--format", "{{.Config.MacAddress}} {{(index .NetworkSettings.Networks "
                  f'"{name}").MacAddress}}}}') == f"{mac} {mac}"
    linked = ("run", "--rm", "--network", name, "--link", f"{name}-1:shop")
    assert "hello from" in docker(*linked, IMAGE, "fetch", "shop", "8080")
    received, sent = docker("stats", "--no-stream", "--format", "{{.NetIO}}", f"{name}-1").split(" / ")
    assert "0B" not in (received, sent)
    docker("rm", "-f", f"{name}-1")
    docker("network", "rm", name)


def test_a_window_that_changes_and_a_client_that_goes_on_end_nothing_and_other_signals_do(windows: Engine,
                                                                                        name: str) -> None:
    for signal, ends in (("WINCH", False), ("CONT", False), ("USR1", True)):
        windows.docker("run", "-d", "--name", name, IMAGE, "cmd", "/c", LOOP)
        windows.docker("kill", "-s", signal, name)
        if ends:
            windows.docker("wait", name)
        else:
            time.sleep(1)
            assert windows.docker("inspect", name, "--format", "{{.State.Running}}").stdout.strip() == "true"
        windows.docker("rm", "-f", name)
    with terminal(str(programs.find("docker")), "run", "-it", "--rm", IMAGE, "cmd", env=windows.env) as screen:
        screen.read_to(b"app>")
        screen.resize(20, 70)
        time.sleep(1)
        screen.type(b"exit 4\r")
        assert screen.wait() == 4


def test_lists_are_filtered_by_what_is_published_exposed_and_of_which_image(windows: Engine, docker: Docker,
                                                                          name: str) -> None:
    docker("run", "-d", "--name", name, "-p", "8080", "--stop-signal", "SIGKILL", IMAGE, "serve", "8080")
    port = docker("port", name, "8080").rpartition(":")[2]

    def shown(*filters: str) -> bool:
        return name in docker("ps", *(word for one in filters for word in ("--filter", one)), "--format", "{{.Names}}")

    assert shown(f"publish={port}") and shown("expose=8080/tcp") and shown("expose=8000-8100")
    assert shown("is-task=false")
    assert not shown("publish=8080") and not shown("expose=8080/udp") and not shown("is-task=true")
    assert shown(f"ancestor={IMAGE}") and not shown("ancestor=nosuch:1") and shown("network=nat")
    assert "invalid filter 'status=up'" in windows.refused("ps", "--filter", "status=up")
    docker("stop", name)
    assert docker("inspect", name, "--format", "{{.State.ExitCode}} {{json .NetworkSettings.Ports}}") == "1067 {}"
    docker("rm", name)


def test_what_needs_a_swarm_or_plugins_is_refused(windows: Engine) -> None:
    assert "This node is not a swarm manager" in windows.refused("service", "ls")
    assert "plugins are not supported on this platform" in windows.refused("plugin", "ls")
    assert "does not match the specified platform" in windows.refused(
        "create", "--pull", "never", "--platform", "linux/amd64", IMAGE)
