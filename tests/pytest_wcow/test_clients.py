# SPDX-License-Identifier: Apache-2.0
"""Tests that know the docker SDK and testcontainers only, in one run with ours: ``wcow_engine.env`` is all they get."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import plugin_runs, programs
from support.plugin_runs import Place

pytestmark = pytest.mark.slow

CONFTEST = r'''
import os
import pytest

@pytest.fixture(scope="session", autouse=True)
def environment(wcow_engine, nanoserver_image):
    os.environ.update(wcow_engine.env, TESTCONTAINERS_RYUK_DISABLED="true", IMAGE=nanoserver_image)
'''

SDK = r'''
import io, os, tarfile
import docker, pytest

@pytest.fixture(scope="module")
def client():
    made = docker.from_env()
    yield made
    made.close()

@pytest.fixture(scope="module")
def image():
    return os.environ["IMAGE"]

@pytest.fixture(scope="module")
def box(client, image):
    made = client.containers.run(image, "cmd", detach=True, stdin_open=True, name="sdk-box", labels={"who": "sdk"})
    yield made
    made.remove(force=True)

def test_ping(client): assert client.ping()
def test_version(client): assert client.version()["Os"] == "windows"
def test_info(client): assert client.info()["OSType"] == "windows"
def test_image(client, image): assert client.images.get(image).attrs["Os"] == "windows"
def test_images(client, image): assert any(image in one.tags for one in client.images.list())
def test_no_image(client):
    with pytest.raises(docker.errors.ImageNotFound): client.images.get("nope:1")
def test_run(client, image): assert client.containers.run(image, "cmd /c echo hi", remove=True) == b"hi\r\n"
def test_code(client, image):
    with pytest.raises(docker.errors.ContainerError) as caught:
        client.containers.run(image, "cmd /c exit 4", remove=True)
    assert caught.value.exit_status == 4
def test_environment(client, image):
    assert client.containers.run(image, "cmd /c echo %A%", environment={"A": "b"}, remove=True) == b"b\r\n"
def test_wait(client, image):
    made = client.containers.run(image, "cmd /c exit 5", detach=True)
    assert made.wait()["StatusCode"] == 5
    made.remove()
def test_status(box):
    box.reload()
    assert box.status == "running"
def test_list(client, box): assert [one.id for one in client.containers.list(filters={"label": "who=sdk"})] == [box.id]
def test_get(client, box): assert client.containers.get("sdk-box").id == box.id
def test_logs(box): assert isinstance(box.logs(), bytes)
def test_top(box): assert any("cmd.exe" in row for row in box.top()["Processes"])
def test_put_and_get(box):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = 2
        archive.addfile(info, io.BytesIO(b"ab"))
    assert box.put_archive("C:\\", out.getvalue())
    stream, stat = box.get_archive("C:\\a.txt")
    assert stat["size"] == 2
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        assert archive.extractfile("a.txt").read() == b"ab"
def test_rename(box):
    box.rename("sdk-other")
    box.rename("sdk-box")
def test_volume(client):
    made = client.volumes.create()
    assert client.volumes.get(made.name).id == made.id
    made.remove()
def test_network(client):
    made = client.networks.create("sdk-net", driver="nat")
    assert client.networks.list(names=["sdk-net"])[0].id == made.id
    made.remove()
'''

TESTCONTAINERS = r'''
import os
from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs

def test_starts_and_logs():
    with DockerContainer(os.environ["IMAGE"]).with_command("cmd /c echo up & ping -n 60 127.0.0.1") as box:
        wait_for_logs(box, "up", timeout=30)

def test_environment_and_name():
    made = DockerContainer(os.environ["IMAGE"]).with_env("A", "b").with_name("tc-box")
    with made.with_command("cmd /c echo %A% & ping -n 60 127.0.0.1") as box:
        wait_for_logs(box, "b", timeout=30)
        assert box.get_wrapped_container().name == "tc-box"
'''


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with programs.skipping(), plugin_runs.place() as made:
        yield made


def test_twenty_one_tests_of_other_clients_pass_beside_ours_unchanged(place: Place) -> None:
    place.pytest({"conftest.py": CONFTEST, "test_sdk.py": SDK, "test_testcontainers.py": TESTCONTAINERS,
                  "test_it.py": plugin_runs.HELLO}, "-W", "ignore").passed(22)
    assert place.containers() == []
