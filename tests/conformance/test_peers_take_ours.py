# SPDX-License-Identifier: Apache-2.0
"""What we write, in the hands of skopeo, crane and docker; and what docker says when it will not have it."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from support import programs
from support.workbench import NANOSERVER, Workbench, finish

from imagebuild.builder import Built
from imagebuild.codec import Compression
from imagebuild.dockerapi import Client
from imagebuild.errors import DaemonError
from imagebuild.images.copy import copy
from imagebuild.stores import DaemonStore
from imagebuild.stores.daemon.daemon import load
from imagebuild.stores.daemon.words import refused
from imagebuild.wiring import open_library

pytestmark = pytest.mark.slow

DOCKERFILE = f"""FROM {NANOSERVER}
WORKDIR C:/app
COPY . .
USER ContainerAdministrator
CMD ["cmd", "/c", "dir"]
"""


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path / "bench")


def app(bench: Workbench, name: str, compression: str = "gzip") -> Built:
    """An image with folders, links, a junction and an ACL, under ``name`` in the local store."""
    bench.base("nanoserver", NANOSERVER)
    context = bench.fresh()
    (context / "Dockerfile").write_text(DOCKERFILE)
    (context / "bin").mkdir()
    (context / "bin" / "größe.txt").write_bytes(b"x" * 70_000)
    (context / "latest").symlink_to("bin")
    (context / "link.txt").symlink_to("bin/größe.txt")
    return bench.build(context, tag=name, compression=Compression.parse(compression),
                       junctions=((r"C:\now", r"C:\app\bin"),), acls=((r"C:\app\bin", "D:P(A;OICI;FA;;;BA)"),))


@pytest.fixture
def pushed(bench: Workbench, registry: programs.Registry) -> tuple[str, Built]:
    name = f"{registry.host}/ours/app:1"
    built = app(bench, name)
    bench.copy(name, f"docker://{name}")
    return name, built


def skopeo(*arguments: str | Path) -> str:
    with programs.skipping():
        program = programs.find("skopeo")
    return programs.run(program, "--insecure-policy", "--override-os=windows", *arguments).stdout


def test_skopeo_inspects_what_we_push(pushed: tuple[str, Built]) -> None:
    name, built = pushed
    seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}"))
    assert seen["Digest"] == built.descriptor.digest
    assert seen["Layers"] == [layer.digest for layer in built.image.layers]
    assert (seen["Os"], seen["Architecture"]) == ("windows", "amd64")
    config = json.loads(skopeo("inspect", "--config", "--tls-verify=false", f"docker://{name}"))
    assert config["rootfs"]["diff_ids"] == list(built.image.diff_ids)
    assert config["config"]["User"] == "ContainerAdministrator"


def test_skopeo_copies_what_we_push_and_nothing_changes(
        pushed: tuple[str, Built], bench: Workbench, tmp_path: Path) -> None:
    name, built = pushed
    skopeo("copy", "--src-tls-verify=false", f"docker://{name}", f"oci:{tmp_path / 'layout'}:app")
    (entry,) = json.loads((tmp_path / "layout/index.json").read_bytes())["manifests"]
    assert entry["digest"] == built.descriptor.digest
    listed = {item.path: item.entry for item in bench.files(f"oci:{tmp_path / 'layout'}:app").find(recursive=True)}
    assert listed == {item.path: item.entry for item in bench.files(built).find(recursive=True)}
    skopeo("copy", f"oci:{tmp_path / 'layout'}:app", f"docker-archive:{tmp_path / 'app.tar'}:app:1")
    assert bench.read(f"docker-archive:{tmp_path / 'app.tar'}", r"C:\app\bin\größe.txt") == b"x" * 70_000


@pytest.mark.parametrize("kind", ["oci", "oci-archive", "docker-archive"])
def test_skopeo_reads_our_folders_and_archives(kind: str, bench: Workbench, tmp_path: Path) -> None:
    built = app(bench, "app:1")
    place = f"{kind}:{tmp_path / 'out'}:{'docker.io/library/app:1' if kind == 'docker-archive' else 'app'}"
    bench.copy("app:1", place)
    skopeo("copy", place, f"oci:{tmp_path / 'read'}:app")
    (entry,) = json.loads((tmp_path / "read/index.json").read_bytes())["manifests"]
    if kind != "docker-archive":  # skopeo makes a manifest of its own for those
        assert entry["digest"] == built.descriptor.digest
    assert bench.find(f"oci:{tmp_path / 'read'}:app").image.diff_ids == built.image.diff_ids


def test_crane_validates_what_we_push(pushed: tuple[str, Built], crane: Path) -> None:
    """It reads every layer and compares digests, diff ids, sizes and media types."""
    name, built = pushed
    assert programs.run(crane, "validate", "--insecure", "--remote", name).stdout.startswith("PASS")
    assert programs.run(crane, "manifest", "--insecure", name).stdout.encode() == built.image.manifest_bytes()
    assert programs.run(crane, "digest", "--insecure", name).stdout.strip() == built.descriptor.digest


@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_crane_reads_other_compressions_than_the_one_it_can_validate(
        compression: str, bench: Workbench, registry: programs.Registry, crane: Path) -> None:
    """Its ``validate`` takes every layer for gzip (``pkg/v1/validate/layer.go``); its reader looks first."""
    name = f"{registry.host}/ours/{compression}:1"
    app(bench, name, compression)
    bench.copy(name, f"docker://{name}")
    assert programs.run(crane, "validate", "--insecure", "--fast", "--remote", name).stdout.startswith("PASS")
    assert "Files/app/bin/größe.txt" in names_of(subprocess_bytes(crane, "export", "--insecure", name, "-"))


def test_crane_validates_a_hostprocess_image_from_scratch(
        bench: Workbench, registry: programs.Registry, crane: Path) -> None:
    name = f"{registry.host}/ours/hpc:1"
    built = bench.build({"Dockerfile": "FROM scratch\nCOPY a.txt C:/\n", "a.txt": "a"}, tag=name)
    bench.copy(name, f"docker://{name}")
    assert programs.run(crane, "validate", "--insecure", "--remote", name).stdout.startswith("PASS")
    tar = subprocess_bytes(crane, "export", "--insecure", name, "-")
    assert "Files/Windows/System32/config/SYSTEM" in names_of(tar)
    assert len(built.image.layers) == 1


def subprocess_bytes(*argv: str | Path) -> bytes:
    return subprocess.run([str(word) for word in argv], capture_output=True, check=True, timeout=60).stdout


def names_of(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getnames()


# --- docker --------------------------------------------------------------------------------------------------------

def inspected(daemon: programs.Daemon, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(daemon.docker("image", "inspect", name).stdout)[0]
    return found


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_docker_loads_our_archive_and_knows_the_image_by_its_name(
        kind: str, bench: Workbench, dockerd: programs.Daemon, tmp_path: Path) -> None:
    name = f"loaded/{kind}:1"
    built = app(bench, name)
    bench.copy(name, f"{kind}:{tmp_path / 'app.tar'}:docker.io/{name}")
    with tarfile.open(tmp_path / "app.tar") as tar:
        index = json.loads(tar.extractfile("index.json").read())  # type: ignore[union-attr]
        assert "manifest.json" in tar.getnames()
    assert index["manifests"][0]["annotations"]["io.containerd.image.name"] == f"docker.io/{name}"
    dockerd.docker("load", "--input", tmp_path / "app.tar")
    image = inspected(dockerd, name)
    assert (image["Os"], image["Id"]) == ("windows", built.descriptor.digest)
    assert image["RootFS"] == {"Type": "layers", "Layers": list(built.image.diff_ids)}


def test_an_image_loaded_into_docker_is_pushed_by_it_as_it_was(
        bench: Workbench, dockerd: programs.Daemon, registry: programs.Registry) -> None:
    name = f"{registry.host}/ours/by-docker:1"
    built = app(bench, name)
    daemon = Workbench(bench.folder, docker_host=dockerd.host)
    daemon.copy(name, f"docker-daemon:{name}")
    assert inspected(dockerd, name)["Os"] == "windows"
    dockerd.docker("push", name)
    assert skopeo_digest(name) == built.descriptor.digest
    again = daemon.find(f"docker-daemon:{name}")
    assert (again.descriptor.digest, again.image.diff_ids) == (built.descriptor.digest, built.image.diff_ids)
    assert daemon.read(f"docker-daemon:{name}", r"C:\app\bin\größe.txt") == b"x" * 70_000


def skopeo_digest(name: str) -> str:
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{name}").encode()
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def test_the_default_store_of_docker_refuses_and_we_say_what_to_do(
        bench: Workbench, plain_dockerd: programs.Daemon) -> None:
    app(bench, "app:1")
    with pytest.raises(DaemonError) as error:
        Workbench(bench.folder, docker_host=plain_dockerd.host).copy("app:1", "docker-daemon:app:1")
    assert "cannot load app:1 into docker" in error.value.what
    assert "cannot load windows image on linux" in error.value.why
    assert "only images of the system it runs on" in error.value.why
    assert '"containerd-snapshotter": true' in error.value.hint


def test_an_archive_without_manifest_json_is_refused_by_the_default_store_and_we_say_why(
        bench: Workbench, plain_dockerd: programs.Daemon, tmp_path: Path) -> None:
    app(bench, "app:1")
    bench.copy("app:1", f"oci:{tmp_path / 'layout'}:app")
    skopeo("copy", f"oci:{tmp_path / 'layout'}:app", f"oci-archive:{tmp_path / 'app.tar'}")
    with (pytest.raises(DaemonError) as error, (tmp_path / "app.tar").open("rb") as stream,
          Client.at(plain_dockerd.host) as client):
        load(client, stream, what="cannot load app.tar")
    assert "blobs/json: no such file or directory" in error.value.why
    assert "have manifest.json" in error.value.why
    assert "docker-archive:" in error.value.hint


def test_a_pull_by_the_default_store_is_refused_and_we_know_the_text(
        pushed: tuple[str, Built], plain_dockerd: programs.Daemon) -> None:
    said = plain_dockerd.docker("pull", pushed[0], ok=False)
    assert said.returncode
    error = refused("cannot pull", said.stderr)
    assert 'image operating system "windows" cannot be used on this platform' in error.why
    assert "pulls only images of the system it runs on" in error.why and "wcow pull" in error.hint


def test_the_daemon_store_sends_nothing_before_there_is_a_name(bench: Workbench, dockerd: programs.Daemon) -> None:
    built = app(bench, "app:1")
    before = dockerd.docker("image", "ls", "--quiet", "--no-trunc").stdout.split()
    with open_library(bench.settings) as library, DaemonStore(Client.at(dockerd.host)) as store:
        finish(copy(library.local, built.descriptor, store, tag=None))
        assert dockerd.docker("image", "ls", "--quiet", "--no-trunc").stdout.split() == before


def test_wcow_build_load_puts_the_image_into_docker_or_says_why_not(
        bench: Workbench, dockerd: programs.Daemon, plain_dockerd: programs.Daemon) -> None:
    bench.base("nanoserver", NANOSERVER)
    context = bench.fresh()
    (context / "Dockerfile").write_text(f"FROM {NANOSERVER}\nCOPY Dockerfile C:/\n")
    command = [sys.executable, "-m", "imagebuild", "build", "--quiet", "--offline", "--load", "-t", "by-verb:1",
               context]
    env = {"WCOW_STORE": str(bench.folder / "store"), "WCOW_CACHE": str(bench.folder / "cache")}
    done = programs.run(*command, env={**env, "DOCKER_HOST": dockerd.host})
    assert inspected(dockerd, "by-verb:1")["Id"] == done.stdout.strip()
    refusal = programs.run(*command, env={**env, "DOCKER_HOST": plain_dockerd.host}, ok=False)
    assert refusal.returncode == 3
    assert len(refusal.stderr.splitlines()) == 3 and "containerd-snapshotter" in refusal.stderr
