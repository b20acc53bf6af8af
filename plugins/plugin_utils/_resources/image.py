# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images: there, under these names, pushed, in a file, or gone."""

from __future__ import annotations

import json
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from ....imagebuild.dockerapi import faults, shapes
from ....imagebuild.errors import DaemonError
from ....imagebuild.files import Draft
from ....imagebuild.oci import Platform
from .._progress import follow
from .._task import Plan, Task, TaskError, filters_of
from .registry import auth_header, login
from .taken import expect_taken

_DOCUMENT = 1 << 22
"""Bytes of a document in an archive that are read."""


def find(task: Task, name: str) -> shapes.ImageInspect | None:
    """An image of the engine, ``None`` when there is none of that name or id."""
    try:
        return task.client.json("GET", f"/images/{name}/json", shape=shapes.ImageInspect)
    except faults.NotFound:
        return None


def pull(task: Task, name: str) -> None:
    """Have the engine pull an image. Raises the engine's fault, and TaskError for what it says in the stream."""
    repository, tag = split(name)
    follow(task, task.client.lines("POST", "/images/create", query={"fromImage": repository, "tag": tag},
                                   headers=auth_header(task), silence=task.args.get("timeout") or None))


def split(name: str) -> tuple[str, str]:
    """The repository, and the tag or digest; ``latest`` where none is said."""
    if "@" in name:
        repository, _unused, digest = name.partition("@")
        return repository, digest
    head, _unused, last = name.rpartition("/")
    base, colon, tag = last.partition(":")
    return (f"{head}/{base}" if head else base), (tag if colon else "latest")


def image(task: Task) -> dict[str, Any]:
    """``wcow.containers.image``."""
    name = task.text("name")
    plan = Plan()
    if task.args["check_login"]:
        _check_login(task, name)
    if task.args["state"] == "absent":
        return _absent(task, name, plan)
    found = find(task, name)
    archive = task.text("archive")
    if archive:
        _from_archive(task, plan, found, archive)
    elif found is None and task.args["pull"] == "never":
        raise TaskError(f"the image {name} is not there, and pull is never")
    elif found is None:
        plan.differs("state", "absent", "present")
        plan.add(f"pull {name}", lambda: pull(task, name))
    elif task.args["pull"] == "always":
        _newer(task, plan, found)
    for tag in task.args["tags"] or []:
        at = find(task, tag)
        if at is None or found is None or at.id != found.id:
            plan.differs(f"tag {tag}", at.id if at is not None else None, name)
            plan.add(f"tag {tag}", lambda tag=tag: _tag(task, name, tag))  # type: ignore[misc]
    if task.args["push"]:
        for one in task.args["tags"] or [name]:
            _push(task, plan, one, found)
    if task.text("export_to"):
        _export(task, plan, found)
    result = plan.run(task)
    there = find(task, name)
    return {**result, "image": shapes.to_json(there) if there is not None else {}}


def image_info(task: Task) -> dict[str, Any]:
    """``wcow.containers.image_info``."""
    names = task.args["name"] or []
    if names:
        found = [shapes.to_json(one) for one in (find(task, name) for name in names) if one is not None]
    else:
        rows = task.client.json("GET", "/images/json", query={"filters": filters_of(task.args.get("filters"))}) or []
        seen = dict.fromkeys(str(row["Id"]) for row in rows)
        found = [shapes.to_json(one) for one in (find(task, key) for key in seen) if one is not None]
    return {"changed": False, "images": found}


def _absent(task: Task, name: str, plan: Plan) -> dict[str, Any]:
    found = find(task, name)
    if found is not None:
        plan.differs("state", "present", "absent")
        plan.add(f"remove {name}", lambda: task.client.json("DELETE", f"/images/{name}",
                                                            query={"force": bool(task.args["force"])}))
    return plan.run(task)


def registry_has_other(task: Task, name: str, found: shapes.ImageInspect) -> str:
    """The digest that the registry has under a name, when the image here is not of it; nothing is fetched."""
    if "@" in name:
        return ""
    digest = registry_digest(task, name)
    return "" if digest in [one.partition("@")[2] for one in found.repo_digests] else digest or "unknown"


def registry_digest(task: Task, name: str) -> str:
    """The digest of what the registry has under a name, asked through the engine."""
    said = task.client.json("GET", f"/distribution/{name}/json", headers=auth_header(task))
    return str(((said or {}).get("Descriptor") or {}).get("digest") or "")


def _newer(task: Task, plan: Plan, found: shapes.ImageInspect) -> None:
    name = task.text("name")
    digest = registry_has_other(task, name, found)
    if digest:
        plan.differs("digest", next((one.partition("@")[2] for one in found.repo_digests), None), digest)
        plan.add(f"pull {name}", lambda: pull(task, name))


def _from_archive(task: Task, plan: Plan, found: shapes.ImageInspect | None, archive: str) -> None:
    path = Path(archive)
    if not path.is_file():
        raise TaskError(f"cannot load {archive}: it is not a file of the control node")
    if found is not None and not task.args["force"] and identifier(path) in ("", found.id):
        return
    name = task.text("name")
    platform = platform_of(path)
    if platform is not None:
        expect_taken(task, name, platform)
    plan.differs("state" if found is None else "id", "absent" if found is None else found.id, f"loaded from {archive}")

    def load() -> None:
        with path.open("rb") as stream:
            follow(task, task.client.lines("POST", "/images/load", query={"quiet": True}, body=stream,
                                           content_type="application/x-tar"))
        if find(task, name) is None:
            raise TaskError(f"{archive} was loaded, and it holds no image {name}")

    plan.add(f"load {archive}", load)


def identifier(path: Path) -> str:
    """The id of the only image in an archive; empty when that cannot be told without reading much."""
    name, _config = _only(path)
    return f"sha256:{Path(name).name.removesuffix('.json')}" if name else ""


def platform_of(path: Path) -> Platform | None:
    """The platform of the only image in an archive, ``None`` where that cannot be told."""
    name, config = _only(path)
    if not name or not isinstance(config, dict):
        return None
    return Platform(os=str(config.get("os") or "windows"), architecture=str(config.get("architecture") or "amd64"),
                    os_version=str(config.get("os.version") or ""))


def _only(path: Path) -> tuple[str, Any]:
    """The name and the content of the config of the only image in an archive; empty where it has several or none."""
    with suppress(tarfile.TarError, OSError, ValueError, KeyError, IndexError, TypeError), tarfile.open(path) as packed:
        manifests = _member(packed, "manifest.json")
        if len(manifests) == 1:
            name = str(manifests[0]["Config"])
            return name, _member(packed, name)
    return "", None


def _member(packed: tarfile.TarFile, name: str) -> Any:
    member = packed.extractfile(name)
    return json.loads(member.read(_DOCUMENT)) if member is not None else []


def _tag(task: Task, name: str, tag: str) -> None:
    repository, version = split(tag)
    task.client.call("POST", f"/images/{name}/tag", query={"repo": repository, "tag": version}).close()


def _push(task: Task, plan: Plan, name: str, found: shapes.ImageInspect | None) -> None:
    """Push a name when the registry does not have this image under it."""
    repository, tag = split(name)
    here = [one.partition("@")[2] for one in (found.repo_digests if found is not None else ())
            if one.partition("@")[0] in (repository, f"docker.io/{repository}")]
    there = ""
    with suppress(DaemonError):
        there = registry_digest(task, name)
    if there and there in here:
        return
    plan.differs(f"pushed {name}", there or None, here[0] if here else "this image")
    header = auth_header(task) or {"X-Registry-Auth": "e30="}
    plan.add(f"push {name}", lambda: follow(task, task.client.lines(
        "POST", f"/images/{repository}/push", query={"tag": tag}, headers=header,
        silence=task.args.get("timeout") or None)))


def _export(task: Task, plan: Plan, found: shapes.ImageInspect | None) -> None:
    path, name = Path(task.text("export_to")), task.text("name")
    if path.is_file() and not task.args["force"] and found is not None and identifier(path) == found.id:
        return
    if not path.parent.is_dir():
        raise TaskError(f"cannot export to {path}: {path.parent} is not a folder of the control node")
    plan.differs(f"file {path}", "other" if path.exists() else "absent", name)

    def export() -> None:
        draft = Draft(path.parent, prefix=f".{path.name[:80]}.")
        try:
            with task.client.call("GET", "/images/get", query={"names": name}) as answer:
                for data in answer:
                    draft.write(data)
            draft.keep(path)
        except OSError as error:
            raise TaskError(f"cannot export to {path}: {error.strerror or error}") from error
        finally:
            draft.discard()

    plan.add(f"export to {path}", export)


def _check_login(task: Task, name: str) -> None:
    said = login(task)
    if not said:
        raise TaskError("check_login needs registry_username and registry_password, or registry_token")
    host = name.partition("/")[0]
    server = host if "." in host or ":" in host or host == "localhost" else "https://index.docker.io/v1/"
    task.client.json("POST", "/auth", body={**said, "serveraddress": server})
