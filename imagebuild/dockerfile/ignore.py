# SPDX-License-Identifier: Apache-2.0
"""``.dockerignore`` as BuildKit reads and applies it.

Facts from ``moby/patternmatcher`` (``ignorefile.go``, ``patternmatcher.go``) and from the walk that uses them
(``tonistiigi/fsutil`` ``filter.go``): the last pattern that matches a path or a folder above it decides, ``!`` brings
back. Windows images are built with Docker on Windows, so both ``/`` and ``\\`` separate folders, as there:
``!obj\\Docker\\empty\\`` of Visual Studio's template brings that folder back. Docker on Linux takes a backslash for the
protection of the next character; where that could have been meant (``\\*``), a warning says so.

Where we differ on purpose: a class ``[…]`` means what ``filepath.Match`` says, as documented; moby hands it to its
regular expression, where ``[*]`` means something else. A bad pattern is refused when it is read, not when the first
path is compared with it. A pattern that begins with two slashes is the name of a share to Windows, and matches nothing
there; here they are one.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from ..errors import FormatError, quoted
from .patterns.globs import Anything, CharClass, Folders, Literal, Piece, Star, Token, matches, tokens
from .patterns.paths import PathPattern
from .text import bounds
from .text.text import SPACE
from .warning import Warning

_PROTECTED = re.compile(r"\\[*?\[\]!#]")
"""What a backslash protects for Docker on Linux."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of the file: ``text`` cleaned and without its ``!``; ``whole`` matches whole paths."""

    text: str
    brings_back: bool
    whole: PathPattern
    line: int

    def may_match_below(self, folder: str) -> bool:
        """Whether it could match something inside the folder; when in doubt, yes."""
        ours = self.text.split("/")
        for position, name in enumerate(folder.split("/")):
            if position == len(ours):
                return False
            if "**" in ours[position] or "[" in ours[position]:
                return True
            if not matches(tokens(ours[position]), name):
                return False
        return len(ours) > folder.count("/") + 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a path is left out, with what its children need to know: which patterns matched it or a folder above."""

    excluded: bool
    matched: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Ignore:
    """The patterns of a ``.dockerignore``, or of ``COPY --exclude``, in order."""

    patterns: tuple[Pattern, ...] = ()
    warnings: tuple[Warning, ...] = ()

    @classmethod
    def parse(cls, data: bytes, *, name: str = ".dockerignore") -> Ignore:
        """Read the file. ``FormatError`` names the line of a pattern that cannot be one."""
        try:
            lines = data.removeprefix(b"\xef\xbb\xbf").decode().split("\n")
        except UnicodeDecodeError as error:
            raise FormatError(f"{name} is not UTF-8", offset=error.start, source=name) from None
        bounds.check(len(data), bounds.FILE, f"{name} has too many bytes")
        patterns: list[Pattern] = []
        warnings: list[Warning] = []
        for number, line in enumerate(lines, 1):
            if line.startswith("#"):
                continue
            raw = text = line.strip(SPACE)
            invert = text.startswith("!")
            text = text[invert:].strip(SPACE)
            if text:
                text = _clean(text)
                text = text[1:] if len(text) > 1 and text.startswith("/") else text
            elif not invert:
                continue
            if _PROTECTED.search(raw):
                warnings.append(Warning("lost-backslash", f"a backslash in {raw.strip(SPACE)} separates folders, as "
                                        "for Docker on Windows: it does not protect the next character", number))
            patterns.append(_pattern(("!" if invert else "") + text, number, name))
            bounds.check(len(patterns), bounds.PATTERNS, f"{name} has too many patterns")
        return cls(tuple(patterns), tuple(warnings))

    @classmethod
    def of(cls, patterns: tuple[str, ...]) -> Ignore:
        """From patterns that come one by one (``--exclude``). Unlike in a file, a leading ``/`` stays."""
        return cls(tuple(_pattern(_clean(text.strip(SPACE)), 0, "--exclude") for text in patterns if text.strip(SPACE)))

    def verdict(self, path: str, parent: Verdict | None = None) -> Verdict:
        """About one path (``a/b``, relative, no slash at its ends), given the verdict about its folder.

        A walk hands each folder's verdict to the folder's children. A path at the top has no parent.
        """
        excluded = False
        matched: list[bool] = []
        for index, pattern in enumerate(self.patterns):
            hit = parent is not None and parent.matched[index]
            if not hit and pattern.brings_back is excluded:
                hit = pattern.whole.matches(path)
            matched.append(hit)
            if hit:
                excluded = not pattern.brings_back
        return Verdict(excluded, tuple(matched))

    def excludes(self, path: str) -> bool:
        """Whether the path is left out; asks about every folder above it first."""
        return self._walk(path).excluded

    def may_contain_included(self, folder: str) -> bool:
        """Whether a walk must look into this folder: it is not excluded, or a ``!`` could bring something back."""
        verdict = self._walk(folder)
        return not verdict.excluded or any(
            pattern.brings_back and pattern.may_match_below(folder) for pattern in self.patterns)

    def _walk(self, path: str) -> Verdict:
        verdict: Verdict | None = None
        parts = [part for part in path.split("/") if part not in ("", ".")]
        for count in range(1, len(parts) + 1):
            verdict = self.verdict("/".join(parts[:count]), verdict)
        return verdict or Verdict(False, (False,) * len(self.patterns))


def ignore_names(dockerfile: str) -> tuple[str, str]:
    """The names to look for, best first: ``app.Dockerfile.dockerignore`` by the Dockerfile, the context's own."""
    return f"{dockerfile}.dockerignore", ".dockerignore"


def _clean(text: str) -> str:
    cleaned = posixpath.normpath(text.replace("\\", "/"))
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _pattern(text: str, line: int, name: str) -> Pattern:
    text = _clean(text.strip(SPACE))
    brings_back = text.startswith("!")
    text = text[brings_back:]
    if not text:
        raise FormatError("a ! that brings nothing back", source=f"{name}:{line}" if line else name,
                          hint="write the pattern right after the !")
    try:
        return Pattern(text, brings_back, PathPattern(_pieces(tokens(text), text)), line)
    except FormatError as error:
        raise FormatError(error.what, why=error.why, source=f"{name}:{line}" if line else name) from None


def _pieces(parts: tuple[Token, ...], pattern: str) -> tuple[Piece, ...]:
    """What a pattern means for whole paths; ``**`` crosses folders, and ``**/`` may be nothing."""
    out: list[Piece] = []
    at = 0
    while at < len(parts):
        part = parts[at]
        if isinstance(part, Star) and at + 1 < len(parts) and isinstance(parts[at + 1], Star):
            at += 2
            if at < len(parts) and parts[at] == Literal("/"):
                at += 1
            plain = at == 2 and all(isinstance(rest, Literal) and not rest.protected for rest in parts[at:])
            if at == len(parts) or plain:
                out.append(Anything())  # at the end, or **name: any path that ends so, also in the middle of a name
            elif out[-1:] != [Folders()]:
                out.append(Folders())
            continue
        at += 1
        if isinstance(part, CharClass) and any(low > high for low, high in part.ranges):
            raise FormatError(f"{quoted(pattern)} is not a pattern", why="a range in [ ] runs backwards")
        out.append(part)
    return tuple(out)
