# SPDX-License-Identifier: Apache-2.0
"""testcontainers for Python against the embedded engine, with its own switch for engines that have no Ryuk."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from support.engine import IMAGE, LOOP, Engine, until

pytestmark = [
    pytest.mark.slow,
    # The SDK below it leaves sockets of hijacked connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning",
                               "ignore::DeprecationWarning"),
]


@pytest.fixture
def library(windows: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The package, told by its own settings which engine to use."""
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
    for name, value in windows.env.items():
        monkeypatch.setenv(name, value)
    core = pytest.importorskip("testcontainers.core.container")
    from testcontainers.core.config import testcontainers_config

    # It reads the environment once, when it is imported.
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    yield core
    core.Reaper.delete_instance()


def test_a_server_is_started_waited_for_and_asked(library: Any) -> None:
    from testcontainers.core.waiting_utils import wait_for_logs

    with library.DockerContainer(IMAGE).with_command("serve 8080").with_exposed_ports(8080) as server:
        wait_for_logs(server, "serving", timeout=20)
        port = server.get_exposed_port(8080)
        assert server.get_container_host_ip() == "localhost"
        with urllib.request.urlopen(f"http://localhost:{port}/", timeout=10) as answer:
            assert answer.read().startswith(b"hello from ")
        assert b"serving" in server.get_logs()[0]
        assert server.exec(["cmd", "/c", "exit 7"]).exit_code == 7
        assert server.exec("cmd /c echo hi").output == b"hi\r\n"
        wrapped = server.get_wrapped_container()
        assert wrapped.attrs["Config"]["Image"] == IMAGE
        assert wrapped.labels["org.testcontainers"] == "true"
        identifier = wrapped.id
    client = server.get_docker_client().client
    assert identifier not in [one.id for one in client.containers.list(all=True)]


def test_settings_reach_the_program(library: Any, windows: Engine) -> None:
    folder = windows.fresh()
    (folder / "f.txt").write_bytes(b"from the test\r\n")
    with (library.DockerContainer(IMAGE).with_env("WHO", "me").with_name(f"tc-{folder.name.lower()}")
          .with_volume_mapping(str(folder), r"C:\test", "rw").with_kwargs(working_dir=r"C:\test", hostname="box")
          .with_command(["cmd", "/c", LOOP])) as one:
        assert one.exec(["cmd", "/c", "echo %WHO% %CD%"]).output == b"me C:\\test\r\n"
        assert one.exec(["cmd", "/c", r"type C:\test\f.txt"]).output == b"from the test\r\n"
        assert one.exec(["cmd", "/c", r"echo back> C:\test\b.txt"]).exit_code == 0
        assert (folder / "b.txt").read_bytes() == b"back\r\n"
        assert one.exec(["hostname"]).output.strip().lower() == b"box"
        until(lambda: b"line 2" in one.get_logs()[0])


def test_containers_share_a_network(library: Any) -> None:
    from testcontainers.core.network import Network
    from testcontainers.core.waiting_utils import wait_for_logs

    with Network(docker_network_kw={"driver": "nat"}) as network, (
            library.DockerContainer(IMAGE).with_command("serve 8080").with_network(network)
            .with_network_aliases("shop")) as server:
        wait_for_logs(server, "serving", timeout=20)
        with library.DockerContainer(IMAGE).with_command(["cmd", "/c", LOOP]).with_network(network) as client:
            done = client.exec(["fetch", "shop", "8080"])
            assert (done.exit_code, b"hello from" in done.output) == (0, True)


def test_a_container_that_ends_is_waited_for(library: Any) -> None:
    with library.DockerContainer(IMAGE).with_command("crash.exe") as crashed:
        assert crashed.get_wrapped_container().wait(timeout=30)["StatusCode"] == 3221225477
    with library.DockerContainer(IMAGE) as said:
        assert said.get_wrapped_container().wait(timeout=30)["StatusCode"] == 0
        until(lambda: said.get_logs()[0] == b"hello\r\n")


def test_its_reaper_is_refused_as_on_windows(library: Any, windows: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from docker.errors import APIError
    from testcontainers.core.config import testcontainers_config

    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", False)
    reaper = testcontainers_config.ryuk_image
    windows.docker("tag", IMAGE, reaper)
    try:
        with pytest.raises(APIError, match="invalid volume specification"):
            library.DockerContainer(IMAGE).start()
    finally:
        windows.docker("rmi", reaper)
