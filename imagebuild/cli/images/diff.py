# SPDX-License-Identifier: Apache-2.0
"""``wcow diff``: what two images (or two layers) do not have in common."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import click

from ...errors import UsageError
from ...images.compare.compare import Options, compare, side_of
from ...images.compare.difference import Difference
from ...images.page.findings import lint_for_page
from ...images.page.page import make_page
from ...wiring import index_cache, open_library
from ..files import write_whole
from ..options import ImageName, platform_options, progress_option, registry_options, settings_from, wanted_platform
from ..render import Style, follow
from .diff_text import Acl, difference_text


@click.command(short_help="Compare two images, or two layers.")
@click.argument("first", metavar="A", type=ImageName())
@click.argument("second", metavar="[B]", type=ImageName(), required=False)
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True,
              help="Text for people, JSON for programs, or one HTML page to browse.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write to FILE instead of standard output.")
@click.option("--layer", metavar="N[:M]",
              help="Compare only layer N of A with layer N (or M) of B, 0 being the lowest, as their tars have them.")
@click.option("--path", metavar="GLOB", default="",
              help="Compare only files that match, and what is below them: *, ?, [...] within a name, ** for folders.")
@click.option("--times", is_flag=True, help="Let times count, too.")
@click.option("--acl", type=click.Choice(["sddl", "words"]), default="words", show_default=True,
              help="How to show the entries of ACLs that came and went.")
@click.option("--lint/--no-lint", default=True, show_default=True,
              help="Whether an HTML page has what the linter says of the newer image, which reads all its layers.")
@platform_options
@registry_options
@progress_option
@click.pass_context
def diff(ctx: click.Context, /, first: str, second: str | None, form: Literal["text", "json", "html"],
         output: Path | None, layer: str | None, path: str, times: bool, acl: Acl, lint: bool,
         platform: str | None, os_version: str | None, progress: Style, **options: Any) -> int:
    """Compare image A with image B: files, links, ACLs, attributes, the registry, config, history, layers.

    Images are equal when a container of either sees and does the same: how files are cut into layers and compressed
    does not count, and times only with --times. With --format html and no B, the page shows A alone.

    Exit code: 0 equal, 1 different, 2 bad usage or input, 3 a registry or store failed.

    \b
    Examples:
      wcow diff app:1 app:2
      wcow diff --path '/app/**/*.dll' --acl sddl app:1 docker://registry.example/app:2
      wcow diff --layer 0:1 app:1 app:1
      wcow diff --format html -o app.html app:1 app:2
      wcow diff --format html -o app.html app:1
    """
    if second is None and form != "html":
        raise UsageError("diff compares two images", why=f"only {first} was given",
                         hint=f"wcow diff {first} OTHER; or look at one: wcow diff --format html -o page.html {first}")
    numbers = _layers(layer)
    settings = settings_from(ctx, **options)
    with open_library(settings) as library:
        cache, wanted = index_cache(settings), wanted_platform(platform, os_version)
        before = None
        if second is not None:
            before = side_of(library.find(first, wanted), cache, layer=numbers[0])
        after = side_of(library.find(second or first, wanted), cache, layer=numbers[1])
        found: Difference = follow(compare(before, after, Options(times=times, path=path)), progress)
        if form == "html":
            if output is None and sys.stdout.isatty():
                raise UsageError("a page is not for a terminal", hint="-o FILE writes it where a browser can open it")
            findings = follow(lint_for_page(after), progress) if lint and not path else None
            pieces: Iterable[str] = follow(make_page(found, before, after, findings=findings, path=path), progress)
        elif form == "json":
            pieces = [json.dumps(found.facts(), indent=2), "\n"]
        else:
            colour = output is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
            pieces = (f"{line}\n" for line in difference_text(found, acl=acl, colour=colour))
        write_whole(output, (piece.encode("utf-8") for piece in pieces))
    return 1 if before is not None and not found.equal else 0


def _layers(text: str | None) -> tuple[int | None, int | None]:
    """``2`` or ``1:2`` as two numbers."""
    if text is None:
        return None, None
    found = re.fullmatch(r"(\d{1,4})(?::(\d{1,4}))?", text)
    if found is None:
        raise UsageError(f"--layer {text} is no layer", why="wanted a number, or two as N:M", hint="--layer 1")
    return int(found[1]), int(found[2] or found[1])
