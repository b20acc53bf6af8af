# SPDX-License-Identifier: Apache-2.0
"""``wcow host docker-cli`` and ``docker-zip``: Docker's programs for hosts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from ...errors import NotFoundError, UsageError
from ...events import Advance, Finish, Step
from ...files import scratch
from ...hostd import record
from ...hostd.docker import files as docker_files
from ...programs import DOCKER_CLI, Installed, fetch_docker, newest_docker
from ...programs.docker import RELEASES
from ...wiring import fetcher
from ..lazy import Commands
from ..options import FILE_NAME, format_option, progress_option, settings_from
from ..output import fields, print_json
from ..render import Renderer, choose, human

MISSING = "install it: wcow host docker-cli install"


@click.group("docker-cli", cls=Commands)
def docker_cli() -> None:
    """Docker's command line for Windows on hosts. The official docker.exe is downloaded at your wish."""


@docker_cli.command()
@click.option("--version", metavar="X.Y.Z", help="Which one; default: the newest.")
@click.option("--from", "source", type=FILE_NAME, metavar="ZIP|EXE|URL",
              help="Take this archive, folder or program (Windows, x64).")
@click.option("--checksum", metavar="sha256:HEX", help="What the archive or program of --from must be.")
@click.option("--releases", metavar="URL", default=RELEASES, envvar="WCOW_DOCKER_CLI_RELEASES",
              help="Where releases lie, for a mirror: a page of links, docker-VERSION.zip.")
@progress_option
@format_option
@click.pass_context
def install(ctx: click.Context, /, version: str | None, source: str | None, checksum: str | None, releases: str,
            progress: Any, as_json: bool) -> None:
    """Install docker.exe, or another version of it: on the hosts that there are, and on all that are made later.

    \b
    Examples:
      wcow host docker-cli install
      wcow host docker-cli install --from docker-28.4.0.zip
    """
    if source and version:
        raise UsageError("--from and --version exclude each other", why="an archive has a version of its own")
    if checksum and not source:
        raise UsageError("--checksum goes with --from", why="no digests are published with Docker's releases")
    renderer = choose(progress)
    try:
        with ExitStack() as stack:
            found = _install(ctx, stack, renderer, version, source, checksum, releases)
    finally:
        renderer.close()
    for place in record.all_places():
        if place.drive.is_dir():
            docker_files.lay_client(place, found)
    if as_json:
        print_json(_facts(found))
    else:
        click.echo(f"docker.exe {found.version}")


def _install(ctx: click.Context, stack: ExitStack, renderer: Renderer, version: str | None, source: str | None,
             checksum: str | None, releases: str) -> Installed:
    def show(name: str, text: str) -> Callable[[int, int | None], None]:
        renderer.show(Step(name, text))
        return lambda done, total: renderer.show(Advance(name, done))

    if source and "://" not in source:
        place = Path(source).expanduser()
        origin = str(place.absolute())
        if not place.exists():
            raise NotFoundError(f"there is no {source}", hint="--from takes an archive, a folder, docker.exe or a URL")
    else:
        fetch = fetcher(settings_from(ctx))
        if source:
            download = stack.enter_context(fetch.url(source, checksum=checksum,
                                                     progress=show("fetch", f"downloading {source}")))
        else:
            version = version or newest_docker(fetch, releases)
            download = stack.enter_context(fetch_docker(fetch, version, releases=releases,
                                                        progress=show("fetch", f"downloading Docker {version}")))
        renderer.show(Finish("fetch"))
        place, origin, checksum = download.path, download.url, download.digest
    if place.is_file() and _is_program(place):
        digest = docker_files.digest_of(place, checksum)
        folder = stack.enter_context(scratch("wcow-docker-cli-"))
        shutil.copyfile(place, Path(folder, "docker.exe"))
        place, origin, checksum = Path(folder), f"{origin} ({digest})", None
    found = docker_files.program_store().install(DOCKER_CLI, place, checksum=checksum or "", origin=origin,
                                                 progress=show("unpack", "unpacking"))
    renderer.show(Finish("unpack"))
    return found


def _is_program(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"MZ"


@docker_cli.command()
@format_option
def status(as_json: bool) -> int:
    """Say which docker.exe is installed. Exit code 1: none is."""
    found = docker_files.program_store().installed(DOCKER_CLI)
    if as_json:
        print_json({"installed": found is not None, **(_facts(found) if found else {})})
    elif found:
        click.echo("\n".join(fields((("version", found.version), ("from", found.source), ("digest", found.digest),
                                     ("size", human(found.size))))))
    else:
        click.echo(f"docker.exe is not installed; {MISSING}")
    return 0 if found else 1


@docker_cli.command()
def remove() -> None:
    """Remove docker.exe. Hosts that have it keep it."""
    found = docker_files.program_store().remove(DOCKER_CLI)
    click.echo(f"docker.exe {found.version} is removed")


@click.command("docker-zip")
@click.argument("version")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def docker_zip(version: str, file: Path) -> None:
    """Write a zip as Docker's static archives are, with a dockerd.exe for hosts that says this VERSION, and docker.exe
    where one is installed: for tests of programs that install, upgrade or remove Docker.

    \b
    Example:
      wcow host docker-zip 24.0.7 docker-24.0.7.zip
    """
    docker_files.write_zip(version, file)
    click.echo(str(file))


def _facts(found: Installed) -> dict[str, Any]:
    return {"version": found.version, "source": found.source, "digest": found.digest, "size": found.size,
            "installedAt": found.installed}
