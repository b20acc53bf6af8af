# SPDX-License-Identifier: Apache-2.0
"""Which adapters settings choose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support import images, programs, toy_engine, tunnels, wire

from imagebuild.builder.run.downloads import Downloads
from imagebuild.errors import HostError, NotFoundError, WcowError
from imagebuild.fetch import DownloadMap
from imagebuild.host import HostAddress, SshHost
from imagebuild.oci import Location, Platform
from imagebuild.stores import ArchiveStore, DaemonStore, LayoutStore, NoCredentials, RegistryStore
from imagebuild.wiring import (
    Settings,
    Stores,
    cache_folders,
    docker_client,
    engine_build_tools,
    engine_registries,
    fetcher,
    index_cache,
    open_library,
)


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(Settings(store=tmp_path / "store", cache=tmp_path / "cache"))


def test_each_transport_has_its_store(stores: Stores, tmp_path: Path) -> None:
    assert isinstance(stores.open(Location.parse("docker://registry.example/app:1")), RegistryStore)
    assert isinstance(stores.open(Location.parse("docker-daemon:app:1")), DaemonStore)
    assert isinstance(stores.create(Location.parse(f"oci:{tmp_path}/new")), LayoutStore)
    archive = stores.create(Location.parse(f"docker-archive:{tmp_path}/new.tar"))
    assert isinstance(archive, ArchiveStore)
    archive.close()


def test_a_folder_that_is_not_there_is_not_made_for_reading(stores: Stores, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        stores.open(Location.parse(f"oci:{tmp_path}/none"))
    assert not (tmp_path / "none").exists()


def test_offline_no_registry_is_asked(tmp_path: Path) -> None:
    with open_library(Settings(store=tmp_path, offline=True)) as library:
        with pytest.raises(NotFoundError, match=r"cannot ask the registry registry\.example"):
            library.resolve("docker://registry.example/app:1")
        with pytest.raises(NotFoundError, match="cannot find app:1"):
            library.resolve("app:1")


def test_registries_share_a_client_unless_they_are_trusted_differently(tmp_path: Path) -> None:
    stores = Stores(Settings(store=tmp_path, insecure_registries=("lab:5000",)))
    first, second, lab = (stores.open(Location.parse(f"docker://{name}")) for name in
                          ("a.example/x", "b.example/y", "lab:5000/z"))
    assert first._client is second._client  # type: ignore[attr-defined]
    assert lab._client is not first._client  # type: ignore[attr-defined]
    assert not stores.settings.tls("a.example").insecure and stores.settings.tls("lab:5000").insecure


def test_insecure_means_every_registry() -> None:
    assert Settings(insecure=True).tls("any.example").insecure
    assert Settings(ca_file="x.pem").tls("any.example").ca_file == "x.pem"


def test_a_library_finds_local_images_and_closes_what_it_opened(tmp_path: Path) -> None:
    with open_library(Settings(store=tmp_path)) as library:
        _, descriptor = images.sample(library.local)
        assert library.find("app:1", Platform("windows", "amd64")).descriptor == descriptor
        library.open(Location.parse("docker://registry.example/app:1"))
        assert library.stores._clients
    assert not library.stores._clients


def test_caches_lie_in_one_folder(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "c")
    folders = cache_folders(settings)
    assert (folders.root, folders.indexes, folders.steps) == \
        (tmp_path / "c", tmp_path / "c" / "indexes", tmp_path / "c" / "steps")
    assert index_cache(settings).folder == folders.indexes
    assert cache_folders(Settings()).root.name == "wcow"


@pytest.mark.parametrize("offline", [True, False])
def test_the_fetcher_is_offline_when_we_are(offline: bool) -> None:
    assert fetcher(Settings(offline=offline)).offline is offline


def test_an_engine_reaches_mirrors_and_never_the_users_own_logins(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"reg.example": {"auth": "dTpw"}}}')
    registries = engine_registries(Settings(docker_config=str(tmp_path), mirrors=("reg.example=mirror.example",)))
    with registries.connect(NoCredentials()) as client:
        assert client.repository("reg.example/app:1").reference.domain == "reg.example"
        assert client._credentials.login_for("reg.example") is None


def test_an_offline_engine_asks_no_registry() -> None:
    with engine_registries(Settings(offline=True)).connect(NoCredentials()) as client, pytest.raises(WcowError):
        client.repository("reg.example/app:1").resolve("1")


def test_builds_of_an_engine_download_as_the_settings_say() -> None:
    downloads = DownloadMap.parse({"https://a.example/": "https://b.example/"})
    assert engine_build_tools(Settings(offline=True, downloads=downloads)) == Downloads(downloads.rules, offline=True)


def test_the_engine_may_be_that_of_a_host_that_winrm_reaches(tmp_path: Path) -> None:
    with programs.skipping():
        programs.find("docker")
    with (wire.running(toy_engine.routes(), toy_engine.Engine(), tmp_path) as path,
          tunnels.winrm_host(tmp_path, engine=f"unix://{path}") as (host, _)):
        settings = Settings(docker_host="build1", hosts={"build1": host.address},
                            password=lambda address: tunnels.PASSWORD)
        asked: list[HostAddress] = []
        with docker_client(replace(settings, password=lambda address: asked.append(address) or "wrong")) as client, \
                pytest.raises(HostError, match="refused the login"):
            client.ping()
        assert asked == [host.address]


@pytest.mark.parametrize("text", ["unix:///run/x.sock", "tcp://host:2375"])
def test_an_engines_address_asks_for_no_password(text: str) -> None:
    def refuse(address: HostAddress) -> str:
        raise AssertionError(address)

    with docker_client(Settings(docker_host=text, password=refuse)) as client:
        assert client.host == text


def test_a_client_that_is_closed_closes_the_way_to_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    monkeypatch.setattr(SshHost, "close", lambda self: closed.append(self.name))
    docker_client(Settings(docker_host="ssh://me@host")).close()
    assert closed == ["ssh://me@host"]
