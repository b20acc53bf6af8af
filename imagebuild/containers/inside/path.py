# SPDX-License-Identifier: Apache-2.0
"""A path in a container that can be read and written, with the names of :mod:`pathlib`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from ...errors import DaemonError, NotFoundError
from ..mounts import copy

if TYPE_CHECKING:
    from ..container import Container


class ContainerPath:
    r"""A path of Windows in one container: ``box.path(r"C:\app") / "a.txt"``. Two are equal in whatever case.
    """

    def __init__(self, container: Container, path: str | PureWindowsPath) -> None:
        self._container = container
        self._path = PureWindowsPath(path)

    def __str__(self) -> str:
        return str(self._path)

    def __repr__(self) -> str:
        return f"ContainerPath({str(self._path)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ContainerPath) and (self._path, self._container) == (other._path, other._container)

    def __hash__(self) -> int:
        return hash(self._path)

    def __truediv__(self, name: str | PureWindowsPath) -> ContainerPath:
        return ContainerPath(self._container, self._path / name)

    @property
    def name(self) -> str:
        """Its last part."""
        return self._path.name

    @property
    def parent(self) -> ContainerPath:
        """The folder that it is in."""
        return ContainerPath(self._container, self._path.parent)

    def read_bytes(self) -> bytes:
        """The content of the file. Raises NotFoundError when nothing is there."""
        return copy.read_file(self._container, str(self._path))

    def read_text(self, encoding: str = "") -> str:
        """The text of the file: in ``encoding``, else decoded as output is, with ``\\n`` at each line's end."""
        data = self.read_bytes()
        return data.decode(encoding) if encoding else self._container.decode(data)

    def write_bytes(self, data: bytes) -> None:
        """Write the file; folders on the way are made."""
        copy.write_file(self._container, str(self._path), data)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        """Write the file as text, with newlines as they are in ``text``."""
        self.write_bytes(text.encode(encoding))

    def exists(self) -> bool:
        """Whether a file or folder is there."""
        return self._cmd("if exist {} (exit 0) else (exit 1)") is not None

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return copy.is_folder(self._container, str(self._path))

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.exists() and not self.is_dir()

    def iterdir(self) -> Iterator[ContainerPath]:
        """What is in the folder, hidden and system files too. Raises NotFoundError when it is not there."""
        said = self._cmd("dir /b /a {}")
        if said is None and not self.is_dir():
            raise NotFoundError(f"cannot list {self._path} in the container", why="there is no such folder")
        yield from (self / name for name in (said or "").splitlines() if name)

    def glob(self, pattern: str) -> Iterator[ContainerPath]:
        r"""What is in the folder, or with ``**`` below it, and matches: ``*.txt``, ``**\*.log``, ``a\*.ini``."""
        deep = len(PureWindowsPath(pattern).parts) > 1
        if not deep:
            yield from (one for one in self.iterdir() if PureWindowsPath(one.name).match(pattern))
            return
        said = self._cmd("dir /b /s /a {}") or ""
        for line in said.splitlines():
            found = PureWindowsPath(line)
            if line and _matches(found.relative_to(self._path).parts, PureWindowsPath(pattern).parts):
                yield ContainerPath(self._container, found)

    def mkdir(self) -> None:
        """Make the folder and those on the way; one that is there stays."""
        copy._make_folder(self._container, str(self._path))

    def unlink(self) -> None:
        """Remove the file. Raises NotFoundError when it is not there."""
        if not self.exists():
            raise NotFoundError(f"cannot remove {self._path} in the container", why="nothing is there")
        said = self._container.cmd_path("del /f /q {}", str(self._path), user=copy.ADMINISTRATOR)
        if self.exists():
            raise DaemonError(f"cannot remove {self._path} in the container", status=0, why=said.stderr.strip())

    def copy_to(self, target: Path) -> None:
        """Copy it to this machine, a folder with all that is in it."""
        copy.copy_out(self._container, str(self._path), target)

    def _cmd(self, template: str) -> str | None:
        """What a command of cmd on the path prints, in full Unicode; ``None`` when it ends with another code than 0."""
        said = self._container.cmd_path(template, str(self._path), unicode=True)
        return said.raw.stdout.decode("utf-16-le", "replace").replace("\r\n", "\n") if said.ok else None


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and PureWindowsPath(parts[0]).match(pattern[0]) and _matches(parts[1:], pattern[1:])
