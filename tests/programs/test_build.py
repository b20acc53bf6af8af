# SPDX-License-Identifier: Apache-2.0
"""``wcow base``, ``wcow build`` and ``wcow plan`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import programs

if TYPE_CHECKING:
    from support.home import Home

BASE = "mcr.microsoft.com/windows/nanoserver:ltsc2022"
VERSION = "10.0.20348.2762"


def context(folder: Path, dockerfile: str, **files: str) -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def nanoserver(home: Home) -> None:
    home.wcow("base", "create", "--like", "nanoserver", "--os-version", VERSION, "-t", BASE)


def test_a_build_ends_with_its_digest_and_a_second_one_is_the_same(home: Home, tmp_path: Path) -> None:
    nanoserver(home)
    folder = context(tmp_path / "c", f"FROM {BASE}\nCOPY a C:/app/\nCMD [\"a\"]\n", a="x")
    done = home.wcow("build", "-t", "app:1", folder)
    digest = done.out.splitlines()[-1]
    assert digest.startswith("sha256:")
    assert "COPY a C:/app/" in done.err
    again = home.wcow("build", "-t", "app:1", "-q", folder)
    assert (again.out, again.err) == (f"{digest}\n", "")
    assert home.wcow("digest", "app:1").out == f"{digest}\n"
    assert home.wcow("cat", "app:1", "/app/a").out == "x"


def test_a_plan_shows_stages_sizes_and_every_run_and_writes_nothing(home: Home, tmp_path: Path) -> None:
    nanoserver(home)
    folder = context(tmp_path / "c", f"FROM {BASE} AS one\nRUN echo hi\nFROM one\nCOPY a C:/\n", a="12345")
    before = home.wcow("images").out
    said = home.wcow("plan", folder).out
    assert "RUN echo hi  [way: engine]" in said
    assert "(1 file, 5 B)" in said
    assert home.wcow("build", "--plan", folder).out == said
    facts = json.loads(home.wcow("plan", "--format", "json", folder).out)
    assert facts["executable"] is True
    assert [step["kind"] for step in facts["stages"][0]["steps"]] == ["run"]
    assert home.wcow("images").out == before
    assert "1 RUN cannot be executed" in home.wcow("plan", "--run", "none", folder).out
    failed = home.wcow("build", "--run", "none", folder, code=2)
    assert "Dockerfile:2: RUN: cannot be executed (stage 'one', windows)" in failed.err


def test_files_about_the_build_are_written(home: Home, tmp_path: Path) -> None:
    folder = context(tmp_path / "c", "FROM scratch\nCOPY a C:/\n", a="x")
    digest = home.wcow("build", "-q", "-t", "x:1", "--iidfile", "id", "--metadata-file", "meta.json", "--provenance",
                       folder).out.strip()
    facts = json.loads((home.folder / "meta.json").read_text())
    assert facts["containerimage.digest"] == digest
    assert (home.folder / "id").read_text() == facts["containerimage.config.digest"]
    assert facts["buildx.build.provenance"]["buildDefinition"]["buildType"] == "urn:wcow:build:1"
    again = home.wcow("build", "-q", "--provenance", "-o", "type=oci,dest=out", folder)
    assert again.out.strip() == digest


def test_an_image_goes_where_output_says(home: Home, tmp_path: Path) -> None:
    folder = context(tmp_path / "c", "FROM scratch\nCOPY a C:/\n", a="x")
    digest = home.wcow("build", "-q", "-t", "x:1", "-o", "type=oci,dest=layout,tar=false", "-o",
                       "type=oci-archive,dest=a.tar", "-o", "type=docker,dest=d.tar", "-o", "type=oci,dest=b.tar",
                       folder).out
    for place in ("oci:layout", "oci-archive:a.tar", "oci-archive:b.tar", "docker-archive:d.tar"):
        assert home.wcow("digest", place).out == digest
    assert "no dest" in home.wcow("build", "-o", "type=oci", folder, code=2).err
    assert "takes no tar=maybe" in home.wcow("build", "-o", "type=oci,dest=x,tar=maybe", folder, code=2).err
    assert "takes no tar=false" in home.wcow("build", "-o", "type=docker,dest=x,tar=false", folder, code=2).err
    assert "standard output" in home.wcow("build", "-o", "type=oci,dest=-", folder, code=2).err
    assert "type=oci,tar=false,dest=out" in home.wcow("build", "-o", "out", folder, code=2).err
    assert "has no name" in home.wcow("build", "--push", folder, code=2).err


def test_a_push_and_layers_kept_in_a_registry(home: Home, tmp_path: Path, registry: programs.Registry) -> None:
    folder = context(tmp_path / "c", "FROM scratch\nCOPY a C:/\nCOPY b C:/\n", a="x", b="y")
    host = registry.host
    first = home.wcow("build", "-q", "-t", f"{host}/app/build:1", "--push", "--provenance", "--cache-to",
                      f"{host}/app/build:cache", folder)
    assert "not there yet" in home.wcow("build", "-q", "--cache-from", f"{host}/app/none:1", folder).err
    other = type(home)(tmp_path / "other")
    other.folder.mkdir()
    done = other.wcow("build", "--cache-from", f"{host}/app/build:cache", "--progress", "plain", folder)
    assert done.out == first.out
    assert done.err.count("cached") == 2
    again = f"{host}/app/build:again"  # an export of layers that were cached here serves a fresh machine as well
    home.wcow("build", "-q", "--cache-to", again, folder)
    third = type(home)(tmp_path / "third")
    third.folder.mkdir()
    assert third.wcow("build", "--cache-from", again, "--progress", "plain", folder).err.count("cached") == 2
    assert home.wcow("digest", f"docker://{host}/app/build:1").out == first.out
    home.wcow("copy", "--all", f"docker://{host}/app/build:1", "oci:with")
    artefacts = [entry for entry in json.loads((home.folder / "with/index.json").read_text())["manifests"]
                 if "sha256-" in str(entry.get("annotations"))]
    assert artefacts


def test_every_version_of_a_base_in_one_index(home: Home, tmp_path: Path) -> None:
    names = []
    for version in ("10.0.17763.1", VERSION):
        names.append(f"base:{version}")
        home.wcow("base", "create", "--like", "nanoserver", "--os-version", version, "-t", names[-1])
    home.wcow("index", "create", "-t", "base:all", *names)
    folder = context(tmp_path / "c", "FROM base:all\nCOPY a C:/app/\n", a="x")
    home.wcow("build", "-q", "-t", "app:all", "--os-version", "all", folder)
    found = json.loads(home.wcow("inspect", "--format", "json", "app:all").out)
    assert [entry["platform"]["os.version"] for entry in found["manifests"]] == [VERSION, "10.0.17763.1"]
    assert "not a Windows version" in home.wcow("build", "--os-version", "2022", folder, code=2).err


@pytest.mark.parametrize(("args", "what"), [
    (("--acl", "x"), "--acl x has no value"), (("--attr", "C:\\a=Q"), "C:\\a"),
    (("--platform", "linux/amd64"), "Windows"),
    (("-t", "UPPER"), "lower case"), (("--compression", "gzip:3"), "level 3"), (("--target", "no"), "names no stage"),
    (("--timestamps", "now"), "--timestamps"), (("-f", "nothing"), "no Dockerfile"), (("--no-cache", "--cache-to", "x"),
                                                                                      "exclude")])
def test_what_makes_no_sense_is_said_in_three_lines(home: Home, tmp_path: Path, args: tuple[str, ...],
                                                    what: str) -> None:
    folder = context(tmp_path / "c", "FROM scratch\n")
    done = home.wcow("build", *args, folder, code=2)
    assert what in done.err
    assert len(done.err.splitlines()) <= 3


def test_a_base_from_scratch_is_reproducible_and_a_version_is_checked(home: Home) -> None:
    first = home.wcow("base", "create", "-t", "a:1").out
    assert home.wcow("base", "create", "-t", "b:1").out == first
    assert home.wcow("base", "create", "-t", "c:1", SOURCE_DATE_EPOCH="1700000000").out != first
    assert "needs a version" in home.wcow("base", "create", "--like", "servercore", "-t", "x:1", code=2).err
    assert "not a Windows version" in home.wcow("base", "create", "--os-version", "2022", "-t", "x:1", code=2).err
    said = home.wcow("base", "create", "--like", "hostprocess", "-t", "x:1")
    assert "no program of Windows" in said.err


def test_air_gapped_a_push_to_a_registry_that_is_no_mirror_is_refused_before_any_work(
        home: Home, tmp_path: Path, registry: programs.Registry) -> None:
    folder = context(tmp_path / "c", "FROM scratch\nCOPY a C:/\n", a="x")
    rule = f"mcr.microsoft.com={registry.host}/mcr"
    for options in (("-t", "registry.example/app:1", "--push"), ("-t", "registry.example/app:1", "-o", "type=registry"),
                    ("--cache-to", "registry.example/cache"),
                    ("-t", f"{registry.host}/air/app:1", "-t", "registry.example/app:1", "--push")):
        refused = home.wcow("build", "--air-gapped", "--mirror", rule, *options, folder, code=2)
        assert refused.err.splitlines() == [
            "error: cannot push to registry.example", "  only mirrors may be asked, and it is none",
            "  push to a mirror, call it one with a rule registry.example=registry.example, or leave --air-gapped out"]
    assert home.wcow("images", "-q").out == ""
    assert home.wcow("plan", "--air-gapped", folder).out == home.wcow("build", "--plan", "--air-gapped", "--push", "-t",
                                                                      "registry.example/app:1", folder).out
    assert "--offline was given" in home.wcow("build", "--offline", "--push", "-t", "registry.example/app:1", folder,
                                              code=2).err
    assert home.wcow("images", "-q").out == ""


def test_air_gapped_a_push_to_a_mirror_is_a_push(home: Home, tmp_path: Path, registry: programs.Registry) -> None:
    nanoserver(home)
    base = f"{registry.host}/mcr/windows/nanoserver:ltsc2022"
    home.wcow("push", "-q", BASE, base)
    home.wcow("rm", BASE)
    folder = context(tmp_path / "c", f"FROM {BASE}\nCOPY a C:/\n", a="x")
    name = f"{registry.host}/air/app:1"
    gap = ("--air-gapped", "--mirror", f"mcr.microsoft.com={registry.host}/mcr")
    digest = home.wcow("build", "-q", *gap, "--push", "-t", name, "--cache-to", f"{registry.host}/air/cache",
                       folder).out
    assert home.wcow("digest", f"docker://{name}").out == digest
    assert home.wcow("digest", *gap, f"docker://{name}").out == digest
    assert home.wcow("build", "-q", *gap, "--cache-from", f"{registry.host}/air/cache", folder).out == digest
