# SPDX-License-Identifier: Apache-2.0
"""Layers that crane, BuildKit and buildah made are read: what a container would see is listed and printed.

The base is a stand-in of ours, which the peers name as they can: by the local registry's name, or as a named context.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from support import programs
from support.workbench import NANOSERVER, Workbench, fill

from imagebuild.errors import NotFoundError
from imagebuild.images.inspect.listing import Item
from imagebuild.layer import Kind

pytestmark = pytest.mark.slow

TREE = {"hello.txt": "hello\n", "bin/Tool.EXE": b"MZ" + b"\0" * 5000, "bin/größe.txt": "ü"}
CRANE_SDDL = "O:BUG:BU"
BUILDKIT_SDDL = "O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;BU)"
"""The one descriptor that crane (``internal/windows``) and BuildKit put on every file."""


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path / "bench")


@pytest.fixture
def base(bench: Workbench, registry: programs.Registry) -> str:
    """A stand-in for nanoserver in the registry; gives its name there."""
    name = f"{registry.host}/windows/nanoserver:ltsc2022"
    bench.base("nanoserver", name, push=True)
    return name


def seen(bench: Workbench, name: str) -> dict[str, Item]:
    return {item.path: item for item in bench.files(f"docker://{name}").find(recursive=True)}


def check(bench: Workbench, name: str, folder: str = "C:\\") -> dict[str, Item]:
    """Everything of TREE is there, below ``folder``, and everything of the base still is."""
    found = seen(bench, name)
    for path, content in TREE.items():
        shown = folder + path.replace("/", "\\")
        assert found[shown].entry.kind is Kind.FILE
        assert bench.read(f"docker://{name}", shown) == (content.encode() if isinstance(content, str) else content)
    assert bench.read(f"docker://{name}", (folder + "BIN\\tool.exe")) == TREE["bin/Tool.EXE"]
    system32 = found[r"C:\Windows\System32"]
    assert (system32.layer, system32.owner) == (0, r"NT SERVICE\TrustedInstaller")
    return found


def test_a_layer_that_crane_appended_is_read(
        bench: Workbench, base: str, registry: programs.Registry, crane: Path, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {f"app/{name}": content for name, content in TREE.items()})
    (context / "app/link.txt").symlink_to("hello.txt")
    # Folders first and no "./": crane puts Files/ before each name and makes no parents.
    programs.run("tar", "-cf", tmp_path / "layer.tar", "-C", context, "app")
    name = f"{registry.host}/crane/layer:1"
    programs.run(crane, "append", "--insecure", "-b", base, "-f", tmp_path / "layer.tar", "-t", name)
    found = check(bench, name, "C:\\app\\")
    assert found[r"C:\app\hello.txt"].sddl() == CRANE_SDDL
    assert found[r"C:\app\link.txt"].entry.target == "hello.txt"
    layer = [item.path for item in bench.files(f"docker://{name}", layer=1).find()]
    assert sorted(layer) == ["Files", "Hives"]


def buildx(daemon: programs.Daemon, context: Path, name: str, *arguments: str) -> None:
    """Build with BuildKit and push."""
    with programs.skipping():
        programs.buildx()
    daemon.docker("buildx", "build", "--platform", "windows/amd64", "--provenance=false", *arguments, "--tag", name,
                  context)
    daemon.docker("push", name)


@pytest.mark.parametrize("named", ["by the registry's name", "as a build context"])
def test_a_layer_that_buildkit_built_is_read(
        named: str, bench: Workbench, base: str, dockerd: programs.Daemon, registry: programs.Registry,
        tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {f"src/{name}": content for name, content in TREE.items()})
    (context / "src/link.txt").symlink_to("hello.txt")
    if named == "as a build context":
        (context / "Dockerfile").write_text(f"FROM {NANOSERVER}\nCOPY src C:/app/\n")
        extra = ["--build-context", f"{NANOSERVER}=docker-image://{base}"]
    else:
        (context / "Dockerfile").write_text(f"FROM {base}\nCOPY src C:/app/\n")
        extra = []
    name = f"{registry.host}/buildkit/{'context' if extra else 'name'}:1"
    buildx(dockerd, context, name, *extra)
    found = check(bench, name, "C:\\app\\")
    assert found[r"C:\app\hello.txt"].sddl() == BUILDKIT_SDDL
    # BuildKit damages links (docker/buildx#373): we show what Windows would follow, not what was meant.
    assert found[r"C:\app\link.txt"].entry.target == r"Files\hello.txt"
    # (Debian's BuildKit also drops os.version and adds a PATH.)
    raw = programs.run(programs.find("skopeo"), "inspect", "--config", "--raw", "--tls-verify=false",
                       "--override-os=windows", f"docker://{name}").stdout
    assert bench.find(f"docker://{name}").image.config_bytes() == raw.encode(), "what was read is carried unchanged"


def test_names_that_buildkit_wrote_in_two_cases_are_one_file(
        bench: Workbench, base: str, dockerd: programs.Daemon, registry: programs.Registry, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {"a.txt": "first", "b/a.txt": "second", "Dockerfile":
                                          f"FROM {base}\nCOPY a.txt C:/a.txt\nCOPY b/a.txt C:/A.TXT\n"})
    name = f"{registry.host}/buildkit/twice:1"
    buildx(dockerd, context, name)
    assert bench.read(f"docker://{name}", r"C:\a.txt") == b"second"
    assert len([path for path in seen(bench, name) if path.lower() == "c:\\a.txt"]) == 1


def test_our_build_stands_on_images_of_peers(
        bench: Workbench, base: str, dockerd: programs.Daemon, registry: programs.Registry, tmp_path: Path) -> None:
    """A base that BuildKit made: its folders keep what it wrote, new files inherit from that."""
    context = fill(tmp_path / "context", {"hello.txt": "hello", "Dockerfile": f"FROM {base}\nCOPY hello.txt C:/app/\n"})
    name = f"{registry.host}/buildkit/base:1"
    buildx(dockerd, context, name)
    built = bench.build({"Dockerfile": f"FROM {name}\nCOPY new.txt C:/App/new.txt\nCOPY --from={name} /app C:/copy/\n",
                         "new.txt": "new"}, tag=f"{registry.host}/ours/on-peers:1")
    files = bench.files(built)
    theirs, mine = seen(bench, name)[r"C:\app"], files.get(r"C:\app")
    assert (mine.path, mine.entry.security, mine.entry.times) == (
        r"C:\app", theirs.entry.security, theirs.entry.times)
    assert files.get(r"C:\app\new.txt").sddl().count("ID;") >= 1
    assert bench.read(built, r"C:\copy\hello.txt") == b"hello"
    bench.copy(f"{registry.host}/ours/on-peers:1", f"docker://{registry.host}/ours/on-peers:1")


def test_a_layer_that_buildah_made_is_read(bench: Workbench, registry: programs.Registry, tmp_path: Path) -> None:
    """Debian's buildah writes plain layers for Windows, too: without Files, so no container sees them. They are
    listed as the layer has them."""
    with programs.skipping():
        buildah = programs.buildah(tmp_path / "buildah")
    context = fill(tmp_path / "context", {**TREE, "Dockerfile": "FROM scratch\nCOPY hello.txt bin /app/\n"})
    name = f"{registry.host}/buildah/app:1"
    programs.run(*buildah, "build", "--isolation=chroot", "--platform", "windows/amd64", "--tag", name, context)
    (tmp_path / "auth.json").write_text("{}")
    programs.run(*buildah, "push", "--authfile", tmp_path / "auth.json", "--tls-verify=false", name, f"docker://{name}")
    files = bench.files(f"docker://{name}", layer=0)
    listed = {item.path for item in files.find(recursive=True) if item.entry.kind is Kind.FILE}
    assert {path.rpartition("/")[2] for path in listed} == {"hello.txt", "Tool.EXE", "größe.txt"}
    if not any(path.startswith("Files/") for path in listed):  # buildah before 1.44
        with pytest.raises(NotFoundError):
            bench.files(f"docker://{name}").get(r"C:\app\hello.txt")


def test_a_plain_tar_in_many_dialects_is_read(
        bench: Workbench, registry: programs.Registry, crane: Path, tmp_path: Path) -> None:
    """GNU long names, ustar prefixes, PAX headers and numbers in base 256, each appended as a layer of its own."""
    long = "d" * 90 + "/" + "e" * 90 + "/" + "f" * 60
    for number, dialect in enumerate((tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT)):
        path = tmp_path / f"{number}.tar"
        with tarfile.open(path, "w", format=dialect) as tar:
            parts = f"n{number}/{long}" if dialect != tarfile.USTAR_FORMAT else f"n{number}/" + "d" * 90 + "/e.txt"
            done = ""
            for part in parts.split("/")[:-1]:
                done = f"{done}/{part}".lstrip("/")
                folder = tarfile.TarInfo(done)
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(folder)
            member = tarfile.TarInfo(parts)
            member.uid = 3_000_000 if dialect == tarfile.GNU_FORMAT else 0
            tar.addfile(member)
    layers = [word for number in range(3) for word in ("-f", str(tmp_path / f"{number}.tar"))]
    name = f"{registry.host}/crane/dialects:1"
    programs.run(crane, "append", "--insecure", "--oci-empty-base", "--platform=windows/amd64", "-t", name, *layers)
    for number in range(3):
        items = list(bench.files(f"docker://{name}", layer=number).find(recursive=True))
        assert max(len(item.path) for item in items) > (90 if number == 1 else 240)
