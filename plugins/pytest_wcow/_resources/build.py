# SPDX-License-Identifier: Apache-2.0
"""Images for tests: built by the engine, kept by what they were made of."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .._engines.images import image_of, once
from .things import write_files

if TYPE_CHECKING:
    from .._engines.engine import Engine
    from .._run import Run

BUILD_SECONDS = 3600.0


def build_image(run: Run, engine: Engine, context: Mapping[str, str | bytes] | Path | str, dockerfile: str,
                args: dict[str, str], target: str) -> str:
    """The name of the image of a context; it is built once for all processes, and again when something in it changes.

    A text is a Dockerfile without a context. Raises DaemonError, with the end of the build's output, when it fails.
    """
    with tempfile.TemporaryDirectory(prefix="wcow-build-") as temporary:
        if isinstance(context, Path):
            folder = context
        else:
            folder = Path(temporary)
            write_files(folder, {dockerfile: context} if isinstance(context, str) else context)
        archive = _archive(folder)
    said = json.dumps([dockerfile, args, target], sort_keys=True).encode()
    name = f"wcow.invalid/built:{hashlib.sha256(said + archive).hexdigest()[:32]}"
    if image_of(engine, name) is None:
        with once(engine, name):
            if image_of(engine, name) is None:
                with run.span("build", name):
                    _build(run, engine, name, archive, dockerfile, args, target)
    return name


def _build(run: Run, engine: Engine, name: str, archive: bytes, dockerfile: str, args: dict[str, str],
           target: str) -> None:
    from imagebuild.errors import DaemonError

    from .._report.trouble import remedy

    said: list[str] = []
    query = {"t": name, "dockerfile": dockerfile, "buildargs": json.dumps(args), "target": target or None, "rm": True,
             "forcerm": True, "labels": json.dumps(dict(run.owner.labels(keep="1")))}
    for line in engine.client.lines("POST", "/build", query=query, body=archive, content_type="application/x-tar",
                                    deadline=BUILD_SECONDS, silence=BUILD_SECONDS):
        if not isinstance(line, dict):
            continue
        said.append(str(line.get("stream", "")))
        if line.get("error"):
            raise DaemonError("the image was not built", status=500, hint=remedy(str(line["error"])),
                              why=f"{line['error']}\n{''.join(said)[-3000:]}".strip())


def _archive(folder: Path) -> bytes:
    """The context as an archive that is the same for the same files, whenever and by whom they were written."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            info = archive.gettarinfo(path, path.relative_to(folder).as_posix())
            info.mtime = info.uid = info.gid = 0
            info.uname = info.gname = ""
            info.mode = 0o755 if info.isdir() else 0o644
            if info.isfile():
                with path.open("rb") as stream:
                    archive.addfile(info, stream)
            elif info.isdir():
                archive.addfile(info)
    return out.getvalue()
