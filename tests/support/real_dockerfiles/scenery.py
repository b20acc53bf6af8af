# SPDX-License-Identifier: Apache-2.0
"""All that a build of a Dockerfile needs beside it: stand-ins of its bases, a context, values for its ARGs.

The plan of the build says what is missing. So whatever a COPY or an ADD names is there, under the name it has.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from imagebuild import dockerfile
from imagebuild.builder import BuildRequest, Plan
from imagebuild.builder.plan.plan import (
    BaseFacts,
    Download,
    Execute,
    Files,
    Here,
    Missing,
    OfImage,
    OfStage,
    Transfer,
    Wanted,
)
from imagebuild.builder.plan.planner import make_plan
from imagebuild.oci import Config, Platform, Reference
from imagebuild.wiring import open_library

from ..linux_images import linux_image
from ..workbench import Workbench, fill
from .made import Maker
from .table import ImageRow, Table
from .urls import guessed

_SCRIPT = re.compile(r"[\w.-]+\.(?:ps1|psm1|bat|cmd)", re.IGNORECASE)
_OF_WINDOWS = re.compile(r"(?:[A-Za-z]:)?[\\/]*windows[\\/]", re.IGNORECASE)
Wcow = Callable[..., str]
"""Runs ``wcow`` with these words and returns what it wrote; RuntimeError with its errors when it fails."""


class NotMade(Exception):
    """What stops a build before it begins: the table has no base, or an ARG no value."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What ``wcow build`` is given. ``handed_in`` are the stages of Linux with a RUN, each replaced by a folder with
    the files that others take from it (``--build-context``)."""

    folder: Path
    words: tuple[str, ...]
    handed_in: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    """What ADD downloads, and what a RUN does as far as its words say so."""


@dataclass(slots=True)
class _Wish:
    """Files to make, by their path, and whether a folder is taken whole."""

    files: dict[str, bytes] = field(default_factory=dict)


class Scenery:
    """Makes scenes below ``folder``, and their bases in the store of ``bench``, which ``wcow`` uses too."""

    def __init__(self, folder: Path, bench: Workbench, table: Table, maker: Maker, wcow: Wcow) -> None:
        self._folder = folder
        self._bench = bench
        self._table = table
        self._maker = maker
        self._wcow = wcow
        self._configs: dict[tuple[str, str], Config] = {}
        self._made: dict[str, tuple[str, ...]] = {}

    def prepare(self, name: str, text: bytes) -> Scene:
        """Make everything for a Dockerfile, ``name`` being its ``OWNER/NAME/PATH``. NotMade, and the errors of the
        parser and the planner."""
        parsed = dockerfile.parse(text, name="Dockerfile")
        folder = self._folder / re.sub(r"\W+", "-", name)
        arguments = self._table.arguments(name)
        plan, contexts, linux = self._plan(parsed, folder, arguments)
        wishes = {"": _Wish()}
        images: dict[Wanted, _Wish] = {stage.base: _Wish() for stage in plan.stages if isinstance(stage.base, Wanted)}
        urls = []
        for extra in self._table.extra(name):
            wishes[""].files[extra] = self._maker.data(extra)
        scripts = sorted({one for stage, step in plan.runs() for one in _SCRIPT.findall(step.instruction.place.source)})
        for step in (step for stage in plan.stages for step in stage.steps if isinstance(step, Transfer)):
            last = step.destination[-1] if step.destination and not step.into else ""
            for source in step.sources:
                if isinstance(source, Download):
                    urls.append(source.url)
                if not isinstance(source, Files):
                    continue
                if isinstance(source.origin, Here):
                    wish = wishes.setdefault(source.origin.value or "", _Wish())
                elif isinstance(source.origin, OfImage):
                    wish = images.setdefault(source.origin.image, _Wish())
                else:
                    base, runs = _base_of(plan, source.origin.index)
                    if base is None:
                        continue
                    wish = images.setdefault(base, _Wish())
                    if runs:  # what its commands make is theirs to make
                        for pattern in (one for one in source.patterns if _OF_WINDOWS.match(one)):
                            self._want(wish, pattern, last, scripts)
                        continue
                for pattern in source.patterns:
                    self._want(wish, pattern, last, scripts)
        for wanted, wish in images.items():
            self._image(wanted, wish.files)
        for place, wish in wishes.items():
            fill(Path(place) if place else folder / "context", wish.files or {"readme.txt": b"made up\n"})
        (folder / "Dockerfile").write_bytes(text)
        words = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
        words += [word for key, value in contexts.items() for word in ("--build-context", f"{key}={value}")]
        urls += [url for url in guessed(plan) if url not in urls]
        self.record(folder, urls)
        return Scene(folder, tuple(words), tuple(linux), tuple(urls))

    # --- the plan -----------------------------------------------------------------------------------------------------

    def _plan(self, parsed: dockerfile.Dockerfile, folder: Path, arguments: Mapping[str, str]
              ) -> tuple[Plan, dict[str, str], list[str]]:
        """The plan, what replaces images and stages in it, and the stages of Linux that are replaced."""
        contexts: dict[str, str] = {}
        linux: list[str] = []
        facts: dict[Wanted, BaseFacts] = {}
        while True:
            request = BuildRequest(build_args=tuple(arguments.items()), build_contexts=tuple(contexts.items()))
            plan = make_plan(parsed, request, facts)
            if isinstance(plan, Missing):
                for wanted in plan.images:
                    plain = wanted.name.partition("@")[0]
                    if plain != wanted.name:  # a stand-in cannot have the digest
                        contexts[wanted.name] = f"docker-image://{plain}"
                    facts[Wanted(plain, wanted.platform)] = BaseFacts(self._config(plain, wanted.platform))
                continue
            runs = {stage.name: stage for stage, step in plan.runs() if stage.platform.os != "windows"}
            new = [stage for stage in runs if stage and stage not in linux]
            if not new:
                return plan, contexts, linux
            for stage in new:
                linux.append(stage)
                contexts[stage] = str(folder / f"stage-{stage}")

    # --- files --------------------------------------------------------------------------------------------------------

    def _want(self, wish: _Wish, pattern: str, last: str, scripts: Iterable[str]) -> None:
        """Make what a source names, a file or a folder with files in it."""
        path = re.sub(r"^[A-Za-z]:", "", pattern).replace("\\", "/").strip("/")
        path = "/".join(part for part in path.split("/") if part not in ("", "."))
        if any(char in path for char in "*?["):
            if any(fnmatchcase(name, path) for name in wish.files):
                return
            path = re.sub(r"\[.*?\]|[*?]", "made", path)
        if not path:
            for script in scripts:
                wish.files[script] = self._maker.data(script)
            wish.files.setdefault("readme.txt", b"made up\n")
        elif _is_file(path) or (_is_file(last) and not pattern.endswith(("/", "\\"))):
            wish.files[path] = self._maker.data(path if _is_file(path) else last)
        else:
            for name in self._maker.inside(f"/{path}"):
                wish.files[f"{path}/{name}"] = self._maker.data(name)

    def record(self, folder: Path, urls: Iterable[str]) -> None:
        """Put made-up files for URLs where ``--downloads replay`` finds them."""
        listed = []
        for number, url in enumerate(urls):
            name = f"{number}-{PurePosixPath(url.partition('?')[0]).name or 'index.html'}"
            fill(folder / "downloads", {name: self._maker.data(url.partition("?")[0])})
            listed.append({"url": url, "file": name})
        fill(folder / "downloads", {"index.json": json.dumps({"version": 1, "downloads": listed}, indent=1)})

    # --- images -------------------------------------------------------------------------------------------------------

    def _row(self, wanted: str, platform: Platform) -> ImageRow:
        row = self._table.image(wanted, linux=platform.os == "linux" or "-linux-" in wanted)
        if row is None:
            raise NotMade(f"the table has no base {wanted}")
        return row

    def _config(self, name: str, platform: Platform) -> Config:
        """The config of a stand-in, which is made without files first."""
        row = self._row(name, platform)
        if row.like == "linux":
            return Config(os="linux", architecture="amd64")
        key = (name, row.like)
        if key not in self._configs:
            self._image(Wanted(name, platform), {})
            self._configs[key] = self._bench.find(name).image.config
        return self._configs[key]

    def _image(self, wanted: Wanted, files: Mapping[str, bytes]) -> None:
        """Make the image of a name, with these files and those that its row has."""
        row = self._row(wanted.name, wanted.platform)
        listed = dict(files)
        for name in row.files:
            listed.update(self._entries(name))
        if self._made.get(wanted.name) == tuple(sorted(listed)):
            return
        self._made[wanted.name] = tuple(sorted(listed))
        if row.like == "linux":
            with open_library(self._bench.settings) as library:
                linux_image(library.local, str(Reference.parse(wanted.name).tagged()), listed)
            return
        folder = self._folder / "images" / re.sub(r"\W+", "-", wanted.name)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "files").mkdir(parents=True)
        fill(folder / "files", listed)
        version = self._table.os_version(wanted.name)
        stand_in = f"stand-in/{row.like}:{version}"
        if stand_in not in self._made:
            self._bench.base(row.like, stand_in, os_version="" if row.like == "hostprocess" else version)
            self._made[stand_in] = ()
        lines = ["# escape=`", f"FROM {stand_in}", *row.lines, *["COPY . /"] * bool(listed)]
        (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
        if any(line.startswith("RUN") for line in row.lines):
            self._wcow("build", "-q", "--air-gapped", "--lint", "off", "-t", wanted.name, "-f",
                       str(folder / "Dockerfile"), str(folder / "files"))
        else:  # without a process of its own, which takes longer than the build
            self._bench.build(folder / "files", tag=wanted.name, dockerfile=str(folder / "Dockerfile"), lint="off")

    def _entries(self, name: str) -> Iterator[tuple[str, bytes]]:
        if name.endswith("@powershell"):
            yield from self._maker.powershell(name.removesuffix("@powershell"))
        else:
            yield name, self._maker.data(name)


def _base_of(plan: Plan, index: int) -> tuple[Wanted | None, bool]:
    """The image that a stage stands on, and whether it or a stage between has a RUN."""
    by_index = {stage.index: stage for stage in plan.stages}
    runs = False
    while True:
        stage = by_index[index]
        runs = runs or any(isinstance(step, Execute) for step in stage.steps)
        if not isinstance(stage.base, OfStage):
            return stage.base, runs
        index = stage.base.index


def _is_file(path: str) -> bool:
    """Whether a name looks like a file's: it has a suffix, and that is more than a part of a version."""
    suffix = PurePosixPath(path).suffix[1:]
    return bool(suffix) and not suffix[0].isdigit()
