# SPDX-License-Identifier: Apache-2.0
"""What stands in the layers that a program wrote, in the words of the page."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from makers import MTIME, WISH, Made

from imagebuild.codec import open_reader
from imagebuild.oci import Platform
from imagebuild.windows.acl.sddl import format_sddl, parse_sddl
from imagebuild.windows.security import SecurityDescriptor
from imagebuild.wiring import Settings, open_library

WINDOWS = Platform("windows", "amd64")
TIMES = ("mtime", "atime", "ctime", "LIBARCHIVE.creationtime")


class Written:
    """An image as its bytes say: the entries of the layers above the base, the base's own, config and manifest."""

    def __init__(self, name: str) -> None:
        with (tempfile.TemporaryDirectory(prefix="wcow-peers-") as folder,
              open_library(Settings(store=Path(folder, "store"), cache=Path(folder, "cache"))) as library):
            found = library.find(f"docker://{name}", WINDOWS)
            self.digest = str(found.descriptor.digest)
            self.config: dict[str, Any] = json.loads(found.image.config_bytes())
            self.manifest: dict[str, Any] = json.loads(found.image.manifest_bytes())
            layers = []
            for layer in found.image.layers:
                with found.store.open_blob(layer) as blob:
                    data = open_reader(blob).read()
                with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                    layers.append({member.name: member for member in tar})
        self.base = layers[0]
        self.layers = layers[1:]
        self.entries = {name: member for layer in layers[1:] for name, member in layer.items()}

    def app(self, name: str) -> tarfile.TarInfo:
        """An entry below ``C:\\app``, wherever the program put that."""
        path = f"app/{name}".rstrip("/")
        return self.entries.get(f"Files/{path}") or self.entries[path]


def sddl(member: tarfile.TarInfo) -> str:
    """The security of an entry, as SDDL in a table's cell."""
    raw = member.pax_headers.get("MSWINDOWS.rawsd")
    return f"`{format_sddl(SecurityDescriptor.from_bytes(base64.b64decode(raw)))}`" if raw else "no descriptor"


def _count(image: Written, made: Made) -> str:
    return str(len(image.layers))


def _types(image: Written, made: Made) -> str:
    families = {"Docker's" if "docker" in part["mediaType"] else "OCI's"
                for part in (image.manifest["config"], *image.manifest["layers"][1:])}
    return " and ".join(sorted(families))


def _top(image: Written, made: Made) -> str:
    tops = dict.fromkeys(name.partition("/")[0] for layer in image.layers for name in layer)
    return ", ".join(f"`{top}`" for top in sorted(tops))


def _parent(image: Written, made: Made) -> str:
    name = "Files/Windows/System32"
    entry, base = image.entries.get(name), image.base[name]
    if entry is None:
        return "no entry"
    return "as the base has it" if sddl(entry) == sddl(base) else f"replaced by {sddl(entry)}"


def _parent_attributes(image: Written, made: Made) -> str:
    entry = image.entries.get("Files/Windows/System32")
    if entry is None:
        return "no entry"
    base = image.base["Files/Windows/System32"]
    same = attributes(entry) == attributes(base)
    return ("as the base has them" if same else f"replaced by {attributes(entry)}") + ", " + (
        "time kept" if entry.mtime == base.mtime else "time replaced")


def attributes(member: tarfile.TarInfo) -> str:
    """``MSWINDOWS.fileattr`` in hexadecimal."""
    value = member.pax_headers.get("MSWINDOWS.fileattr")
    return f"{int(value):#x}" if value else "none"


def _wish(image: Written, made: Made) -> str:
    if made.wish_error:
        return f"refused: `{made.wish_error}`; without it {sddl(image.app('private.txt'))}"
    found = sddl((Written(made.wish) if made.wish else image).app("private.txt"))
    wish = format_sddl(parse_sddl(WISH.partition("=")[2]))
    if found.strip("`").partition("D:")[2].replace("PAI", "P") == wish.partition("D:")[2].replace("PAI", "P"):
        return "as wished"
    said = "`--chown=ContainerUser` changes nothing: " if made.wish else "no words for it: "
    return said + found


def _link(name: str) -> Callable[[Written, Made], str]:
    def tell(image: Written, made: Made) -> str:
        entry = image.app(name)
        return f"`{entry.linkname}`, attributes {attributes(entry)}"
    return tell


def _hard(image: Written, made: Made) -> str:
    entry = image.app("same.txt")
    return f"a link to `{entry.linkname}`" if entry.islnk() else "a file of its own"


def _empty(image: Written, made: Made) -> str:
    return "written" if image.app("empty").isdir() else "lost"


def _times(image: Written, made: Made) -> str:
    found = [name for name in TIMES if name == "mtime" or name in image.app("hello.txt").pax_headers]
    return ", ".join(f"`{name}`" for name in found)


def _modified(image: Written, made: Made) -> str:
    time = image.app("hello.txt").mtime
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d") + (" (the file's)" if time == MTIME else
                                                                     " (the base's creation)")


def _hives(image: Written, made: Made) -> str:
    return f"in {sum('Hives' in layer for layer in image.layers)} of {len(image.layers)}"


def _version(image: Written, made: Made) -> str:
    return f"`{image.config['os.version']}`" if image.config.get("os.version") else "lost"


def _path(image: Written, made: Made) -> str:
    env = [value for value in image.config["config"].get("Env", ()) if value.upper().startswith("PATH=")]
    return f"`{env[0]}`" if env else "as in the base: none"


def _created(image: Written, made: Made) -> str:
    created = image.config.get("created", "")
    if not created or created.startswith("0001"):
        return "none"
    return "the base's creation" if created.startswith("1980-01-01") else "the time of the build"


def _again(image: Written, made: Made) -> str:
    return "the same digest" if Written(made.again).digest == image.digest else "another digest"


def _touched(image: Written, made: Made) -> str:
    return "the same digest" if Written(made.touched).digest == image.digest else "another digest"


ROWS: tuple[tuple[str, Callable[[Written, Made], str]], ...] = (
    ("layers above the base", _count),
    ("media types of config and new layers", _types),
    ("at the top of the layers", _top),
    ("`Hives`", _hives),
    (r"ACL of `C:\Windows\System32`", _parent),
    (r"attributes and time of `C:\Windows\System32`", _parent_attributes),
    ("ACL of a new folder", lambda image, made: sddl(image.app(""))),
    ("ACL of a new file", lambda image, made: sddl(image.app("hello.txt"))),
    ("the file that only ContainerUser may read", _wish),
    ("attributes of a new file", lambda image, made: attributes(image.app("hello.txt"))),
    ("symlink to a file, `hello.txt`", _link("link.txt")),
    ("symlink to a folder, `bin`", _link("dir")),
    ("hard link", _hard),
    ("empty folder", _empty),
    ("times of a file", _times),
    ("its modification time", _modified),
    ("`os.version`", _version),
    ("`PATH`", _path),
    ("`created`", _created),
    ("the same files built again", _again),
    ("built again after `touch`", _touched),
)
