# SPDX-License-Identifier: Apache-2.0
"""Secrets of ``RUN --mount=type=secret``: where ``--secret`` has them from, and what a command gets of them.

A value is read when a RUN wants it, goes to the processes of that RUN, and is in no plan, key, history or layer. Words
and limits are buildx's (``util/buildflags/secrets.go``) and BuildKit's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...dockerfile.mounts import Mount, MountType
from ...errors import RunError, UsageError
from ...windows.names import check_path, join, parse_path

MOST_BYTES = 500 * 1024
"""BuildKit's limit of one secret."""
FOLDER = "C:\\run\\secrets"
"""Where a secret is whose mount names no target."""
HIDDEN = "***"
_SHORTEST_HIDDEN = 6
"""Characters from which on a value is taken out of a command's output: shorter ones are in any text."""


@dataclass(frozen=True, slots=True)
class SecretMount:
    """One ``--mount=type=secret``: a file at ``target`` (a Windows path, empty: none) and a variable ``env`` (empty:
    none) with the secret ``id``."""

    id: str
    target: str = ""
    env: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What the processes of one RUN get: files by Windows path, variables by name."""

    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.files or self.variables)

    def hide(self, text: str) -> str:
        """A command's output without values, and their lines, that it may show."""
        for value in self.words():
            text = text.replace(value, HIDDEN)
        return text

    def words(self) -> list[str]:
        """The values, and each of their lines, longest first."""
        texts = [*(data.decode("utf-8", "replace") for data in self.files.values()), *self.variables.values()]
        found = {part.strip() for text in texts for part in (text, *text.splitlines())}
        return sorted((word for word in found if len(word) >= _SHORTEST_HIDDEN), key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What ``--secret`` gave: by id the name of a variable, or a file. ``environment`` has the variables."""

    sources: Mapping[str, str | Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, words: tuple[str, ...], environment: Mapping[str, str]) -> Secrets:
        """From words like ``id=token,src=FILE`` and ``id=token,env=NAME``. UsageError for what is neither, for a file
        that is not there and a variable that is not set: not their contents are read yet."""
        sources: dict[str, str | Path] = {}
        for word in words:
            name, source = _parsed(word, environment)
            if name in sources:
                raise UsageError(f"--secret id={name} is given twice")
            if isinstance(source, Path) and not source.is_file():
                raise UsageError(f"cannot use --secret id={name}", why=f"there is no file {source}")
            if isinstance(source, str) and source not in environment:
                raise UsageError(f"cannot use --secret id={name}", why=f"the variable {source} is not set")
            sources[name] = source
        return cls(sources, environment)

    def given(self, mounts: tuple[SecretMount, ...]) -> Given:
        """Read what a RUN wants. RunError for one that has to be there and was not given, UsageError for one that
        cannot be read or is too large."""
        files: dict[str, bytes] = {}
        variables: dict[str, str] = {}
        for mount in mounts:
            if mount.id not in self.sources:
                if mount.required:
                    raise RunError(f"the secret {mount.id} is required and was not given",
                                   hint=f"--secret id={mount.id},src=FILE or --secret id={mount.id},env=NAME")
                continue
            data = self._read(mount.id)
            if mount.target:
                files[mount.target] = data
            if mount.env:
                try:
                    variables[mount.env] = data.decode()
                except UnicodeDecodeError as error:
                    raise UsageError(f"cannot give the secret {mount.id} as the variable {mount.env}",
                                     why="it is not UTF-8") from error
                if "\0" in variables[mount.env]:
                    raise UsageError(f"cannot give the secret {mount.id} as the variable {mount.env}",
                                     why="it has a NUL character")
        return Given(files, variables)

    def _read(self, name: str) -> bytes:
        source = self.sources[name]
        try:
            if isinstance(source, Path):
                with source.open("rb") as file:
                    data = file.read(MOST_BYTES + 1)
            else:
                data = self.environment[source].encode("utf-8", "surrogateescape")
        except OSError as error:
            raise UsageError(f"cannot read the secret {name}", why=f"{source}: {error.strerror or error}") from error
        if len(data) > MOST_BYTES:
            raise UsageError(f"cannot use the secret {name}", why=f"it has more than {MOST_BYTES} bytes")
        return data


def secret_mount(mount: Mount, folder: str) -> SecretMount:
    """What a mount asks for. ``mode``, ``uid`` and ``gid`` mean nothing on Windows. A target is relative to
    ``folder``, the working folder. UsageError and UnsupportedError for a target that is none."""
    assert mount.type is MountType.SECRET
    target = mount.target
    if not target and mount.env is None:
        target = f"{FOLDER}\\{(parse_path(mount.id or mount.source) or ('',))[-1]}"
    path = parse_path(target, parse_path(folder)) if target else ()
    if target and not path:
        raise UsageError(f"--mount={mount.word} cannot be used", why="its target is no file")
    check_path(path)
    return SecretMount(mount.id or mount.source or path[-1], join(path) if path else "", mount.env or "",
                       mount.required)


def _parsed(word: str, environment: Mapping[str, str]) -> tuple[str, str | Path]:
    fields: dict[str, str] = {}
    for part in word.split(","):
        key, equals, value = part.partition("=")
        key = {"source": "src"}.get(key.strip().lower(), key.strip().lower())
        if not equals or key not in ("id", "src", "env", "type"):
            raise UsageError(f"--secret {part.partition('=')[0]} is not known", why="it has id, src, env and type",
                             hint="--secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE")
        fields[key] = value
    name, kind = fields.get("id", ""), fields.get("type", "")
    if not name:
        raise UsageError("--secret has no id", hint="--secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE")
    if kind not in ("", "file", "env"):
        raise UsageError(f"--secret type={kind} is not known", why="it is file or env")
    if "src" in fields and "env" in fields:
        raise UsageError(f"--secret id={name} has src and env", why="it comes from a file or from a variable")
    if "env" in fields or kind == "env":
        return name, fields.get("env") or fields.get("src") or name
    if "src" in fields:
        return name, Path(fields["src"]).expanduser()
    return (name, name) if kind == "" and name in environment else (name, Path(name))


__all__ = ["Given", "SecretMount", "Secrets", "secret_mount"]
