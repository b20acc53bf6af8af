# SPDX-License-Identifier: Apache-2.0
"""What the text of a COPY's source leads to in a context: paths, wildcards, and what to say when nothing is there."""

from __future__ import annotations

from collections.abc import Iterator

from ...dockerfile.ignore import Ignore, Verdict
from ...dockerfile.patterns.globs import match
from ...errors import ContextError, FormatError
from ...windows.upcase import fold
from .context import Context
from .tree import Item, Sort, shown


def expand_sources(context: Context, pattern: str) -> tuple[str, ...]:
    """The paths a source means before anything below them is looked at: what its wildcards match, or itself."""
    return tuple(matches(context, normal(pattern, pattern)))


def normal(text: str, source: str) -> str:
    """A source as a path in the context: ``\\`` is a separator as everywhere in a Windows Dockerfile, ``C:`` goes."""
    text = text.replace("\\", "/")
    text = text[2:] if text[1:2] == ":" else text
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            if not parts:
                raise ContextError(f"cannot copy {shown(source)}", path=source, why="it leads out of the build context",
                                   hint="use a context that holds it, or --build-context NAME=DIR and COPY --from=NAME")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def has_wildcard(name: str) -> bool:
    """Whether a path component is a pattern."""
    return any(char in name for char in "*?[")


def tops(context: Context, base: str, wanted: Ignore) -> Iterator[Item]:
    """The items below ``base`` that a pattern matches and no folder above them does."""
    todo = list(reversed(context.children(base)))
    while todo:
        item = todo.pop()
        inside = item.path[len(base) :].lstrip("/")
        if wanted.verdict(inside).excluded:
            yield item
        elif item.sort is Sort.DIRECTORY and wanted.patterns[0].may_match_below(inside):
            todo.extend(reversed(context.children(item.path)))


def matches(context: Context, path: str) -> list[str]:
    """The paths that a source with wildcards matches, sorted; a source without is itself."""
    parts = path.split("/")
    first = next((index for index, part in enumerate(parts) if has_wildcard(part)), None)
    if first is None:
        return [path]
    item, real, _unused = context.resolve("/".join(parts[:first]))
    if item is None:
        raise missing(context, path, real)
    found = [real] if item.sort is Sort.DIRECTORY else []
    for index, part in enumerate(parts[first:], first):
        below = []
        for folder in found:
            for child in context.children(folder):
                try:
                    fits = match(part, child.name)
                except FormatError as error:
                    raise ContextError(f"cannot copy {shown(path)}", path=path, why=error.why or error.what) from error
                if fits and (index == len(parts) - 1 or child.sort is Sort.DIRECTORY):
                    below.append(child.path)
        found = below
    return found


def patterns_of(texts: tuple[str, ...], asked: str) -> Ignore:
    """Patterns with any separator as a matcher; ``asked`` is what the user wrote."""
    try:
        return Ignore.of(tuple(text.replace("\\", "/") for text in texts))
    except FormatError as error:
        raise ContextError(f"cannot use {shown(asked)}", why=error.why or error.what) from error


def verdict_of(ignore: Ignore, path: str) -> Verdict:
    """About a path, after every folder above it."""
    verdict: Verdict | None = None
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        verdict = ignore.verdict("/".join(parts[:count]), verdict)
    assert verdict is not None
    return verdict


def missing(context: Context, source: str, real: str) -> ContextError:
    """The error for a name that is not there, with the reason a person would look for next."""
    why, hint = f"there is no {shown(real)} in the build context {context.name}", ""
    whole = Context(context.tree)
    if context.ignore.patterns and whole.get(real) is not None:
        why = f"{shown(real)} is left out by .dockerignore"
        hint = "remove the pattern, or bring it back with a line that begins with !"
    else:
        at = ""
        for name in real.split("/"):
            near = next((item for item in whole.children(at) if fold(item.name) == fold(name)), None)
            if near is None:
                break
            if near.name != name:
                hint = f"there is {shown(near.path)}: on this machine names are compared with case"
            if near.sort is not Sort.DIRECTORY:
                break
            at = near.path
        else:
            at = real
    return ContextError(f"cannot copy {shown(source)}", path=real, why=why, hint=hint)
