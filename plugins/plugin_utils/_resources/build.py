# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images built on the control node, without Windows, and brought to the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ....imagebuild.builder import BuildRequest, Built, build
from ....imagebuild.dockerapi import shapes
from ....imagebuild.events import Result, Step, Warn
from ....imagebuild.images import copy_image
from ....imagebuild.oci import Location, Reference
from ....imagebuild.stores import DaemonStore
from ....imagebuild.wiring import OpenLibrary, Settings, open_library, workshop
from .._task import Plan, Task, TaskError
from . import image as _image
from .taken import expect_taken

_NEEDED = {"zstandard": "zstandard", "filelock": "filelock", "requests": "requests"}


def image_build(task: Task) -> dict[str, Any]:
    """``wcow.containers.image_build``: a check builds, too, for only the image tells whether the host has it."""
    _expect_packages()
    name = str(Reference.parse(task.text("name")).tagged())
    settings = Settings(store=_path(task, "store"), cache=_path(task, "cache"), mirrors=tuple(task.args["mirrors"]),
                        offline=bool(task.args["offline"]))
    plan, warnings = Plan(), list[str]()
    with open_library(settings) as library:
        built = _built(task, library, settings, warnings)
        identity = str(built.image.manifest.config.digest)
        library.local.put_manifest(built.image.manifest_bytes(), built.descriptor.media_type, tag=name)
        if task.args["load"]:
            _load(task, plan, library, built, name)
        if task.text("archive"):
            _archive(task, plan, library, built, name)
        result = plan.run(task)
    values = {**result, "id": identity, "digest": str(built.descriptor.digest),
              "os_version": str(built.image.config.platform.os_version or "")}
    if warnings:
        values["warnings"] = warnings
    there = _image.find(task, name) if task.args["load"] else None
    return {**values, "image": shapes.to_json(there) if there is not None else {}}


def _built(task: Task, library: OpenLibrary, settings: Settings, warnings: list[str]) -> Built:
    context = task.text("path")
    if "://" not in context and not Path(context).is_dir() and not Path(context).is_file():
        raise TaskError(f"cannot build {context}: nothing is there on the control node")
    request = BuildRequest(
        context=context, dockerfile=task.text("dockerfile") or None, target=task.text("target") or None,
        platform=task.text("platform") or None, os_version=task.text("os_version") or None,
        build_args=_pairs(task.args["args"]), labels=_pairs(task.args["labels"]), lint=task.args["lint"],
        no_cache=bool(task.args["nocache"]), pull=bool(task.args["pull"]))
    built: Built | None = None
    for event in build(request, workshop(library, settings)):
        if isinstance(event, Result):
            built = event.value
        elif isinstance(event, Warn):
            warnings.append(f"{event.where}: {event.text}" if event.where else event.text)
        elif isinstance(event, Step):
            task.note(event.text)
    if built is None:
        raise TaskError("the build ended without a result")
    return built


def _load(task: Task, plan: Plan, library: OpenLibrary, built: Built, name: str) -> None:
    found = _image.find(task, name)
    if found is not None and found.id in (str(built.image.manifest.config.digest), str(built.descriptor.digest)):
        return
    expect_taken(task, name, built.image.config.platform)
    plan.differs("id", None if found is None else found.id, str(built.image.manifest.config.digest))

    def load() -> None:
        with DaemonStore(task.client) as store:
            for _event in copy_image(library.local, built.descriptor, store, tag=name, name=name, whole=False):
                pass

    plan.add(f"load {name}", load)


def _archive(task: Task, plan: Plan, library: OpenLibrary, built: Built, name: str) -> None:
    path, identity = Path(task.text("archive")), str(built.image.manifest.config.digest)
    if path.is_file() and _image.identifier(path) == identity:
        return
    if not path.parent.is_dir():
        raise TaskError(f"cannot write {path}: {path.parent} is not a folder of the control node")
    plan.differs(f"file {path}", "other" if path.exists() else "absent", name)

    def write() -> None:
        target = library.stores.create(Location("docker-archive", path=str(path)))
        try:
            for _event in copy_image(library.local, built.descriptor, target, tag=name, name=name, whole=False):
                pass
        finally:
            target.close()

    plan.add(f"write {path}", write)


def _expect_packages() -> None:
    """Name all that is missing in one sentence."""
    from importlib.util import find_spec

    missing = [package for module, package in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise TaskError(f"image_build needs {', '.join(missing)} on the control node (pip install "
                        f"{' '.join(missing)})")


def _path(task: Task, name: str) -> Path | None:
    text = task.text(name)
    return Path(text) if text else None


def _pairs(values: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(key), str(value)) for key, value in (values or {}).items())
