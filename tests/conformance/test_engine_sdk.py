# SPDX-License-Identifier: Apache-2.0
"""Docker's SDK for Python against the embedded engine."""

from __future__ import annotations

import gc
import socket as sockets
import time
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from support.engine import IMAGE, LOOP, Engine, until

pytestmark = [
    pytest.mark.slow,
    # The SDK leaves sockets of hijacked connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]


@pytest.fixture
def client(windows: Engine) -> Iterator[Any]:
    sdk = pytest.importorskip("docker")
    made = sdk.DockerClient(base_url=windows.host, version="auto", timeout=60)
    yield made
    made.close()
    gc.collect()  # what the SDK left open is warned of here, where this test ignores it


@pytest.fixture
def name() -> str:
    return f"s-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def looping(client: Any, name: str) -> Iterator[Any]:
    """A container that says a line a second."""
    made = client.containers.run(IMAGE, ["cmd", "/c", LOOP], name=name, detach=True)
    yield made
    made.remove(force=True)


def test_the_engine_is_a_windows_engine(client: Any) -> None:
    assert client.ping() is True
    assert client.version()["Os"] == "windows"
    assert client.info()["OSType"] == "windows"
    assert client.df()["Images"]


def test_images(client: Any) -> None:
    from docker.errors import ImageNotFound

    image = client.images.get(IMAGE)
    assert image.attrs["Os"] == "windows" and IMAGE in image.tags
    assert any("conformance" in step["CreatedBy"] for step in image.history())
    assert image.tag("sdk", "2") is True
    archive = b"".join(client.images.get("sdk:2").save(named="sdk:2"))
    client.images.remove("sdk:2")
    assert [one.id for one in client.images.load(archive)] == [image.id]
    assert client.images.list(filters={"reference": "sdk"}) == [image]
    client.images.remove("sdk:2")
    with pytest.raises(ImageNotFound):
        client.images.get("sdk:2")


def test_run_gives_the_output_or_an_error_with_the_exit_code(client: Any) -> None:
    from docker.errors import APIError, ContainerError

    assert client.containers.run(IMAGE, remove=True) == b"hello\r\n"
    assert client.containers.run(IMAGE, remove=True, environment={"GREETING": "bye"}) == b"bye\r\n"
    assert client.containers.run(IMAGE, ["cmd", "/c", "cd"], remove=True, working_dir=r"C:\windows") == \
        b"C:\\windows\r\n"
    with pytest.raises(ContainerError) as failed:
        client.containers.run(IMAGE, ["cmd", "/c", "echo oops>&2& exit 3"], remove=True)
    assert (failed.value.exit_status, failed.value.stderr) == (3, b"oops\r\n")
    with pytest.raises(APIError, match=r"nosuch\.exe"):
        client.containers.run(IMAGE, ["nosuch.exe"], remove=True)


def test_a_crash_is_reported_unsigned(client: Any, name: str) -> None:
    crashed = client.containers.run(IMAGE, ["crash.exe"], name=name, detach=True)
    assert crashed.wait(timeout=30)["StatusCode"] == 3221225477
    crashed.reload()
    assert crashed.attrs["State"]["ExitCode"] == 0xC0000005
    crashed.remove()


def test_the_life_of_a_container(client: Any, name: str) -> None:
    from docker.errors import APIError, NotFound

    made = client.containers.create(IMAGE, ["cmd", "/c", LOOP], name=name, labels={"only": name})
    assert made.status == "created"
    made.start()
    made.reload()
    assert made.status == "running"
    assert client.containers.list(filters={"label": f"only={name}"}) == [made]
    until(lambda: b"line 2" in made.logs())
    assert made.top()["Titles"] == ["Name", "PID", "CPU", "Private Working Set"]
    assert made.stats(stream=False)["memory_stats"]["privateworkingset"] > 0
    stream = made.stats(decode=True)
    assert next(stream)["name"] == f"/{name}"
    stream.close()
    made.rename(f"{name}-2")
    made.restart(timeout=1)
    with pytest.raises(APIError, match="container is running"):
        made.remove()
    made.stop(timeout=1)
    assert made.wait()["StatusCode"] == client.api.inspect_container(made.id)["State"]["ExitCode"]
    made.start()
    made.kill()
    made.update(restart_policy={"Name": "no"})
    made.remove()
    with pytest.raises(NotFound, match="No such container"):
        client.containers.get(made.id)


def test_logs(looping: Any) -> None:
    until(lambda: b"line 3" in looping.logs())
    assert looping.logs(tail=1).startswith(b"line ")
    assert b"Z line 1" in looping.logs(timestamps=True).splitlines()[0]
    assert looping.logs(stdout=False, stderr=True) == b""
    assert b"line 1 " not in looping.logs(since=time.time() - 0.5)
    lines = looping.logs(stream=True, follow=True, tail=0)
    assert next(lines).startswith(b"line ")
    looping.kill()
    list(lines)  # it ends when the container does


def test_exec(client: Any, looping: Any) -> None:
    assert tuple(looping.exec_run(["cmd", "/c", "echo hi"])) == (0, b"hi\r\n")
    assert looping.exec_run(["cmd", "/c", "exit 7"]).exit_code == 7
    assert looping.exec_run(["cmd", "/c", "echo out& echo err>&2"], demux=True).output == (b"out\r\n", b"err\r\n")
    assert looping.exec_run(["cmd", "/c", "echo %A% %CD%"], environment={"A": "b"}, workdir=r"C:\windows"
                            ).output == b"b C:\\windows\r\n"
    assert b"".join(looping.exec_run(["cmd", "/c", "echo 1& echo 2"], stream=True).output) == b"1\r\n2\r\n"
    looping.exec_run(["cmd", "/c", r"echo made> C:\app\made.txt"], detach=True)
    until(lambda: looping.exec_run(["cmd", "/c", r"type C:\app\made.txt"]).output == b"made\r\n")
    made = client.api.exec_create(looping.id, ["findstr", "b"], stdin=True)
    raw = client.api.exec_start(made["Id"], socket=True)
    with raw._sock as sock:  # the SDK leaves it to the garbage
        sock.sendall(b"abc\r\nxyz\r\n")
        sock.shutdown(sockets.SHUT_WR)
        assert raw.read() == b"\x01\0\0\0\0\0\0\x05abc\r\n"
        raw.close()
    assert client.api.exec_inspect(made["Id"])["ExitCode"] == 0


def test_attach_gives_input_and_takes_output(client: Any, name: str) -> None:
    made = client.containers.create(IMAGE, ["findstr", "b"], name=name, stdin_open=True)
    raw = made.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    made.start()
    said = b""
    with raw._sock as sock:
        sock.sendall(b"abc\r\n" * 1000)
        sock.shutdown(sockets.SHUT_WR)
        while head := raw.read(8):
            said += raw.read(int.from_bytes(head[4:], "big"))
        raw.close()
    assert said == b"abc\r\n" * 1000
    assert made.wait()["StatusCode"] == 0
    assert made.attach(stream=False, logs=True) == said
    made.remove()


def test_mounts_and_volumes(client: Any, windows: Engine, name: str) -> None:
    from docker.errors import APIError
    from docker.types import Mount

    folder = windows.fresh()
    (windows.drive / "sdk").mkdir(exist_ok=True)
    (windows.drive / "sdk" / "f.txt").write_bytes(b"from C:")
    assert client.containers.run(IMAGE, ["cmd", "/c", r"type C:\example\f.txt"], remove=True,
                                 volumes=[r"C:\SDK:C:\example"]) == b"from C:"
    client.containers.run(IMAGE, ["cmd", "/c", r"echo new> C:\data\a.txt"], remove=True,
                          volumes={str(folder): {"bind": r"C:\data", "mode": "rw"}})
    assert (folder / "a.txt").read_bytes() == b"new\r\n"
    client.containers.run(IMAGE, ["cmd", "/c", r"del C:\data\a.txt & exit 0"], remove=True,
                          mounts=[Mount(r"C:\data", str(folder), type="bind", read_only=True)])
    assert (folder / "a.txt").exists()
    volume = client.volumes.create(name, labels={"only": name})
    client.containers.run(IMAGE, ["cmd", "/c", r"echo kept> C:\data\a.txt"], remove=True, volumes=[rf"{name}:C:\data"])
    assert client.containers.run(IMAGE, ["cmd", "/c", r"type C:\data\a.txt"], remove=True,
                                 mounts=[Mount(r"C:\data", name)]) == b"kept\r\n"
    assert client.volumes.list(filters={"label": f"only={name}"}) == [volume]
    volume.remove()
    with pytest.raises(APIError, match="no such volume"):
        client.volumes.get(name)


def test_networks_names_and_published_ports(client: Any, name: str) -> None:
    network = client.networks.create(name, driver="nat", labels={"only": name})
    server = client.containers.run(IMAGE, ["serve", "8080"], name=name, network=name, ports={"8080/tcp": None},
                                   detach=True)
    until(lambda: b"serving" in server.logs())
    assert b"hello from" in client.containers.run(IMAGE, ["fetch", name, "8080"], network=name, remove=True)
    server.reload()
    port = server.ports["8080/tcp"][0]["HostPort"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        assert answer.read().startswith(b"hello from ")
    client.networks.get("nat").connect(server, aliases=["other"])
    server.reload()
    assert set(server.attrs["NetworkSettings"]["Networks"]) == {"nat", name}
    client.networks.get("nat").disconnect(server)
    network.reload()
    assert network.containers == [server]
    server.remove(force=True)
    assert client.networks.list(filters={"label": f"only={name}"}) == [network]
    network.remove()


def test_health_restarts_events_and_tidying(client: Any, name: str) -> None:
    from docker.types import Healthcheck

    begin = time.time() - 0.001
    made = client.containers.run(IMAGE, ["cmd", "/c", LOOP], name=name, detach=True, labels={"only": name},
                                 healthcheck=Healthcheck(test=["CMD-SHELL", "exit 0"], interval=200_000_000))
    until(lambda: client.api.inspect_container(name)["State"]["Health"]["Status"] == "healthy")
    made.remove(force=True)
    told = [event["Action"] for event in client.events(since=begin, until=time.time(), decode=True,
                                                       filters={"container": name})]
    assert [one for one in told if not one.startswith("exec")] == [
        "create", "start", "health_status: healthy", "kill", "die", "destroy"]
    again = client.containers.run(IMAGE, ["cmd", "/c", "exit 5"], name=name, detach=True,
                                  labels={"only": name}, restart_policy={"Name": "on-failure", "MaximumRetryCount": 1})
    until(lambda: client.api.inspect_container(name)["State"]["Status"] == "exited"
          and client.api.inspect_container(name)["RestartCount"] == 1)
    assert client.containers.prune(filters={"label": f"only={name}"})["ContainersDeleted"] == [again.id]


def test_refusals_of_a_windows_engine(client: Any) -> None:
    from docker.errors import APIError

    for options, text in (({"privileged": True}, "privileged mode"), ({"read_only": True}, "read-only mode"),
                          ({"tmpfs": {"/x": ""}}, "tmpfs"), ({"isolation": "hyperv"}, "required feature"),
                          ({"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}, "volume specification")):
        with pytest.raises(APIError, match=text):
            client.containers.run(IMAGE, remove=True, **options)
