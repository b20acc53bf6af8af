# SPDX-License-Identifier: Apache-2.0
"""A docker context for the time of a tunnel, as docker itself writes one (docker/cli ``cli/context/store``)."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ...errors import StoreError, UsageError, quoted
from ...files import write_whole

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]+")
_OURS = "wcow tunnel to "


@contextmanager
def tunnel_context(name: str, address: str, host: str, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """A context of this name leads to the tunnel's socket for the block. One that a tunnel left is replaced; StoreError
    when another has the name."""
    if not _NAME.fullmatch(name) or name == "default":
        raise UsageError(f"{quoted(name[:60])} cannot be the name of a docker context",
                         why="it has two or more letters, digits and ._+-, and is not 'default'")
    said = os.environ if environment is None else environment
    base = Path(said.get("DOCKER_CONFIG") or Path(said.get("HOME") or Path.home()) / ".docker")
    folder = base / "contexts" / "meta" / sha256(name.encode()).hexdigest()
    file = folder / "meta.json"
    if file.exists() and not _is_ours(file):
        raise StoreError(f"there is a docker context {name} already", why=f"{file} is not a tunnel's",
                         hint="choose another name, or 'docker context rm' it")
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    document = {"Name": name, "Metadata": {"Description": _OURS + host},
                "Endpoints": {"docker": {"Host": address, "SkipTLSVerify": False}}}
    data = json.dumps(document).encode()
    write_whole(file, data, mode=0o644)
    try:
        yield
    finally:
        if file.is_file() and file.read_bytes() == data:
            shutil.rmtree(folder, ignore_errors=True)


def _is_ours(file: Path) -> bool:
    try:
        return str(json.loads(file.read_bytes())["Metadata"]["Description"]).startswith(_OURS)
    except (OSError, ValueError, LookupError, TypeError):
        # what cannot be read is not taken for ours, and not overwritten
        return False
