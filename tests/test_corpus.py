# SPDX-License-Identifier: Apache-2.0
"""``make corpus``: what is drawn, what is made up for it, what its page says."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.real_dockerfiles.made import Maker
from support.real_dockerfiles.scenery import NotMade, Scenery
from support.real_dockerfiles.table import Table
from support.workbench import Workbench

HERE = Path(__file__).resolve().parents[1] / "scripts" / "corpus"
INDEX = "repo\tpath\tcommit\tescape\tbase image\tstages\tRUNs\tshell\thardest tier\n" + "".join(
    f"owner/name\t{number}/Dockerfile\tc{number}\t`\tx\t1\t{number % 3}\tcmd\t{tier}\n"
    for number, tier in enumerate(("T0", "T1", "T1+", "T2", "T3", "TS", "T0", "T0", "T1+")))


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The modules of the script, as they see each other."""
    monkeypatch.syspath_prepend(str(HERE))
    names = ("draw", "page")
    yield {name: __import__(name) for name in names}
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def rows(scripts: Any, tmp_path: Path) -> list[Any]:
    (tmp_path / "index.tsv").write_text(INDEX)
    found: list[Any] = scripts["draw"].read(tmp_path / "index.tsv")
    return found


def test_the_draw_is_the_same_each_time_and_goes_on_where_a_text_is_missing(scripts: Any, rows: list[Any],
                                                                            tmp_path: Path) -> None:
    assert sorted(row.tier for row in rows) == ["T0", "T0", "T0", "T1", "T1+", "T1+"]
    order = [row.name for row in scripts["draw"].draw(rows)]
    assert order == [row.name for row in scripts["draw"].draw(rows)] != [row.name for row in rows]
    for name in (order[0], order[2], order[3]):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("FROM x\n")
    taken, missing = scripts["draw"].take(rows, tmp_path, 2)
    assert [row.name for row in taken] == [order[0], order[2]]
    assert [row.name for row in missing] == [order[1]]


def test_the_page_counts_what_builds_and_what_stops_the_rest(scripts: Any, rows: list[Any]) -> None:
    from support.real_dockerfiles.attempt import Outcome

    page = scripts["page"]
    table = Table({"image": [], "builds": {"default": 1}, "arguments": [], "content": [],
                   "cause": [{"said": "no IIS", "cause": "IIS is a feature"}]})
    found = [(rows[0], Outcome(rows[0].name, True, replaced=1)),
             (rows[1], Outcome(rows[1].name, False, "x\nerror: /there/Dockerfile:3: RUN: no IIS\nwhy\n")),
             (rows[2], Outcome(rows[2].name, False, "error: what | nobody knows\n"))]
    text = page.page(found, [rows[3]], 6, table)
    assert "**1 of 3 build**" in text and "1 digest replaced" in text
    assert "| IIS is a feature | 1 |" in text
    assert "| not looked into: what \\| nobody knows | 1 |" in text
    assert "Dockerfile:3: RUN: no IIS why" in text and "/there" not in text
    assert f"- `{rows[3].name}`" in text


@pytest.fixture(autouse=True)
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiler is asked for."""
    monkeypatch.setattr(Maker, "program", lambda _self: b"MZ")


def test_every_row_of_the_table_has_a_source() -> None:
    import tomllib

    from support.real_dockerfiles.table import PLACE

    document = tomllib.loads(PLACE.read_text("utf-8"))
    for kind in ("image", "arguments", "content"):
        for row in document[kind]:
            assert row["source"], row


def test_an_archive_holds_what_the_table_says_and_its_digest_can_be_asked_for() -> None:
    table = Table.load()
    data = Maker(table).data("https://builds.example/dotnet-runtime-8.0.30-win-x64.zip")
    assert data == Maker(table).data("https://elsewhere.example/dotnet-runtime-8.0.30-win-x64.zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert "./shared/Microsoft.NETCore.App/8.0.30/coreclr.dll" in archive.namelist()
    sums = Maker(table).data("https://builds.example/dotnet/checksums/8.0.30-sha.txt").decode()
    assert f"{hashlib.sha512(data).hexdigest()}  dotnet-runtime-8.0.30-win-x64.zip\n" in sums
    war = Maker(table).data("https://x.example/j/jenkins.war")
    assert Maker(table).data("https://x.example/j/jenkins.war.sha256").decode().split()[0] == \
        hashlib.sha256(war).hexdigest()


DOCKERFILE = b"""\
# escape=`
ARG TAG=ltsc2022
FROM --platform=linux/amd64 golang:1@sha256:%s AS build
RUN go build
FROM mcr.microsoft.com/windows/servercore:${TAG} AS core
FROM mcr.microsoft.com/windows/nanoserver:${TAG}
COPY --from=build /out/app.exe C:/app/
COPY --from=nats:2-nanoserver C:\\nats.exe C:/
COPY --from=core /Windows/System32/netapi32.dll /Windows/System32/
COPY bin/tool.exe conf *.json C:/tool/
COPY . C:/all/
ADD https://x.example/y.zip C:/
ENV V=2.1
RUN .\\install.ps1; $u = 'https://x.example/v{0}/z-{1}.zip' -f $env:V, $env:V; curl https://y.example/%%V%%/a.txt
""" % (b"0" * 64)


def test_what_a_dockerfile_names_is_there(tmp_path: Path) -> None:
    bench = Workbench(tmp_path / "bench", air_gapped=True)

    def wcow(*_words: str) -> str:
        raise AssertionError("no image of this Dockerfile has a RUN")

    table = Table.load()
    scene = Scenery(tmp_path / "scenes", bench, table, Maker(table), wcow).prepare("o/n/Dockerfile",
                                                                                               DOCKERFILE)
    context = {path.relative_to(scene.folder / "context").as_posix() for path in (scene.folder / "context").rglob("*")
               if path.is_file()}
    assert {"bin/tool.exe", "conf/readme.txt", "made.json", "install.ps1"} <= context
    assert scene.handed_in == ("build",)
    assert (scene.folder / "stage-build" / "out" / "app.exe").is_file()
    assert f"build={scene.folder / 'stage-build'}" in scene.words
    index = json.loads((scene.folder / "downloads" / "index.json").read_text())
    assert [one["url"] for one in index["downloads"]] == ["https://x.example/y.zip",
        "https://x.example/v2.1/z-2.1.zip", "https://y.example/2.1/a.txt"]
    assert bench.read("nats:2-nanoserver", "C:\\nats.exe") == b"MZ"
    assert bench.read("mcr.microsoft.com/windows/servercore:ltsc2022", r"C:\Windows\System32\netapi32.dll")
    assert bench.find("mcr.microsoft.com/windows/nanoserver:ltsc2022").image.config.os_version == "10.0.20348.1"
    with pytest.raises(NotMade, match=r"no base made\.example/unknown"):
        Scenery(tmp_path / "scenes", bench, table, Maker(table), wcow).prepare(
            "o/n/Dockerfile", b"FROM made.example/unknown\n")


def test_each_pinned_digest_goes_with_the_download_of_its_place(tmp_path: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    from support.real_dockerfiles.attempt import Attempts, Outcome
    from support.real_dockerfiles.scenery import Scene

    maker = Maker(Table.load())
    urls = ("https://x.example/git.zip", "https://x.example/git.zip.sha256", "https://x.example/go.zip")
    right = [hashlib.sha256(maker.data(url)).hexdigest() for url in (urls[0], urls[2])]
    text = (f"FROM a@sha256:{'1' * 64}\nENV A={'2' * 64}\nRUN x {'3' * 64}\n"
            f"RUN y https://x.example/{'4' * 40}/z\n").encode()

    class Prepared:
        def prepare(self, _name: str, text: bytes) -> Scene:
            (tmp_path / "Dockerfile").write_bytes(text)
            return Scene(tmp_path, (), (), urls)

    def once(_self: Attempts, scene: Scene, *_more: str) -> tuple[bool, str]:
        written = (scene.folder / "Dockerfile").read_text()
        assert "1" * 64 in written and "4" * 40 in written, "neither an image's digest nor a part of a URL is replaced"
        return all(digest in written for digest in right), "error: FAILED!"

    monkeypatch.setattr(Attempts, "_once", once)
    attempts = Attempts(Prepared(), maker, {})  # type: ignore[arg-type]
    assert attempts.build("a", text) == Outcome("a", True, "", 2, 0, 3)
    assert attempts.build("a", text, as_written=True) == Outcome("a", False, "error: FAILED!", 0, 0, 3)
