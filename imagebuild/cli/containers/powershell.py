# SPDX-License-Identifier: Apache-2.0
"""``wcow powershell``: PowerShell for the containers of the embedded engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from ...engine import engine_place
from ...errors import NotFoundError, UsageError, WcowError
from ...events import Advance, Finish, Step
from ...programs import POWERSHELL, Installed, ProgramStore, WindowsPowerShell, fetch_powershell, newest_powershell
from ...programs.powershell import NEWEST, RELEASES
from ...wiring import fetcher
from ..lazy import Commands
from ..options import FILE_NAME, format_option, progress_option, settings_from
from ..output import fields, print_json
from ..render import Renderer, choose, human

MISSING = "install it: wcow powershell install"


@click.group(cls=Commands)
def powershell() -> None:
    """PowerShell for the engine's containers. The official PowerShell 7 for Windows is downloaded at your wish, and
    stands where Windows has powershell.exe, in images whose base has it."""


def _root_option(function: Any) -> Any:
    return click.option("--root", type=click.Path(file_okay=False), metavar="DIR",
                        help="The engine's folder. Also WCOW_ENGINE_ROOT.")(function)


@powershell.command()
@click.option("--version", metavar="7.X.Y", help="Which one; default: the newest stable release.")
@click.option("--from", "source", type=FILE_NAME, metavar="ZIP|FOLDER|URL",
              help="Take this archive or folder (Windows, x64).")
@click.option("--checksum", metavar="sha256:HEX", help="What the archive of --from must be.")
@click.option("--releases", metavar="URL", default=RELEASES, envvar="WCOW_POWERSHELL_RELEASES",
              help="Where releases lie, for a mirror: vVERSION/PowerShell-VERSION-win-x64.zip, hashes.sha256.")
@click.option("--newest", metavar="URL", default=NEWEST, envvar="WCOW_POWERSHELL_NEWEST",
              help="What names the newest release, for a mirror.")
@click.option("--prepare/--no-prepare", default=True, show_default=True,
              help="Make powershell.exe now, or when a container first needs it (some ten seconds).")
@_root_option
@progress_option
@format_option
@click.pass_context
def install(ctx: click.Context, /, version: str | None, source: str | None, checksum: str | None, releases: str,
            newest: str, prepare: bool, root: str | None, progress: Any, as_json: bool) -> None:
    """Install PowerShell, or another version of it. Containers that start from now on have it.

    \b
    Examples:
      wcow powershell install
      wcow powershell install --version 7.6.9
      wcow powershell install --from PowerShell-7.6.9-win-x64.zip
    """
    if source and version:
        raise UsageError("--from and --version exclude each other", why="an archive has a version of its own")
    if checksum and not source:
        raise UsageError("--checksum goes with --from", why="for a release the published digest is checked")
    store = _store(root)
    renderer = choose(progress)
    try:
        with ExitStack() as stack:
            def progress_bar(name: str, text: str) -> Callable[[int, int | None], None]:
                renderer.show(Step(name, text))
                return lambda done, total: renderer.show(Advance(name, done))

            found = _install(ctx, store, stack, progress_bar, renderer, version, source, checksum, releases, newest)
        if prepare:
            _make_layer(store, renderer)
    finally:
        renderer.close()
    if as_json:
        print_json(_facts(found))
    else:
        click.echo(f"PowerShell {found.version}")


def _install(ctx: click.Context, store: ProgramStore, stack: ExitStack,
             progress_bar: Callable[[str, str], Callable[[int, int | None], None]], renderer: Renderer,
             version: str | None, source: str | None, checksum: str | None, releases: str, newest: str) -> Installed:
    """Bring the archive here, and keep it."""
    origin = ""
    if source and "://" not in source:
        place, origin = Path(source).expanduser(), str(Path(source).expanduser().absolute())
        if not place.exists():
            raise NotFoundError(f"there is no {source}", hint="--from takes an archive, a folder or a URL")
    else:
        fetch = fetcher(settings_from(ctx))
        if source:
            download = stack.enter_context(fetch.url(source, checksum=checksum,
                                                     progress=progress_bar("fetch", f"downloading {source}")))
        else:
            version = version or newest_powershell(fetch, newest)
            download = stack.enter_context(fetch_powershell(
                fetch, version, releases=releases, progress=progress_bar("fetch", f"downloading PowerShell {version}")))
        renderer.show(Finish("fetch"))
        place, origin, checksum = download.path, download.url, download.digest
    done = progress_bar("unpack", "unpacking")
    found = store.install(POWERSHELL, place, checksum=checksum or "", origin=origin, progress=done)
    renderer.show(Finish("unpack"))
    return found


def _make_layer(store: ProgramStore, renderer: Renderer) -> None:
    """Make powershell.exe now, where Wine is there; elsewhere the engine does when it first needs it."""
    from ...runtime import WineSandbox  # loads on Linux only

    home = store.root.parent / "sandbox"
    sandbox = WineSandbox(home)
    try:
        if not sandbox.facts().missing:
            renderer.show(Step("layer", "making powershell.exe"))
            WindowsPowerShell(store, sandbox, home).layer()
            renderer.show(Finish("layer"))
    except WcowError:
        store.remove(POWERSHELL)
        raise
    finally:
        store.close()
        sandbox.close()


@powershell.command()
@_root_option
@format_option
def status(root: str | None, as_json: bool) -> int:
    """Say which PowerShell is installed. Exit code 1: none is."""
    store = _store(root)
    found = store.installed(POWERSHELL)
    if as_json:
        print_json({"installed": found is not None, **(_facts(found) if found else {})})
    elif found:
        click.echo("\n".join(fields((("version", found.version), ("from", found.source), ("digest", found.digest),
                                     ("size", human(found.size)), ("folder", str(found.folder))))))
    else:
        click.echo(f"PowerShell is not installed; {MISSING}")
    return 0 if found else 1


@powershell.command()
@_root_option
def remove(root: str | None) -> None:
    """Remove PowerShell. Containers that run keep it until they end."""
    found = _store(root).remove(POWERSHELL)
    click.echo(f"PowerShell {found.version} is removed".replace("  ", " "))


def _store(root: str | None) -> ProgramStore:
    return ProgramStore(engine_place(root).root / "programs")


def _facts(found: Installed) -> dict[str, Any]:
    return {"version": found.version, "source": found.source, "digest": found.digest, "size": found.size,
            "folder": str(found.folder), "installedAt": found.installed}
