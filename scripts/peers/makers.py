# SPDX-License-Identifier: Apache-2.0
"""One context, built by four programs on one base into one registry."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support import programs

BASE = "windows/nanoserver:ltsc2022"
OS_VERSION = "10.0.20348.2762"
MTIME = 1_709_294_400
"""2024-03-01 12:00 UTC, what every file of the context has as its modification time."""
WISH = r"C:\app\private.txt=D:P(A;;FA;;;BA)(A;;FA;;;SY)(A;;FR;;;S-1-5-93-2-2)"
"""Administrators and SYSTEM may do all, ContainerUser may read, nobody else anything, and nothing is inherited."""
COPIES = "COPY app C:/app/\nCOPY app/hello.txt C:/Windows/System32/wcow-peers.txt\n"


@dataclass(slots=True)
class Made:
    """What one program made: the image's name in the registry, and what has to be said about how."""

    program: str
    version: str
    how: str
    image: str
    again: str
    """The same context, built a second time."""
    touched: str
    """And a third time, after every file got another modification time."""
    wish: str = ""
    """An image of its own with the private file, where the wish needs other words; "" is ``image``."""
    wish_error: str = ""
    """What the program says when it is asked for the wish."""


def make_context(folder: Path) -> Path:
    """Files, a hard link, a symlink to a file and one to a folder, an empty folder, a file with a wish for its ACL."""
    app = folder / "app"
    (app / "bin").mkdir(parents=True)
    (app / "empty").mkdir()
    (app / "hello.txt").write_text("hello\n")
    (app / "private.txt").write_text("for few\n")
    (app / "private.txt").chmod(0o600)
    (app / "bin/tool.exe").write_bytes(b"MZ")
    os.link(app / "hello.txt", app / "same.txt")
    (app / "link.txt").symlink_to("hello.txt")
    (app / "dir").symlink_to("bin")
    touch(folder, MTIME)
    return folder


def touch(folder: Path, moment: int) -> None:
    """Give everything below a folder one modification time."""
    for path in sorted(folder.rglob("*"), reverse=True):
        os.utime(path, (moment, moment), follow_symlinks=False)


class Makers:
    """The programs, each as a method that builds the context under a name and gives what it made."""

    def __init__(self, folder: Path, registry: programs.Registry) -> None:
        self._folder = folder
        self._host = registry.host
        self._context = make_context(folder / "context")
        self._wcow_env = {"WCOW_STORE": str(folder / "store"), "WCOW_CACHE": str(folder / "cache")}
        self._base = f"{self._host}/{BASE}"
        self.wcow_run("base", "create", "-q", "--like", "nanoserver", "--os-version", OS_VERSION, "-t", self._base,
                      "--push")

    def wcow_run(self, *arguments: str | Path, codes: tuple[int, ...] = (0,)) -> str:
        """What ``wcow`` prints."""
        done = programs.run(shutil.which("wcow") or "wcow", *arguments, env=self._wcow_env, ok=codes == (0,))
        if done.returncode not in codes:
            raise RuntimeError(f"wcow {arguments}: {done.stderr}")
        return done.stdout

    def _thrice(self, make: Callable[[str], None], name: str) -> tuple[str, str, str]:
        """Build, build again in another second (some write down when they built), touch every file, build again."""
        first, second, third = (f"{self._host}/peers/{name}:{number}" for number in (1, 2, 3))
        make(first)
        time.sleep(1.1)
        make(second)
        touch(self._context, MTIME + 3600)
        try:
            make(third)
        finally:
            touch(self._context, MTIME)
        return first, second, third

    def _dockerfile(self, name: str, text: str) -> Path:
        """A Dockerfile beside the context, so that it is no part of it."""
        path = self._folder / f"Dockerfile.{name}"
        path.write_text(text)
        return path

    def crane(self) -> Made:
        """``crane append``, which takes a ready tar and gives it the shape of a Windows layer."""
        crane = programs.crane()
        tree = self._folder / "crane"

        def make(name: str) -> None:
            shutil.rmtree(tree, ignore_errors=True)
            programs.run("cp", "-a", self._context, tree)
            (tree / "Windows/System32").mkdir(parents=True)
            programs.run("cp", "-p", tree / "app/hello.txt", tree / "Windows/System32/wcow-peers.txt")
            programs.run("tar", "--sort=name", "-cf", self._folder / "crane.tar", "-C", tree, "app", "Windows")
            programs.run(crane, "append", "--insecure", "-b", self._base, "-f", self._folder / "crane.tar", "-t", name)

        images = self._thrice(make, "crane")
        return Made("crane", _debian(programs.CRANE_PACKAGE), "`tar -cf layer.tar app Windows`, "
                    "`crane append -b BASE -f layer.tar`", *images)

    def buildkit(self, daemon: programs.Daemon) -> Made:
        """``docker buildx build`` on a dockerd that keeps its images in containerd."""
        programs.buildx()
        file = self._dockerfile("buildkit", f"FROM {self._base}\n{COPIES}")

        def make(name: str) -> None:
            daemon.docker("buildx", "build", "--no-cache", "--platform", "windows/amd64", "--provenance=false",
                          "--file", file, "--tag", name, self._context)
            daemon.docker("push", name)

        images = self._thrice(make, "buildkit")
        made = Made("BuildKit", _buildkit(daemon), "`docker buildx build --platform windows/amd64`", *images)
        # The wish in the only words there are for it: --chown, and the mode 0600 that the file has.
        wish = self._dockerfile("wish", f"FROM {self._base}\nCOPY --chown=ContainerUser app/private.txt C:/app/\n")
        made.wish = f"{self._host}/peers/buildkit-wish:1"
        daemon.docker("buildx", "build", "--platform", "windows/amd64", "--provenance=false", "--file", wish, "--tag",
                      made.wish, self._context)
        daemon.docker("push", made.wish)
        return made

    def buildah(self) -> Made:
        """``buildah build``; that of Debian does not know layers of Windows."""
        buildah = programs.buildah(self._folder / "buildah")
        file = self._dockerfile("buildah", f"FROM {self._base}\n{COPIES.replace('C:', '')}")
        (self._folder / "auth.json").write_text("{}")
        login = ("--authfile", self._folder / "auth.json", "--tls-verify=false")

        def make(name: str) -> None:
            programs.run(*buildah, "build", "--isolation=chroot", "--platform", "windows/amd64", "--no-cache", *login,
                         "--file", file, "--tag", name, self._context)
            programs.run(*buildah, "push", *login, name, f"docker://{name}")

        images = self._thrice(make, "buildah")
        made = Made("buildah", _debian("buildah"), "`buildah build --platform windows/amd64`, with `/app/` for "
                    "`C:/app/`", *images)
        wish = self._dockerfile("wish", f"FROM {self._base}\nCOPY --chown=ContainerUser app/private.txt /app/\n")
        done = programs.run(*buildah, "build", "--isolation=chroot", "--platform", "windows/amd64", *login, "--file",
                            wish, self._context, ok=False)
        made.wish_error = _plain(done.stderr.strip().rpartition(": ")[2]) if done.returncode else ""
        return made

    def wcow(self) -> Made:
        """``wcow build``."""
        file = self._dockerfile("wcow", f"FROM {self._base}\n{COPIES}")

        def make(name: str) -> None:
            self.wcow_run("build", "-q", "--no-cache", "--lint", "warn", "-f", file, "--acl", WISH, "-t", name,
                          "--push", self._context)

        images = self._thrice(make, "wcow")
        return Made("wcow", "this tree", r"`wcow build --acl 'C:\app\private.txt=…'`", *images)

    def lint(self, made: Made) -> list[dict[str, object]]:
        """What ``wcow lint`` finds in an image, as ``--format json`` has it."""
        found = json.loads(self.wcow_run("lint", "--format", "json", f"docker://{made.image}", codes=(0, 1)))
        return list(found["findings"])


def _debian(package: str) -> str:
    found = programs.run("dpkg-query", "-W", "-f", "${Version}", package, ok=False).stdout
    return f"Debian {found}" if found else "unknown"


def _buildkit(daemon: programs.Daemon) -> str:
    version = daemon.docker("version", "--format", "{{.Server.Version}}").stdout.strip()
    return f"in dockerd {version} ({_debian('docker.io')}), docker-buildx {_debian('docker-buildx')}"


def _plain(text: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", "REGISTRY", text).replace("`", "'").strip()
