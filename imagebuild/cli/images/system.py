# SPDX-License-Identifier: Apache-2.0
"""``wcow system``: what the local store and the caches take, and freeing what nobody needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from ...builder.cache.cache import read_record
from ...errors import UsageError, quoted
from ...images.housekeeping import Caches, Pruned, prune, usage
from ...oci import Reference
from ...wiring import Settings, Stores, cache_folders
from ..lazy import Commands
from ..options import format_option, settings_from, store_option
from ..output import print_json, table
from ..render import human

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_CACHES = {"indexes": "Indexes of layers", "steps": "Records of build steps", "stat": "Digests of context files",
           "drafts": "Half-written cache files"}


@click.group(cls=Commands)
def system() -> None:
    """Show what images and caches take, and free what nobody needs."""


@system.command()
@click.option("-v", "--verbose", is_flag=True, help="One line for each name: what it shares and what is its own.")
@store_option
@format_option
@click.pass_context
def df(ctx: click.Context, /, verbose: bool, as_json: bool, **options: Any) -> None:
    """Show what the local store and the caches take, and what 'wcow system prune' would free.

    \b
    Examples:
      wcow system df
      wcow system df -v
    """
    settings = settings_from(ctx, **options)
    with Stores(settings).local() as store:
        facts = usage(store, _caches(settings))
    if as_json:
        print_json(facts)
        return
    if facts["problem"]:
        click.echo(f"warning: {facts['problem']}", err=True)
    if verbose and facts["images"]:
        rows = [(Reference.parse(image["name"]).familiar, human(image["shared"]), human(image["unique"]),
                 image["digest"][:19]) for image in facts["images"]]
        click.echo("\n".join([*table(("NAME", "SHARED", "UNIQUE", "DIGEST"), rows, right=(1, 2), shrink=0), ""]))
    click.echo("\n".join(table(("WHAT", "COUNT", "SIZE", "FREED BY"), _rows(facts), right=(1, 2))))


@system.command(name="prune")
@click.option("--all", "everything", is_flag=True, help="The layers that builds would find again, too, and all caches.")
@click.option("--older-than", metavar="AGE", default="0s", callback=lambda ctx, parameter, value: _age(value),
              help="Only what was not written or used for so long: 90m, 12h, 7d, 2w.")
@click.option("--dry-run", "-n", is_flag=True, help="Say what would go, and free nothing.")
@click.option("--drafts-in", "archives_in", multiple=True, metavar="DIR", type=click.Path(file_okay=False, exists=True),
              help="Sweep half-written archives (.NAME.…) of killed processes in this folder, too.")
@store_option
@format_option
@click.pass_context
def prune_verb(ctx: click.Context, /, everything: bool, older_than: float, dry_run: bool, archives_in: tuple[str, ...],
               as_json: bool, **options: Any) -> None:
    """Free what no name leads to and nobody is using: layers, manifests, caches, what killed processes left.

    Images that have a name are never touched, nor what a build or copy that is running relies on. Layers that a build
    would find again are its cache: they go with --all.

    \b
    Examples:
      wcow system prune
      wcow system prune --all --older-than 7d
      wcow system prune --dry-run --format json
    """
    settings = settings_from(ctx, **options)
    with Stores(settings).local() as store:
        pruned = prune(store, _caches(settings), everything=everything, older_than=older_than, dry_run=dry_run,
                       archives_in=[Path(folder) for folder in archives_in])
    if as_json:
        print_json({**pruned.facts(), "dry_run": dry_run})
    else:
        click.echo("\n".join(_told(pruned, dry_run)))


def _caches(settings: Settings) -> Caches:
    folders = cache_folders(settings)
    return Caches(folders.indexes, folders.steps, folders.root / "stat", read_record)


def _rows(facts: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    layers, caches = facts["layers"], facts["caches"]
    rows = [
        ("Layers of one image", layers["unique"], "rm"), ("Layers that images share", layers["shared"], "rm"),
        ("Manifests and configs", facts["documents"], "rm"),
        ("Layers of build steps", facts["build_cache"], "prune --all"),
        ("In use by running processes", facts["in_use"], ""), ("Nobody's", facts["unreferenced"], "prune"),
        ("Half-written", facts["drafts"], "prune"), (_CACHES["indexes"], caches["indexes"], "prune --all"),
        (_CACHES["steps"], caches["steps"], "prune --all"), (_CACHES["stat"], caches["stat"], "prune --all"),
    ]
    out = [("Names", str(facts["names"]), "", "rm")]
    out += [(what, str(total["count"]), human(total["size"]), how if total["count"] else "")
            for what, total, how in rows if total["count"] or how not in ("", "prune")]
    if layers["promised"]:
        out.append(("Layers that are only promised", str(layers["promised"]), "", ""))
    return out


def _told(pruned: Pruned, dry_run: bool) -> list[str]:
    freed = pruned.freed
    rows = [("Layers, manifests and configs", len(freed.blobs), sum(blob.size for blob in freed.blobs)),
            ("Half-written", len(freed.drafts), sum(size for _unused, size in freed.drafts)),
            ("Half-written archives", len(pruned.archives), sum(file.size for file in pruned.archives)),
            *((_CACHES[name], len(files), sum(file.size for file in files)) for name, files in pruned.caches.items())]
    lines = [f"{what}: {count}, {human(size)}" for what, count, size in rows if count]
    return [*lines, ("would free " if dry_run else "freed ") + human(pruned.size)]


def _age(text: str) -> float:
    found = re.fullmatch(r"(\d{1,9})([smhdw])", text)
    if found is None:
        raise UsageError(f"{quoted(text)} is not an age", why="wanted a number and s, m, h, d or w",
                         hint="--older-than 7d")
    return float(found[1]) * _UNITS[found[2]]
