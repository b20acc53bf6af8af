# SPDX-License-Identifier: Apache-2.0
"""Other people's clients against our server: the docker command, curl, the Python SDK, aiodocker.

The engine behind it is a script (``support/toy_engine.py``): what is tested here is what goes over the wire.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, toy_engine, wire


@pytest.fixture
def engine() -> toy_engine.Engine:
    return toy_engine.Engine()


@pytest.fixture
def socket(engine: toy_engine.Engine, tmp_path: Path) -> Iterator[Path]:
    def heard(what: str, error: BaseException) -> None:
        engine.errors.append(f"{what}: {error!r}")
    with wire.running(toy_engine.seen(engine, toy_engine.routes()), engine, tmp_path, on_error=heard) as path:
        yield path
    assert not engine.errors


class Docker:
    """The real command."""

    def __init__(self, socket: Path) -> None:
        with programs.skipping():
            self.program = programs.find("docker")
        self.env = {"DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "0"}

    def __call__(self, *args: str | Path, stdin: bytes | None = None,
                 ok: bool = True) -> subprocess.CompletedProcess[str]:
        return programs.run(self.program, *args, env=self.env, stdin=stdin, ok=ok, timeout=30)


@pytest.fixture
def docker(socket: Path) -> Docker:
    return Docker(socket)


def test_docker_shows_version_info_and_containers(docker: Docker, engine: toy_engine.Engine) -> None:
    said = json.loads(docker("version", "--format", "{{json .Server}}").stdout)
    assert (said["ApiVersion"], said["Os"], said["MinAPIVersion"]) == ("1.45", "windows", "1.24")
    assert docker("info", "--format", "{{.OSType}} {{.OSVersion}} {{.NCPU}}").stdout == "windows 10.0.20348.1 2\n"
    docker("create", "--name", "one", "hello")
    shown = docker("ps", "-a", "--format", "{{.Names}} {{.Image}} {{.Ports}} {{.Status}}").stdout
    assert shown == "one hello 127.0.0.1:8080->80/tcp Created\n"
    assert docker("ps", "-aq", "--filter", "name=o.e").stdout
    assert not docker("ps", "-aq", "--filter", "name=two").stdout
    assert "invalid filter 'colour'" in docker("ps", "--filter", "colour=red", ok=False).stderr


def test_docker_runs_and_separates_the_streams(docker: Docker) -> None:
    done = docker("run", "--name", "one", "hello")
    assert (done.stdout, done.stderr) == ("hello\r\n", "oops\r\n")
    assert docker("logs", "one").stdout == "hello\r\n"
    assert docker("logs", "-t", "one").stdout == "2023-11-14T22:13:20.000000000Z hello\r\n"


def test_docker_pipes_all_of_its_input_and_hands_on_the_exit_code(docker: Docker) -> None:
    text = b"line of text\n" * 100_000
    done = docker("run", "-i", "--rm", "upper", stdin=text, ok=False)
    assert done.stdout.encode() == text.upper()
    assert done.returncode == 3


def test_docker_attaches_to_what_runs(docker: Docker, engine: toy_engine.Engine) -> None:
    docker("create", "-i", "--name", "one", "upper")
    docker("start", "one")
    done = docker("attach", "one", stdin=b"abc", ok=False)
    assert (done.stdout, done.returncode) == ("ABC", 3)


def test_docker_with_a_terminal_gets_the_bytes_as_they_are(docker: Docker) -> None:
    docker("create", "-it", "--name", "one", "hello")
    ours, theirs = pty.openpty()
    process = subprocess.Popen([docker.program, "start", "-ai", "one"], env={**os.environ, **docker.env},
                               stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    try:
        while data := os.read(ours, 1000):
            said += data
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    assert process.wait(20) == 0
    assert said == b"hello\r\noops\r\n"


def test_docker_shows_refusals_as_they_were_written(docker: Docker) -> None:
    docker("create", "--name", "one", "hello")
    assert "Conflict. The container name \"/one\" is already in use" in docker(
        "create", "--name", "one", "hello", ok=False).stderr
    assert "Invalid container name (?), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed" in docker(
        "create", "--name", "?", "hello", ok=False).stderr
    assert "No such container: two" in docker("rm", "two", ok=False).stderr
    assert "page not found" in docker("volume", "ls", ok=False).stderr


def test_docker_pulls_loads_builds_and_copies(docker: Docker, engine: toy_engine.Engine, tmp_path: Path) -> None:
    assert "Downloaded newer image" in docker("pull", "hello").stdout
    assert "manifest unknown" in docker("pull", "missing", ok=False).stderr
    assert docker("load", stdin=b"x" * 3_000_000).stdout == "Loaded image: hello:latest\n"
    assert engine.loaded == 3_000_000
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM hello\n")
    (folder / "big").write_bytes(os.urandom(2_000_000))
    assert "Successfully tagged app:1" in docker("build", "-t", "app:1", folder).stdout
    assert sorted(engine.built) == ["Dockerfile", "big"]
    docker("create", "--name", "one", "hello")
    engine.find("one").files["/there/"] = b""
    docker("cp", folder / "big", "one:/there/", ok=False)
    engine.find("one").files["/big"] = (folder / "big").read_bytes()
    docker("cp", "one:/big", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (folder / "big").read_bytes()


def test_curl_speaks_with_it(socket: Path, engine: toy_engine.Engine) -> None:
    with programs.skipping():
        curl = programs.find("curl")

    def ask(*args: str) -> str:
        return programs.run(curl, "-s", "-S", "--max-time", "20", "--unix-socket", socket, *args).stdout
    assert ask("http://d/_ping") == "OK"
    assert ask("-I", "http://d/v1.40/_ping").startswith("HTTP/1.1 200 OK\r\nApi-Version: 1.45\r\n")
    assert json.loads(ask("http://d/v2/info")) == {
        "message": "client version 2 is too new. Maximum supported API version is 1.45"}
    json_body = ("-H", "Content-Type: application/json", "-d")
    made = ask(*json_body, '{"Image":"hello"}', "http://d/containers/create?name=one")
    assert json.loads(made)["Warnings"] == []
    assert json.loads(ask("-d", "Image=hello", "http://d/containers/create")) == {
        "message": "unsupported Content-Type header (application/x-www-form-urlencoded): must be 'application/json'"}
    assert json.loads(ask(*json_body, '{"Image":7}', "http://d/containers/create")) == {
        "message": "invalid JSON: json: cannot unmarshal number into Go struct field ContainerConfigWrapper.Image of "
                   "type string"}
    assert ask("http://d/containers/one/json", "http://d/_ping").endswith("}\nOK")  # one connection, two answers
    assert ask("-N", "-X", "POST", "http://d/containers/one/start") == ""


def test_the_python_sdk_speaks_with_it(socket: Path, engine: toy_engine.Engine) -> None:
    sdk = pytest.importorskip("docker")
    client = sdk.DockerClient(base_url=f"unix://{socket}", version="auto", timeout=20)
    try:
        assert client.ping() is True
        assert client.version()["Os"] == "windows"
        assert client.info()["NCPU"] == 2
        one = client.containers.create("hello", name="one", ports={"80/tcp": 8080}, labels={"a": "b"})
        one.start()
        one.reload()
        assert one.status == "exited" and one.labels == {"a": "b"}
        assert one.wait()["StatusCode"] == 0
        assert one.logs(stdout=True, stderr=True) == b"hello\r\noops\r\n"
        assert one.logs(stdout=False, stderr=True) == b"oops\r\n"
        assert [found.name for found in client.containers.list(all=True, filters={"label": "a=b"})] == ["one"]
        with pytest.raises(sdk.errors.NotFound, match="No such container: two"):
            client.containers.get("two")
        with pytest.raises(sdk.errors.APIError, match="already in use"):
            client.containers.create("hello", name="one")
        two = client.containers.create("upper", name="two", stdin_open=True)
        two.start()
        raw = two.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
        with raw._sock as sock:  # the SDK leaves it to the garbage
            sock.sendall(b"abc")
            sock.shutdown(1)
            assert raw.read() == b"\x01\0\0\0\0\0\0\x03ABC"
            raw.close()
        assert two.wait()["StatusCode"] == 3
        assert client.api.load_image(io.BytesIO(b"x" * 500_000)) is not None
        two.remove()
    finally:
        client.close()


def test_aiodocker_speaks_with_it(socket: Path, engine: toy_engine.Engine) -> None:
    aiodocker = pytest.importorskip("aiodocker")

    async def run() -> None:
        client = aiodocker.Docker(url=f"unix://{socket}")
        try:
            assert (await client.version())["Os"] == "windows"
            one = await client.containers.create({"Image": "hello"}, name="one")
            await one.start()
            assert (await one.wait())["StatusCode"] == 0
            assert "".join(await one.log(stdout=True, stderr=True)) == "hello\r\noops\r\n"
            with pytest.raises(aiodocker.exceptions.DockerError, match="No such container"):
                await client.containers.get("two")
            two = await client.containers.create({"Image": "upper", "OpenStdin": True}, name="two")
            await two.start()
            async with two.attach(stdin=True, stdout=True) as stream:
                await stream.write_in(b"abc")
                message = await stream.read_out()
                assert (message.stream, message.data) == (1, b"ABC")
            await two.delete(force=True)
        finally:
            await client.close()
    asyncio.run(run())
