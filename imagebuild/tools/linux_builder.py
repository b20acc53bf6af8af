# SPDX-License-Identifier: Apache-2.0
"""Stages for Linux by a Linux builder of this machine: ``buildah build`` or ``docker buildx build``.

Both write the files of a stage into a folder (``--output type=local``), and both set TARGETOS and TARGETARCH from
``--platform``, while ``FROM --platform=$BUILDPLATFORM`` keeps the stage on this machine's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ..errors import ToolError
from ..events import Event, Output

Pairs = tuple[tuple[str, str], ...]
BUILDERS = {"buildah": ("buildah", "build"), "buildx": ("docker", "buildx", "build", "--progress=plain")}
"""Each builder with the words that its command line begins with. Of layers from its cache (``--layers``) buildah 1.39
leaves out the last when it writes the files of a stage, so it gets none."""
LAST_LINES = 20


class Stage(Protocol):
    """What is asked for; :class:`~..builder.execute.linux_stages.LinuxStage` is it."""

    @property
    def dockerfile(self) -> Path: ...
    @property
    def context(self) -> Path: ...
    @property
    def target(self) -> str: ...
    @property
    def platform(self) -> str: ...
    @property
    def build_args(self) -> Pairs: ...
    @property
    def build_contexts(self) -> Pairs: ...
    @property
    def no_cache(self) -> bool: ...
    @property
    def pull(self) -> bool: ...


def find_builder(wanted: str = "auto") -> str | None:
    """Return the name of a builder that is installed: the wanted one, or with ``auto`` buildah before buildx."""
    for name in BUILDERS if wanted == "auto" else (wanted,):
        if shutil.which(BUILDERS[name][0]) and (name != "buildx" or _has_buildx()):
            return name
    return None


def _has_buildx() -> bool:
    with suppress(OSError, subprocess.TimeoutExpired):  # then it is not there
        return subprocess.run(("docker", "buildx", "version"), capture_output=True, timeout=20, check=False,
                              stdin=subprocess.DEVNULL).returncode == 0
    return False


class CommandBuilder:
    """Builds with one of :data:`BUILDERS`, in the environment of this process: its login, storage and proxy."""

    def __init__(self, name: str) -> None:
        self.name = name

    def argv(self, stage: Stage, out: Path) -> list[str]:
        """The command line."""
        words = [*BUILDERS[self.name], "--platform", stage.platform, "--target", stage.target, "--file",
                 str(stage.dockerfile), "--output", f"type=local,dest={out}"]
        for name, value in stage.build_args:
            words += ["--build-arg", f"{name}={value}"]
        for name, value in stage.build_contexts:
            words += ["--build-context", f"{name}={value}"]
        words += ["--no-cache"] if stage.no_cache else []
        words += ["--pull"] if stage.pull else []
        words += ["--iidfile", str(_image_file(out))] if self.name == "buildah" else []
        return [*words, str(stage.context)]

    def build(self, stage: Stage, out: Path, step: str) -> Generator[Event, None, None]:
        """See :class:`~..builder.execute.linux_stages.LinuxBuilder`. An end from outside ends the builder too."""
        last: list[str] = []
        try:
            process = subprocess.Popen(self.argv(stage, out), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, start_new_session=True, text=True, errors="replace")
        except OSError as error:
            raise ToolError(f"cannot build the stage {stage.target}", program=BUILDERS[self.name][0],
                            why=error.strerror or str(error)) from error
        try:
            assert process.stdout is not None
            for line in process.stdout:
                last = [*last[1 - LAST_LINES:], line.rstrip()]
                yield Output(step, line if line.endswith("\n") else line + "\n", True)
            code = process.wait()
        finally:
            _end(process)
        if self.name == "buildah":
            self._remove(_image_file(out))
        if code:
            raise ToolError(f"cannot build the stage {stage.target}", program=self.name,
                            why=f"it ended with {code}: {next(filter(None, reversed(last)), 'it said nothing')}")

    def _remove(self, image: Path) -> None:
        """Remove the nameless image that buildah makes beside the files, which would stay in its storage."""
        with suppress(OSError, subprocess.TimeoutExpired):  # the files are there: what is left takes room and no more
            subprocess.run(("buildah", "rmi", image.read_text().strip()), capture_output=True, timeout=120, check=False,
                           stdin=subprocess.DEVNULL)


def _image_file(out: Path) -> Path:
    return out.with_suffix(".image")


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # it does not heed SIGTERM
            with suppress(ProcessLookupError):  # it has just ended
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
