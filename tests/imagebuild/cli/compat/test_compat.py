# SPDX-License-Identifier: Apache-2.0
"""``wcow compat``, as people run it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from support import toy_engine, wire

from imagebuild.cli.app import run
from imagebuild.images.bases.hives import stand_in_hives

LTSC2022 = "10.0.20348.4294"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WCOW_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("WCOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WCOW_OFFLINE", "1")
    return tmp_path


def index(*versions: str, **fields: str) -> str:
    return json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": f"sha256:{number:064}", "size": 5,
         "platform": {"os": "windows", "architecture": "amd64", "os.version": version} | fields}
        for number, version in enumerate(versions)]})


def asked(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = run(["compat", *args])
    out, err = capsys.readouterr()
    return code, out, err


def document(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, Any]:
    code, out, _ = asked(capsys, *args, "--format", "json")
    return code, json.loads(out)


@pytest.mark.usefixtures("here")
def test_the_case_of_moby_53397_on_a_saved_index(capsys: pytest.CaptureFixture[str]) -> None:
    Path("index.json").write_text(index(LTSC2022))
    asking = ("check", "index.json", "--host", "10.0.26200.7171", "--engine", "docker-29.6", "--isolation", "process")
    code, out, _ = asked(capsys, *asking, "--store", "containerd")
    assert code == 1
    assert "no matching manifest for windows(10.0.26200)/amd64 in the manifest list entries" in out
    assert "takes no image below build 26100 on build 26200" in out
    assert "moby/moby#53397" in out
    assert "keep images in docker's own store (--store graphdriver)" in out
    code, out, _ = asked(capsys, *asking, "--store", "graphdriver")
    assert code == 0
    assert "runs on 10.0.26200.7171 with process isolation" in out
    code, facts = document(capsys, *asking, "--store", "containerd", "--generation", "G3")
    verdicts = facts["results"][0]["report"]["verdicts"]
    assert (code, verdicts["engine"]["answer"]) == (0, "yes")
    assert (verdicts["start"]["answer"], verdicts["start"]["confidence"]) == ("yes", "documented")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("image", "host", "code"), [
    ("ltsc2022", "10.0.20348.1", 0), ("ltsc2025", "10.0.20348.1", 1), ("10.0.17763.1", "ltsc2022", 1),
    ("10.0.26100.1", "Windows 11 25H2", 0), ("ltsc2022", "Windows Server 2025", 0)])
def test_versions_are_typed_as_people_write_them(capsys: pytest.CaptureFixture[str], image: str, host: str,
                                                 code: int) -> None:
    assert asked(capsys, "check", image, "--host", host)[0] == code


@pytest.mark.usefixtures("here")
def test_strict_wants_a_sure_yes_that_microsoft_supports(capsys: pytest.CaptureFixture[str]) -> None:
    same_core = ("check", "10.0.18362.1", "--host", "10.0.18363.1", "--product", "server", "--isolation", "process")
    assert asked(capsys, *same_core)[0] == 0
    assert asked(capsys, *same_core, "--strict")[0] == 1
    assert asked(capsys, "check", "ltsc2022", "--host", "10.0.20348.1", "--strict")[0] == 0


@pytest.mark.usefixtures("here")
def test_a_host_may_be_a_file_of_docker_info(capsys: pytest.CaptureFixture[str]) -> None:
    Path("info.json").write_text(json.dumps({
        "OSType": "windows", "OSVersion": "10.0.26100", "Architecture": "x86_64", "ServerVersion": "29.6.2",
        "OperatingSystem": "Microsoft Windows Server Version 24H2 (OS Build 26100.2894)",
        "KernelVersion": "10.0 26100 (26100.1.amd64fre.ge_release.240331-1435)", "Isolation": "process",
        "Driver": "windowsfilter", "DriverStatus": [["Windows", ""]]}))
    code, facts = document(capsys, "check", "10.0.26100.3194", "--host", "info.json")
    result = facts["results"][0]
    assert code == 0
    assert result["host"]["version"] == "10.0.26100.2894"
    assert (result["engine"]["version"], result["engine"]["store"], result["engine"]["assumed"]) == (
        "29.6.2", "graphdriver", False)
    assert (result["runs"], result["isolation"]) == ("maybe", "process")
    assert result["verdicts"]["start"]["reasons"][0]["code"] == "revision-above-host"


@pytest.mark.usefixtures("here")
def test_an_image_may_be_a_saved_config_what_docker_inspects_or_a_hive(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.json").write_text(json.dumps({"os": "windows", "architecture": "amd64", "os.version": LTSC2022}))
    Path("inspect.json").write_text("\ufeff" + json.dumps([{"Os": "windows", "OsVersion": LTSC2022,
                                                            "Architecture": "amd64"}]), encoding="utf-8")
    Path("SOFTWARE").write_bytes(stand_in_hives("nanoserver", LTSC2022, "amd64", 0)["SOFTWARE"])
    for name, key in (("config.json", "os.version"), ("inspect.json", "os.version"), ("SOFTWARE", "hive_version")):
        code, facts = document(capsys, "check", name, "--host", "10.0.20348.4294")
        assert (code, facts["results"][0]["image"][key], facts["results"][0]["runs"]) == (0, LTSC2022, "yes")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("args", "words"), [
    (("check", "app:1", "--host", "10.0.1.1"), "cannot find app:1"),
    (("check", "ltsc2022", "--host", "ltsc1999"), "cannot read 'ltsc1999' as a Windows host"),
    (("check", "bad.json", "--host", "20348"), "cannot read bad.json as JSON"),
    (("check", "list.json", "--host", "20348"), "list.json is no image"),
    (("check", "manifest.json", "--host", "20348"), "manifest.json is a manifest"),
    (("check", "ltsc2022", "--host", "bad.json"), "cannot read bad.json as JSON"),
    (("check", "ltsc2022", "--host", "list.json"), "list.json: "),
    (("check", "ltsc2022", "--host", "20348", "--engine", "podman"), "there is no engine 'podman'"),
    (("check", "ltsc2022", "--host", "20348", "--engine", "containerd-2.1", "--store", "graphdriver"), "own store"),
    (("pick", "ltsc2022", "--host", "20348"), "ltsc2022 is one image, not an index"),
    (("matrix", "--tag", "ltsc*"), "--tag chooses tags of one IMAGE"),
    (("builds", "ltsc1999"), "no release 'ltsc1999' is known"),
    (("check", "bad.json", "--host", "20348", "--look-inside"), "--look-inside reads the layers of an image"),
])
def test_bad_input_is_one_clear_error(capsys: pytest.CaptureFixture[str], args: tuple[str, ...], words: str) -> None:
    Path("bad.json").write_text("{no")
    Path("list.json").write_text("[1, 2]")
    Path("manifest.json").write_text('{"schemaVersion": 2, "layers": []}')
    code, out, err = asked(capsys, *args)
    assert code == 2
    assert out == ""
    assert words in err
    assert len(err.splitlines()) <= 3


@pytest.mark.usefixtures("here")
def test_pick_lists_every_entry_and_why_it_was_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    Path("index.json").write_text(index("10.0.17763.4252", "10.0.20348.1668", "10.0.26100.1"))
    code, out, _ = asked(capsys, "pick", "index.json", "--host", "22621", "--isolation", "process")
    assert code == 1
    assert "→ 0  windows(10.0.17763.4252)/amd64" in out
    assert re.search(r"1  windows\(10\.0\.20348\.1668\)/amd64  passed over: a later choice", out)
    assert re.search(r"2  windows\(10\.0\.26100\.1\)/amd64  passed over: its os\.version", out)
    assert "Entry 1, windows(10.0.20348.1668)/amd64, would do better" in out


@pytest.mark.usefixtures("here")
def test_pick_knows_what_other_tools_take(capsys: pytest.CaptureFixture[str]) -> None:
    Path("index.json").write_text(index("10.0.17763.4252", "10.0.20348.1668"))
    code, out, _ = asked(capsys, "pick", "index.json", "--host", "20348", "--isolation", "process", "--engine",
                         "skopeo")
    assert code == 1
    assert "skopeo, asked for windows/amd64, takes entry 0" in out
    assert "never os.version" in out
    code, facts = document(capsys, "pick", "index.json", "--host", "20348", "--engine", "crane")
    assert (code, facts["place"], facts["requested"]) == (1, None, "linux/amd64")
    code, facts = document(capsys, "pick", "index.json", "--host", "20348", "--engine", "buildkit", "--platform",
                           "windows(10.0.20348)/amd64")
    assert (code, facts["place"]) == (0, 1)


@pytest.mark.usefixtures("here")
def test_an_image_of_the_local_store_is_looked_into(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["base", "create", "--like", "nanoserver", "--os-version", LTSC2022, "-t", "nano:1", "-q"]) == 0
    capsys.readouterr()
    code, facts = document(capsys, "check", "nano:1", "--host", "10.0.20348.99999", "--look-inside")
    image = facts["results"][0]["image"]
    assert code == 0
    assert image["utility_vm"] is False  # a stand-in has none, so Hyper-V isolation has nothing to boot
    assert image["hive_version"] == LTSC2022
    assert image["os.version"] == image["hive_version"]
    code, facts = document(capsys, "check", "nano:1", "--host", "10.0.20348.99999", "--look-inside", "--isolation",
                           "hyperv", "--hyperv")
    assert (code, facts["results"][0]["verdicts"]["start"]["reasons"][0]["code"]) == (1, "no-utility-vm")


@pytest.mark.usefixtures("here")
def test_the_matrix_without_anything_is_about_releases_that_get_updates(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = asked(capsys, "matrix")
    lines = out.splitlines()
    assert code == 0
    assert re.split(r"\s{2,}", lines[1].strip())[:2] == ["ltsc2025", "ltsc2022"]
    row = next(line for line in lines if line.startswith("Windows Server 2022 (20348)"))
    assert re.split(r"\s{2,}", row)[1:] == ["no / no", "yes / (yes)", "no / (yes)", "no / (yes)"][:len(
        re.split(r"\s{2,}", row)) - 1]
    every = asked(capsys, "matrix", "--all")[1]
    assert "Windows Server, version 1709 (16299)" in every
    assert len(every.splitlines()) > len(lines)


@pytest.mark.usefixtures("here")
def test_the_matrix_in_markdown_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a|b.json").write_text(index("10.0.17763.1", LTSC2022))
    code, out, _ = asked(capsys, "matrix", "a|b.json", "ltsc2025", "--host", "22631", "--isolation", "process",
                         "--format", "markdown")
    assert code == 0
    assert out.splitlines()[:3] == [r"| host \ image | a\|b.json | ltsc2025 |", "|---|---|---|",
                                    "| 22631 | no | no |"]
    code, facts = document(capsys, "matrix", "a|b.json", "ltsc2025", "--host", "22631", "--host", "ltsc2025",
                           "--isolation", "process")
    assert [[cell["runs"] for cells in row for cell in cells] for row in facts["rows"]] == [["no", "no"], ["no", "yes"]]
    assert facts["rows"][0][0][0]["pick"]["better"] == 1


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in ("meta", "br", "!doctype"):
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"] or "")
        if "popovertarget" in given:
            self.targets.append(given["popovertarget"] or "")
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.usefixtures("here")
def test_the_page_stands_alone_and_every_cell_has_its_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    Path("x.json").write_text(index("10.0.17763.1<script>", LTSC2022))
    code, out, _ = asked(capsys, "matrix", "x.json", "ltsc2025", "--host", "22631", "--host", "ltsc2025", "--format",
                         "html")
    page = Page()
    page.feed(out)
    assert code == 0
    assert page.open == []
    assert page.loads == []
    assert "<script" not in out
    assert sorted(page.ids) == sorted(page.targets)
    assert len(page.ids) == len(set(page.ids)) == 2 * 2 * 2
    assert "default-src 'none'" in out


@pytest.mark.usefixtures("here")
def test_builds_are_listed_and_told_of_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = asked(capsys, "builds")
    assert code == 0
    assert re.search(r"^20348 +21H2 +Windows Server 2022 +- +LTSC +20348 +ltsc2022 +2031-10-14$", out, re.MULTILINE)
    out = asked(capsys, "builds", "ltsc2016")[1]
    assert "2027-01-11" in out
    assert "2027-01-12" in out
    facts = document(capsys, "builds")[1]
    assert facts["releases"][0]["build"] == 10240
    assert facts["updated"] in asked(capsys, "builds")[1]


def test_a_host_may_be_the_address_of_an_engine_which_is_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "wcow.toml").write_text(f'[hosts.toy]\naddress = "unix://{here}/docker.sock"\n')
    with wire.running(toy_engine.routes(), toy_engine.Engine(), here):
        for name in ("toy", f"unix://{here}/docker.sock"):
            _, out, _ = asked(capsys, "check", LTSC2022, "--host", name)
            assert " on 10.0.20348" in out
    code, _, err = asked(capsys, "check", LTSC2022, "--host", "toy")
    assert code == 3 and "docker.sock" in err
