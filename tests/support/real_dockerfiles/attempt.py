# SPDX-License-Identifier: Apache-2.0
"""One build of a Dockerfile by ``wcow build`` under a time limit, and what became of it."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from imagebuild.errors import WcowError

from .made import SUMS, Maker
from .scenery import NotMade, Scene, Scenery

SECONDS = 300
"""How long one build may take."""
_PINNED = re.compile(rb"(?<!sha256:)(?<!/)\b(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{64}|[0-9a-fA-F]{40})\b")
_ALGORITHMS = {128: "sha512", 64: "sha256", 40: "sha1"}
_MISSING = re.compile(r"(https?://\S+) is not among the downloads|cannot replay (https?://\S+)")
_REFUSED = re.compile(r"^\s*\w[\w.-]*: cannot run here: .*$", re.MULTILINE)
"""What a program says that is here only by its name. PowerShell goes on after it, as after any program that fails, and
the RUN may end with 0: it is counted as stopped all the same."""
_TRIES = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a Dockerfile. ``said`` is the end of what the build wrote, empty when it went well; ``replaced``
    counts pinned digests that made way for those of made-up downloads, ``handed_in`` stages of Linux given as folders,
    ``downloads`` what was fetched."""

    name: str
    built: bool
    said: str = ""
    replaced: int = 0
    handed_in: int = 0
    downloads: int = 0


class Attempts:
    """Builds Dockerfiles. ``environment`` says which store and engine ``wcow`` uses."""

    def __init__(self, scenery: Scenery, maker: Maker, environment: Mapping[str, str],
                 seconds: int = SECONDS) -> None:
        self._scenery = scenery
        self._maker = maker
        self._environment = {**os.environ, **environment}
        self._seconds = seconds

    def build(self, name: str, text: bytes, *, as_written: bool = False) -> Outcome:
        """Build one, with digests as written first. A digest that a made-up file cannot have is then replaced by the
        file's own, one after the other, unless all shall stay ``as_written``."""
        try:
            scene = self._scenery.prepare(name, text)
        except (NotMade, WcowError, RuntimeError) as error:
            return Outcome(name, False, f"error: {error}")
        asked = list(scene.urls)
        replaced: dict[bytes, bytes] = {}
        said = ""
        stale = False
        for _again in range(_TRIES):
            built, said = self._once(scene, *["--no-cache"] * stale)
            new = [url for url in dict.fromkeys("".join(pair) for pair in _MISSING.findall(said)) if url not in asked]
            # A program that takes the answer 404 for the file goes on, and its RUN is cached with it.
            stale = bool(new) and (built or "\n[" in said[said.rfind(new[0]):])
            if new:
                asked += new
                self._scenery.record(scene.folder, asked)
                continue
            swap = self._swap(text, replaced, asked) if not built and asked and not as_written else None
            if built or swap is None:
                return Outcome(name, built, "" if built else said, len(replaced), len(scene.handed_in), len(asked))
            replaced.update([swap])
            changed = text
            for old, new in replaced.items():
                changed = changed.replace(old, new)
            (scene.folder / "Dockerfile").write_bytes(changed)
        return Outcome(name, False, said, len(replaced), len(scene.handed_in), len(asked))

    def _swap(self, text: bytes, replaced: Mapping[bytes, bytes], asked: list[str]) -> tuple[bytes, bytes] | None:
        """The first pinned digest that still stands, and that of its download, which is the one of the same place among
        the downloads; nothing when each is replaced."""
        pinned = list(dict.fromkeys(found[0] for found in _PINNED.finditer(text)))
        files = [url for url in (one.partition("?")[0] for one in asked) if PurePosixPath(url).suffix not in SUMS]
        for number, digest in enumerate(pinned):
            if digest not in replaced and files:
                data = self._maker.data(files[min(number, len(files) - 1)])
                return digest, hashlib.new(_ALGORITHMS[len(digest)], data).hexdigest().encode()
        return None

    def _once(self, scene: Scene, *more: str) -> tuple[bool, str]:
        """Build once; whether it went well, and the end of what was written."""
        command = [sys.executable, "-m", "imagebuild", "build",
                   "--air-gapped", "--progress", "plain", "--downloads", "replay", str(scene.folder / "downloads"),
                   "-t", "corpus/built:1", "-f", str(scene.folder / "Dockerfile"), *scene.words,
                   *more, str(scene.folder / "context")]
        with subprocess.Popen(command, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace") as process:
            try:
                said, _ = process.communicate(timeout=self._seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                try:
                    said, _ = process.communicate(timeout=60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    said, _ = process.communicate()
                said += f"\nerror: the build did not end within {self._seconds} s\n"
        refused = _REFUSED.search(said)
        return process.returncode == 0 and not refused, said[-6000:] + (f"\nerror: {refused[0]}\n" if refused else "")
