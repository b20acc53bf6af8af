# SPDX-License-Identifier: Apache-2.0
"""What Visual Studio's templates write: those without RUN build as they are, the others get to their first RUN."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.home import Home

FRAMEWORK_IGNORE = "*\n!obj\\Docker\\publish\\*\n!obj\\Docker\\empty\\\n"
CORE_IGNORE = ("**/.classpath\n**/.dockerignore\n**/.env\n**/.git\n**/.gitignore\n**/.project\n**/.settings\n"
               "**/.toolstarget\n**/.vs\n**/.vscode\n**/*.*proj.user\n**/*.dbmdl\n**/*.jfm\n**/azds.yaml\n**/bin\n"
               "**/charts\n**/docker-compose*\n**/Dockerfile*\n**/node_modules\n**/npm-debug.log\n**/obj\n"
               "**/secrets.dev.yaml\n**/values.dev.yaml\nLICENSE\nREADME.md\n")
ASPNET = "mcr.microsoft.com/dotnet/framework/aspnet:4.8-windowsservercore-ltsc2019"
RUNTIME = "mcr.microsoft.com/dotnet/framework/runtime:4.8-windowsservercore-ltsc2019"
CORE, SDK = "mcr.microsoft.com/dotnet/aspnet:8.0-nanoserver-1809", "mcr.microsoft.com/dotnet/sdk:8.0-nanoserver-1809"


def project(home: Home, folder: Path, dockerfile: str, ignore: str, *bases: str) -> Path:
    for name in bases:
        like = "servercore" if "servercore" in name else "nanoserver"
        home.wcow("base", "create", "-q", "--like", like, "--os-version", "10.0.17763.1", "-t", name)
    for name in ("obj/Docker/publish/bin/App.dll", "obj/Docker/publish/Web.config", "obj/Docker/empty/x", "obj/other",
                 "Program.cs", "App/App.csproj"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / ".dockerignore").write_text(ignore)
    return folder


@pytest.mark.parametrize(("dockerfile", "base", "place"), [
    (f"FROM {ASPNET}\r\nARG source\r\nWORKDIR /inetpub/wwwroot\r\nCOPY ${{source:-obj/Docker/publish}} .\r\n", ASPNET,
     "/inetpub/wwwroot"),
    (f"FROM {RUNTIME}\r\nARG source\r\nWORKDIR /app\r\nCOPY ${{source:-obj/Docker/publish}} .\r\n"
     'ENTRYPOINT ["C:\\\\app\\\\App.exe"]\r\n', RUNTIME, "/app")])
def test_a_template_of_net_framework_builds_as_it_is(home: Home, tmp_path: Path, dockerfile: str, base: str,
                                                     place: str) -> None:
    folder = project(home, tmp_path / "c", dockerfile, FRAMEWORK_IGNORE.replace("\n", "\r\n"), base)
    assert "warning" not in home.wcow("build", "-q", "-t", "app:1", folder).err
    assert home.wcow("cat", "app:1", f"{place}/bin/App.dll").out == "obj/Docker/publish/bin/App.dll"
    # What Visual Studio does for a debug build: no file is copied, the folder is mounted.
    home.wcow("build", "-q", "-t", "debug:1", "--build-arg", "source=obj/Docker/empty/", folder)
    assert home.wcow("cat", "debug:1", f"{place}/x").out == "obj/Docker/empty/x"
    home.wcow("build", "-q", "--build-arg", "source=obj/other", folder, code=2)


def test_a_template_of_net_gets_as_far_as_its_first_run(home: Home, tmp_path: Path) -> None:
    dockerfile = (f"FROM {CORE} AS base\nWORKDIR /app\nEXPOSE 8080\n\nFROM {SDK} AS build\n"
                  "ARG BUILD_CONFIGURATION=Release\n"
                  'WORKDIR /src\nCOPY ["App/App.csproj", "App/"]\nRUN dotnet restore "./App/App.csproj"\nCOPY . .\n'
                  'FROM build AS publish\nRUN dotnet publish\n\nFROM base AS final\nWORKDIR /app\n'
                  'COPY --from=publish /app/publish .\nENTRYPOINT ["dotnet", "App.dll"]\n')
    folder = project(home, tmp_path / "c", dockerfile, CORE_IGNORE, CORE, SDK)
    said = home.wcow("plan", "--run", "none", folder).out
    assert said.splitlines()[-1].startswith("2 RUN cannot be executed")
    assert "Dockerfile:9: RUN: cannot be executed" in home.wcow("build", "--run", "none", folder, code=2).err
