# SPDX-License-Identifier: Apache-2.0
"""The download map: where downloads really come from on a machine that cannot reach, or does not trust, the origin.

In ``wcow.toml``, or under ``[tool.wcow.download]`` in ``pyproject.toml``::

    [download]
    "https://github.com/" = "https://mirror.example/github/"
    "https://aka.ms/vs/" = "downloads/vs"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import FetchError, FormatError, InputError, quoted
from .redact import redact


@dataclass(frozen=True, slots=True)
class DownloadMap:
    """URL prefixes and what stands in for them: another prefix, or a folder (``Path``). The longest prefix wins."""

    rules: tuple[tuple[str, str | Path], ...] = ()

    @classmethod
    def parse(cls, table: Mapping[str, object], base: Path | str = ".") -> DownloadMap:
        """A map from a table of strings. A value with ``http://`` or ``https://`` is a prefix, any other a folder,
        relative to ``base``. Raises InputError for an entry that is neither."""
        rules: list[tuple[str, str | Path]] = []
        for prefix, target in table.items():
            if not prefix.lower().startswith(("http://", "https://")) or not urlsplit(prefix).netloc:
                raise InputError(f"cannot use the download map entry {quoted(redact(prefix))}",
                                 why="the left side is not the beginning of an http or https URL")
            if not isinstance(target, str) or not target:
                raise InputError(f"cannot use the download map entry {quoted(redact(prefix))}",
                                 why="the right side is not a URL or a folder in quotes")
            if "://" in target:
                if not target.lower().startswith(("http://", "https://")):
                    raise InputError(f"cannot use the download map entry {quoted(redact(prefix))}",
                                     why=f"{redact(target)} is neither an http or https URL nor a folder")
                rules.append((_canonical(prefix), target))
            else:
                rules.append((_canonical(prefix), Path(base, target)))
        return cls(tuple(sorted(rules, key=lambda rule: (-len(rule[0]), rule[0]))))

    @classmethod
    def load(cls, path: Path) -> DownloadMap:
        """The map in a ``wcow.toml`` (``[download]``) or a ``pyproject.toml`` (``[tool.wcow.download]``); empty without
        such a table. Folders are relative to the file."""
        import tomllib

        try:
            data = tomllib.loads(path.read_bytes().decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise FormatError(f"cannot read {path}", source=str(path), why=str(error)) from error
        except OSError as error:
            raise InputError(f"cannot read {path}", why=error.strerror or str(error)) from error
        table: object = data
        for name in ("tool", "wcow", "download") if path.name == "pyproject.toml" else ("download",):
            table = table.get(name, {}) if isinstance(table, dict) else {}
        if not isinstance(table, dict):
            raise InputError(f"cannot read {path}", why="'download' is not a table")
        return cls.parse(table, path.parent)

    def resolve(self, url: str) -> str | Path:
        """Where a URL's content is: a URL (the same one if no rule speaks of it), or a file in a mapped folder.

        Raises FetchError for a name that would leave the folder, by ``..`` or through a symlink. Whether the file
        exists is for the reader to find out: a mapped folder never falls back to the network.
        """
        plain = _canonical(url)
        for prefix, target in self.rules:
            rest = plain[len(prefix) :]
            # https://host/a must not speak for https://host/ab, nor https://host for https://host.evil
            if not plain.startswith(prefix) or (rest and not prefix.endswith("/") and rest[0] not in "/?#"):
                continue
            if isinstance(target, Path):
                return _inside(target, rest, url)
            if prefix.endswith("/") and not target.endswith("/") and rest:
                return f"{target}/{rest}"
            return target + (rest.removeprefix("/") if target.endswith("/") else rest)
        return url


def _canonical(url: str) -> str:
    """Scheme and host in lower case: both are compared without regard to it (RFC 3986, 6.2.2.1)."""
    scheme, _unused, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    user, at, name = host.rpartition("@")
    return f"{scheme.lower()}://{user}{at}{name.lower()}{slash}{path}" if rest else url


def _inside(folder: Path, rest: str, url: str) -> Path:
    parts = [unquote(part) for part in rest.split("#")[0].split("?")[0].split("/") if part]
    path = folder.joinpath(*parts)
    outside = any(part in (".", "..") or set(part) & set("/\\:\0") for part in parts)
    if not parts or outside or not path.resolve().is_relative_to(folder.resolve()):
        raise FetchError(f"cannot download {redact(url)}", url=redact(url),
                         why=f"the download map sends it to {folder}, where it does not name a file inside that folder")
    return path
