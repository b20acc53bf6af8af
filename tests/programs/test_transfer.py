# SPDX-License-Identifier: Apache-2.0
"""``wcow copy``, ``push`` and ``pull``, against a real ``docker-registry``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import images, programs

from imagebuild.oci import Digest
from imagebuild.stores import LayoutStore

if TYPE_CHECKING:
    from support.home import Home


def test_an_image_goes_to_a_registry_and_comes_back_with_its_digest(
        home: Home, app: str, registry: programs.Registry, tmp_path: Path) -> None:
    name = f"{registry.host}/transfer/app:1"
    pushed = home.wcow("push", "app:1", name)
    assert pushed.out == f"{app}\n"
    assert "layer " in pushed.err
    assert home.wcow("digest", f"docker://{name}").out == f"{app}\n"

    home.wcow("rm", "app:1")
    other = home.environment(WCOW_STORE=str(tmp_path / "other"))["WCOW_STORE"]
    pulled = home.wcow("pull", "--format", "json", name, WCOW_STORE=other)
    facts = json.loads(pulled.out)
    assert facts["digest"] == app and facts["destination"] == name
    assert facts["blobs"]["copied"] == 3
    assert home.wcow("images", "-q", WCOW_STORE=other).out == f"{name}\n"
    again = json.loads(home.wcow("pull", "--format", "json", name, WCOW_STORE=other).out)
    assert again["blobs"] == {"copied": 0, "mounted": 0, "present": 3, "bytes": 0}


def test_skopeo_takes_what_was_pushed(home: Home, app: str, registry: programs.Registry, tmp_path: Path) -> None:
    with programs.skipping():
        skopeo = programs.find("skopeo")
    name = f"{registry.host}/skopeo/app:1"
    home.wcow("push", "-q", "app:1", name)
    seen = programs.run(skopeo, "inspect", "--tls-verify=false", f"docker://{name}")
    assert json.loads(seen.stdout)["Digest"] == app
    programs.run(skopeo, "copy", "--src-tls-verify=false", "--override-os", "windows", f"docker://{name}",
                 f"oci:{tmp_path / 'layout'}:app")
    assert home.wcow("digest", f"oci:{tmp_path / 'layout'}:app").out == f"{app}\n"


def test_a_push_to_another_repository_mounts_what_the_registry_has(
        home: Home, app: str, registry: programs.Registry) -> None:
    home.wcow("push", "-q", "app:1", f"{registry.host}/mount/one:1")
    again = json.loads(home.wcow("push", "--format", "json", "app:1", f"{registry.host}/mount/two:1").out)
    assert again["blobs"] == {"copied": 0, "mounted": 3, "present": 0, "bytes": 0}


def test_an_index_is_pushed_whole_and_pulled_by_version(
        home: Home, many: str, registry: programs.Registry) -> None:
    name = f"{registry.host}/index/many:1"
    assert home.wcow("push", "many:1", name).out == f"{many}\n"
    newest = home.wcow("digest", "--os-version", "10.0.26100", f"docker://{name}").out
    assert newest != f"{many}\n"
    assert home.wcow("pull", "--os-version", "10.0.26100", name).out == newest
    assert "windows(10.0.26100.1)/amd64" in home.wcow("images", name.rpartition(":")[0]).out
    assert home.wcow("pull", "--all", name).out == f"{many}\n"
    assert "2 platforms" in home.wcow("images").out
    missing = home.wcow("pull", "--os-version", "10.0.17763", name, code=2)
    assert missing.err.splitlines()[:2] == [
        f"error: {name} has no image for windows(10.0.17763)/amd64",
        "  its index offers windows(10.0.20348.1)/amd64, windows(10.0.26100.1)/amd64"]


def test_an_image_that_was_pulled_by_the_digest_of_an_index_has_its_own(
        home: Home, many: str, registry: programs.Registry) -> None:
    name = f"{registry.host}/pinned/many"
    home.wcow("push", "-q", "many:1", f"{name}:1")
    pulled = home.wcow("pull", f"{name}@{many}")
    own = pulled.out.strip()
    assert own != many and f"warning: {many} is an index" in pulled.err
    assert home.wcow("digest", "--offline", f"{name}@{own}").out == f"{own}\n"
    assert home.wcow("rm", f"{name}@{own}").out == f"{name}@{own}\n"


def test_an_index_does_not_go_into_a_docker_archive_but_one_of_its_images_does(
        home: Home, many: str) -> None:
    refused = home.wcow("copy", "many:1", "docker-archive:many.tar", code=2)
    assert "choose one with --os-version" in refused.err
    assert not list(home.folder.glob("*many.tar*"))
    home.wcow("copy", "--os-version", "10.0.20348", "many:1", "docker-archive:many.tar")
    facts = json.loads(home.wcow("inspect", "--format", "json", "docker-archive:many.tar").out)
    assert facts["platform"]["os.version"] == "10.0.20348.1"
    assert home.wcow("copy", "many:1", "oci-archive:all.tar").out == f"{many}\n"


@pytest.mark.parametrize("place", ["oci:layout:1", "oci-archive:app.tar", "docker-archive:app.tar"])
def test_an_image_goes_into_a_place_and_back_under_its_digest(home: Home, app: str, place: str) -> None:
    assert home.wcow("copy", "app:1", place).out == f"{app}\n"
    assert home.wcow("copy", place, "back:1").out == f"{app}\n"
    assert home.wcow("digest", "--offline", "back:1").out == f"{app}\n"


def test_an_archive_carries_the_canonical_name(home: Home, app: str) -> None:
    home.wcow("copy", "app:1", "oci-archive:app.tar")
    index = programs.run("tar", "-xOf", home.folder / "app.tar", "index.json").stdout
    assert json.loads(index)["manifests"][0]["annotations"]["io.containerd.image.name"] == "docker.io/library/app:1"


def test_a_mirror_stands_in_for_a_registry(home: Home, app: str, registry: programs.Registry) -> None:
    home.wcow("push", "-q", "app:1", f"{registry.host}/mcr/windows/thing:1")
    rule = f"mcr.microsoft.com={registry.host}/mcr"
    name = "mcr.microsoft.com/windows/thing:1"
    assert home.wcow("pull", "--air-gapped", "--mirror", rule, name).out == f"{app}\n"
    assert home.wcow("images", "-q", "mcr.microsoft.com/*").out == f"{name}\n"
    assert home.wcow("digest", f"docker://{name}", WCOW_MIRRORS=rule, WCOW_AIR_GAPPED="1").out == f"{app}\n"
    (home.folder / "wcow.toml").write_text(
        f'air_gapped = true\n[mirrors]\n"mcr.microsoft.com" = "{registry.host}/mcr"\n')
    assert home.wcow("digest", f"docker://{name}").out == f"{app}\n"
    alone = home.wcow("pull", "registry.example/x:1", code=2)
    assert "only mirrors may be asked" in alone.err


def test_a_push_always_means_a_registry(home: Home, app: str) -> None:
    refused = home.wcow("push", "app:1", "oci:layout", code=2)
    assert "a push always goes to a registry" in refused.err
    offline = home.wcow("push", "--offline", "app:1", "registry.example/app:1", code=2)
    assert offline.err.startswith("error: cannot ask the registry registry.example\n")


def test_an_image_is_not_pushed_under_another_digest(home: Home, app: str, registry: programs.Registry) -> None:
    wrong = Digest.of(b"")
    refused = home.wcow("push", "app:1", f"{registry.host}/digest/app@{wrong}", code=2)
    assert app in refused.err
    assert home.wcow("push", "app:1", f"{registry.host}/digest/app@{app}").out == f"{app}\n"
    assert home.wcow("digest", f"docker://{registry.host}/digest/app@{app}").out == f"{app}\n"


def test_a_name_that_is_not_there_is_exit_code_2_and_a_registry_that_is_not_is_3(
        home: Home, registry: programs.Registry) -> None:
    missing = home.wcow("pull", f"{registry.host}/none:1", code=2)
    assert missing.err.startswith(f"error: cannot find {registry.host}/none:1\n")
    (home.folder / "wcow.toml").write_text("retries = 1\n")
    refused = home.wcow("pull", "127.0.0.1:1/none:1", code=3)
    assert "connection refused" in refused.err


def test_a_damaged_blob_leaves_no_name_and_the_store_good(
        home: Home, app: str, registry: programs.Registry) -> None:
    name = f"{registry.host}/damaged/app:1"
    made, _ = images.image(home.store(), "docker.io/library/damaged:1",
                           images.layer(home.store(), (*images.BASE, images.file("Files/only-here", b"x")), base=True))
    home.wcow("push", "-q", "damaged:1", name)
    blob = registry.blob(made.layers[0].digest)
    data = blob.read_bytes()
    blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    home.wcow("rm", "damaged:1")
    with LayoutStore(home.folder / "fresh", create=True):
        pass
    (home.folder / "wcow.toml").write_text("retries = 1\n")
    failed = home.wcow("pull", name, code=3, WCOW_STORE=str(home.folder / "fresh"))
    assert "is not what its digest says" in failed.err
    fresh = LayoutStore(home.folder / "fresh")
    assert fresh.tags() == [] and not fresh.has_blob(made.layers[0])
    assert not list((home.folder / "fresh" / ".wcow" / "tmp").glob("*"))


def test_nothing_but_the_digest_is_on_standard_output(home: Home, app: str) -> None:
    quiet = home.wcow("copy", "--quiet", "app:1", "oci:x:1")
    assert quiet.raw == f"{app}\n".encode() and quiet.err == ""
    lines = home.wcow("copy", "--progress", "json", "app:1", "oci:y:1").err.splitlines()
    events = [json.loads(line) for line in lines]
    assert events[-1]["event"] == "result" and events[-1]["digest"] == app


@pytest.mark.slow
def test_ctrl_c_ends_a_copy_at_once_and_leaves_no_name(home: Home) -> None:
    """Copy out of a pipe that never ends: a registry that stops talking."""
    import socket
    import threading

    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    stop = threading.Event()

    def silent() -> None:
        server.settimeout(0.1)
        kept = []
        while not stop.is_set():
            try:
                kept.append(server.accept()[0])
            except TimeoutError:
                continue
        for connection in kept:
            connection.close()
        server.close()

    thread = threading.Thread(target=silent)
    thread.start()
    try:
        process = subprocess.Popen([sys.executable, "-m", "imagebuild", "pull", f"127.0.0.1:{port}/x:1"],
                                   env=home.environment(), cwd=home.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        time.sleep(2)
        began = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 130 and out == b""
        assert err.decode().splitlines()[-2:] == ["error: interrupted", "  nothing half-done was kept"]
        assert time.monotonic() - began < 10
    finally:
        stop.set()
        thread.join()


def test_air_gapped_only_mirrors_are_pushed_to(home: Home, app: str, many: str, registry: programs.Registry) -> None:
    gap = ("--air-gapped", "--mirror", f"mcr.microsoft.com={registry.host}/mcr")
    for argv in (("push", "app:1", "registry.example/app:1"), ("copy", "app:1", "docker://registry.example/app:1"),
                 ("push", "app:1", "mcr.microsoft.com/app:1"),
                 ("copy", "docker://mcr.microsoft.com/none:1", "docker://registry.example/app:1"),
                 ("index", "create", "--push", "-t", "registry.example/app:1", "app:1"),
                 ("index", "append", "--push", "registry.example/many:1", "app:1"),
                 ("base", "create", "--push", "-t", "registry.example/base:1"),
                 ("reg", "set", "app:1", r"HKLM\SOFTWARE\x", "--push", "-t", "registry.example/base:1")):
        refused = home.wcow(*argv, *gap, code=2)
        assert refused.err.startswith("error: cannot push to ") and "it is none" in refused.err, argv
    assert home.wcow("images", "-q").out.split() == ["app:1", "many:1"]
    assert home.wcow("push", "-q", *gap, "app:1", f"{registry.host}/gap/app:1").out == f"{app}\n"
    assert home.wcow("copy", "-q", *gap, "many:1", f"docker://{registry.host}/gap/many:1").out == f"{many}\n"
