# SPDX-License-Identifier: Apache-2.0
"""What a RUN downloads in the embedded engine: recorded from a server by https, and replayed when it is gone."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, users, windows_programs
from support.build_home import BASE, Home, opened
from support.downloads import Site, site

from imagebuild.fetch.proxy.authority import Authority

pytestmark = pytest.mark.slow
URL = "https://downloads.example.com"
CONTENT = bytes(range(256)) * 4000


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with opened() as made:
        yield made


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Site]:
    """A server whose contents are at :data:`URL`, for builds of this home."""
    authority = Authority("of the test")
    (home.folder / "ca.pem").write_bytes(authority.pem)
    home.environment["SSL_CERT_FILE"] = str(home.folder / "ca.pem")
    with site({"/tool.zip": CONTENT, "/a.txt": b"added"}, authority=authority) as found:
        found.redirects["/latest"] = f"{URL}/tool.zip"
        (home.folder / "wcow.toml").write_text(f'[download]\n"{URL}/" = "https://localhost:{found.port}/"\n')
        home.wcow("--config", str(home.folder / "wcow.toml"), "engine", "start")
        yield found


DOCKERFILE = f"""# escape=`
FROM {BASE}
ENV https_proxy=http://127.0.0.1:9
ADD {URL}/a.txt C:\\added.txt
RUN curl.exe -fsSL -o C:\\tool.zip {URL}/latest && echo %HTTPS_PROXY% && find "BEGIN" < %SSL_CERT_FILE%
"""


def test_a_build_is_the_same_when_its_downloads_are_replayed(home: Home, server: Site) -> None:
    context, kept, meta = home.context(DOCKERFILE), str(home.folder / "kept"), home.folder / "meta.json"
    config = str(home.folder / "wcow.toml")
    first, err = home.wcow("--config", config, "build", "-t", "net:1", "--downloads", "record", kept, "--provenance",
                           "--metadata-file", str(meta), context)
    assert "http://127.0.0.1:44080" in err
    assert "-----BEGIN CERTIFICATE-----" in err
    assert server.asked == ["GET /a.txt", "GET /latest", "GET /tool.zip"]
    assert hashlib.sha256(CONTENT).hexdigest() in (home.folder / "kept/index.json").read_text()
    facts = json.loads(meta.read_text())["buildx.build.provenance"]["buildDefinition"]["resolvedDependencies"]
    ran = [one for one in facts if "run" in one.get("annotations", {})]
    assert [(one["uri"], one["digest"]["sha256"]) for one in ran] == [
        (f"{URL}/tool.zip", hashlib.sha256(CONTENT).hexdigest())]

    server.asked.clear()
    again, err = home.wcow("build", "-t", "net:2", "--no-cache", "--downloads", "replay", kept, context)
    assert again == first
    assert server.asked == []
    assert "warning" not in err

    shown = home.wcow("inspect", "--format", "json", "net:1")[0]
    assert "44080" not in shown
    for layer in json.loads(shown)["layers"][1:]:
        assert layer["size"] < 2 * len(CONTENT)
    assert "nothing found" in home.wcow("lint", "net:1")[0]


def test_powershell_downloads_by_the_proxy_too(home: Home, server: Site) -> None:
    with programs.skipping():
        powershell = windows_programs.powershell()
    home.wcow("powershell", "install", "--root", str(home.folder / "engine"), "--from", str(powershell))
    text = (f"FROM {BASE}\nRUN powershell -Command $ProgressPreference='SilentlyContinue'; "
            f"Invoke-WebRequest -UseBasicParsing {URL}/latest -OutFile C:\\by-cmdlet.zip; "
            f"(New-Object Net.WebClient).DownloadFile('{URL}/a.txt', 'C:\\by-class.txt')\n")
    context, kept = home.context(text), str(home.folder / "of-powershell")
    server.asked.clear()
    first, _err = home.wcow("--config", str(home.folder / "wcow.toml"), "build", "-t", "ps:1", "--downloads", "record",
                            kept, context)
    assert server.asked == ["GET /latest", "GET /tool.zip", "GET /a.txt"]
    assert home.wcow("cat", "ps:1", "C:\\by-class.txt")[0] == "added"
    server.asked.clear()
    again, _err = home.wcow("build", "--no-cache", "--downloads", "replay", kept, context)
    assert again == first
    assert server.asked == []


def test_what_was_not_recorded_fails_and_is_named(home: Home, server: Site) -> None:
    kept = str(home.folder / "kept")
    text = f"FROM {BASE}\nRUN curl.exe -fsSL -o C:\\other.zip {URL}/other.zip\n"
    _out, err = home.wcow("build", "--downloads", "replay", kept, home.context(text), code=1)
    assert f"GET {URL}/other.zip is not among the downloads of {kept}" in err
    assert f"'wcow build --downloads record {kept}'" in err
    assert "RUN: the command ended with 22" in err


def test_a_replayed_command_reaches_nothing_else(home: Home, server: Site) -> None:
    text = f"FROM {BASE}\nRUN set HTTPS_PROXY=& set HTTP_PROXY=& curl.exe -sS {URL}/tool.zip & ipconfig\n"
    _out, err = home.wcow("build", "--downloads", "replay", str(home.folder / "kept"), home.context(text))
    assert "curl: (" in err
    assert "172." not in err


def test_a_command_from_the_cache_is_executed_again_to_be_recorded(home: Home, server: Site) -> None:
    context, config = home.context(DOCKERFILE), str(home.folder / "wcow.toml")
    server.asked.clear()
    for _unused in range(2):
        home.wcow("--config", config, "build", "--downloads", "record", str(home.folder / "new"), context)
    assert server.asked == ["GET /a.txt", "GET /latest", "GET /tool.zip", "GET /a.txt"]


def test_a_host_takes_no_downloads(home: Home) -> None:
    _out, err = home.wcow("build", "--run", "tcp://127.0.0.1:1", "--downloads", "record", str(home.folder / "x"),
                          home.context(f"FROM {BASE}\nRUN echo x\n"), code=2)
    assert "--downloads record does not go with --run tcp://127.0.0.1:1" in err


def test_a_folder_without_an_index_is_refused(home: Home, tmp_path: Path) -> None:
    _out, err = home.wcow("build", "--downloads", "replay", str(tmp_path), home.context(f"FROM {BASE}\n"), code=2)
    assert "it has no index.json" in err


def test_docker_build_follows_the_map_of_the_engine(home: Home, server: Site) -> None:
    with programs.skipping():
        docker = programs.find("docker")
    address = f"unix://{home.folder / 'engine.sock'}"
    home.wcow("copy", BASE, f"docker-daemon:{BASE}", "--docker-host", address)
    server.asked.clear()
    text = f"FROM {BASE}\nRUN curl.exe -fsS -o C:\\a.txt {URL}/a.txt\nRUN curl.exe -fsS {URL}/none\n"
    done = subprocess.run([docker, "build", "--no-cache", home.context(text)], capture_output=True, text=True,
                          env={**home.environment, "DOCKER_HOST": address, "DOCKER_BUILDKIT": "0"}, timeout=200)
    assert done.returncode == 22, done.stderr
    assert "returned a non-zero code: 22" in done.stderr
    assert server.asked == ["GET /a.txt", "GET /none"]


def test_an_ordinary_user_records_and_replays() -> None:
    authority = Authority("of the test")
    with opened(users.USER) as home, site({"/a.txt": b"added"}, authority=authority) as found:
        (home.folder / "ca.pem").write_bytes(authority.pem)
        home.environment["SSL_CERT_FILE"] = str(home.folder / "ca.pem")
        (home.folder / "wcow.toml").write_text(f'[download]\n"{URL}/" = "https://localhost:{found.port}/"\n')
        context = home.context(f"FROM {BASE}\nRUN --mount=type=secret,id=a curl.exe -fsS -o C:\\a.txt {URL}/a.txt "
                               "&& type C:\\run\\secrets\\a > C:\\size.txt\n")
        home.environment["SECRET"] = "twelve chars"
        words = ("build", "--no-cache", "-t", "mine:1", "--secret", "id=a,env=SECRET", "--downloads")
        first, _err = home.wcow("--config", str(home.folder / "wcow.toml"), *words, "record",
                                str(home.folder / "kept"), context)
        again, _err = home.wcow(*words, "replay", str(home.folder / "kept"), context)
        assert again == first
        assert found.asked == ["GET /a.txt"]
        assert home.wcow("cat", "mine:1", "C:\\size.txt")[0] == "twelve chars"  # what a command keeps is its own
