# SPDX-License-Identifier: Apache-2.0
"""The programs that other tests lean on do start here, and do what those tests take for granted."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path

import pytest
from support import programs

pytestmark = pytest.mark.slow

DOCKERFILE = b"FROM scratch\nCOPY hello.txt /app/\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "hello.txt").write_text("hello\n")
    (folder / "Dockerfile").write_bytes(DOCKERFILE)
    return folder


def test_a_registry_answers_and_keeps_nothing_of_the_last_one(registry: programs.Registry) -> None:
    with programs.registry() as another:  # the session's own holds what other tests pushed
        connection = http.client.HTTPConnection(another.host, timeout=10)
        connection.request("GET", "/v2/_catalog")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"repositories":[]}\n')
        connection.close()
        assert another.host != registry.host


def test_a_registry_with_a_login_takes_the_right_password_only(
        private_registry: programs.Registry, tmp_path: Path) -> None:
    login = [programs.find("skopeo"), "login", "--authfile", tmp_path / "auth.json", "--tls-verify=false",
             "--username", private_registry.user, "--password-stdin", private_registry.host]
    assert "Login Succeeded" in programs.run(*login, stdin=private_registry.password.encode()).stdout
    wrong = programs.run(*login, stdin=b"wrong", ok=False)
    assert wrong.returncode and "invalid username/password" in wrong.stderr


def test_a_registry_can_speak_tls_with_a_certificate_of_its_own() -> None:
    with programs.skipping(), programs.registry(tls=True) as registry:
        assert registry.url.startswith("https://127.0.0.1:")
        done = programs.run(programs.find("skopeo"), "list-tags", f"docker://{registry.host}/none", ok=False)
        assert "certificate" in done.stderr


def test_buildkit_builds_a_windows_image_in_dockerd_and_pushes_it(
        dockerd: programs.Daemon, registry: programs.Registry, context: Path) -> None:
    with programs.skipping():
        programs.buildx()
    name = f"{registry.host}/buildkit/app:1"
    dockerd.docker("buildx", "build", "--platform", "windows/amd64", "--provenance=false", "--tag", name, context)
    image = json.loads(dockerd.docker("image", "inspect", name).stdout)[0]
    assert (image["Os"], len(image["RootFS"]["Layers"])) == ("windows", 1)
    dockerd.docker("push", name)
    seen = programs.run(programs.find("skopeo"), "inspect", "--config", "--tls-verify=false", "--override-os=windows",
                        f"docker://{name}")
    assert json.loads(seen.stdout)["os"] == "windows"


def test_the_default_store_of_dockerd_refuses_a_windows_image(
        plain_dockerd: programs.Daemon, dockerd: programs.Daemon, context: Path, tmp_path: Path) -> None:
    dockerd.docker("buildx", "build", "--platform", "windows/amd64", "--provenance=false", "--tag", "app:1", context)
    dockerd.docker("save", "--output", tmp_path / "app.tar", "app:1")
    refused = plain_dockerd.docker("load", "--input", tmp_path / "app.tar", ok=False)
    assert refused.returncode and "cannot load windows image on linux" in refused.stderr


def test_dockerd_leaves_no_process_and_no_mount_behind() -> None:
    with programs.skipping(), programs.dockerd(containerd_store=True) as daemon:
        folder = str(daemon.socket.parent)
        assert daemon.docker("info", "--format", "{{.DriverStatus}}").stdout.count("io.containerd.snapshotter.v1") == 1
    assert not Path(folder).exists()
    assert folder not in Path("/proc/mounts").read_text()
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if folder.encode() in read(path)]


def read(path: Path) -> bytes:
    """A file of /proc; nothing when its process has just ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_crane_appends_a_layer_to_a_windows_base(crane: Path, registry: programs.Registry, tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("hello\n")
    programs.run("tar", "-cf", tmp_path / "layer.tar", "-C", tmp_path, "hello.txt")
    name = f"{registry.host}/crane/app:1"
    programs.run(crane, "append", "--oci-empty-base", "--platform", "windows/amd64", "--insecure", "-t", name,
                 "-f", tmp_path / "layer.tar")
    assert programs.run(crane, "validate", "--insecure", "--remote", name).stdout.startswith("PASS")


def test_buildah_makes_an_image_for_windows(context: Path, tmp_path: Path) -> None:
    with programs.skipping():
        buildah = programs.buildah(tmp_path / "buildah")
    programs.run(*buildah, "build", "--isolation=chroot", "--platform", "windows/amd64", "--tag", "app:1", context)
    seen = programs.run(*buildah, "inspect", "--type", "image", "app:1")
    assert json.loads(seen.stdout)["OCIv1"]["os"] == "windows"


def test_samba_reads_a_security_descriptor() -> None:
    with programs.skipping():
        python = programs.samba_python()
    sddl = "O:BAG:SYD:(A;;GA;;;WD)"
    code = f"from samba.dcerpc.security import *; print(descriptor.from_sddl('{sddl}', dom_sid()).as_sddl())"
    assert programs.run(python, "-c", code).stdout.strip() == sddl


def test_mkntfs_bsdtar_and_hivex_are_there(tmp_path: Path) -> None:
    with programs.skipping():
        mkntfs, bsdtar, _ = (programs.find(name) for name in ("mkntfs", "bsdtar", "hivexsh"))
    with (tmp_path / "volume").open("wb") as volume:
        volume.truncate(8 << 20)
    programs.run(mkntfs, "--fast", "--force", "--quiet", tmp_path / "volume")
    assert re.match(rb"...NTFS    ", (tmp_path / "volume").read_bytes()[:16], re.DOTALL)
    assert "libarchive" in programs.run(bsdtar, "--version").stdout


def test_a_missing_program_is_named_with_its_debian_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs.shutil, "which", lambda *_, **__: None)
    with pytest.raises(programs.Unavailable, match=r"bsdtar is not installed \(Debian package libarchive-tools\)"):
        programs.find("bsdtar")
