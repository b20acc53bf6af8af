# SPDX-License-Identifier: Apache-2.0
r"""What a Windows engine says of mounts, as ``Mounts``, ``Binds`` and ``Volumes``.

The engine's drive ``C:`` holds the folder ``C:\here`` and the file ``C:\here\file.txt``.
"""

from __future__ import annotations

from typing import Any

from .windows_rules import Row

_PARSER = "volume/mounts/windows_parser.go"
_ROUTES = "api/server/router/container/container_routes.go"
_PIPE = "\\\\.\\pipe\\"
_HERE = "c:\\here"


def _mount(rule: str, line: int | str, why: str, kind: str = "bind", source: str = _HERE, target: str = "c:\\x",
           **more: Any) -> Row:
    return Row(rule, _place(line), 400, f'invalid mount config for type "{kind}": {why}',
               {"Mounts": [{"Type": kind, "Source": source, "Target": target, **more}]})


def _bind(rule: str, line: int | str, spec: str, why: str = "", kind: str = "bind") -> Row:
    text = f"invalid volume specification: '{spec}'"
    return Row(rule, _place(line), 500, f'{text}: invalid mount config for type "{kind}": {why}' if why else text,
               {"Binds": [spec]})


def _place(line: int | str) -> str:
    """A line of the parser, or another file of its package with a line."""
    return f"{_PARSER}:{line}" if isinstance(line, int) else f"volume/mounts/{line}"


def _taken(rule: str, line: int, *specs: str, start: bool = True, **mount: Any) -> Row:
    host = {"Mounts": [mount]} if mount else {"Binds": list(specs)}
    return Row(rule, f"{_PARSER}:{line}", 204 if start else 201, host=host, start=start)


TYPES = (
    _mount("mount-types", 304, "mount type unknown", "tmpfs", ""),
    _mount("mount-types", 304, "mount type unknown", "image", "app:1"),
    _mount("mount-types", 304, "mount type unknown", "cluster", "x"),
    _mount("mount-types", 304, "mount type unknown", "", "x"),
    _taken("mount-types", 228, Type="bind", Source=_HERE, Target="c:\\x"),
    _taken("mount-types", 257, Type="volume", Source="data", Target="c:\\x"),
    Row("tmpfs", f"{_PARSER}:452", 400, "windows does not support tmpfs", {"Tmpfs": {"c:\\x": ""}},
        ours="moby has the sentence and never says it: the mount is forgotten, silently"),
    _mount("mount-fields", "validate.go:28", "field Target must not be empty", target=""),
    _mount("mount-fields", "validate.go:28", "field Source must not be empty", source=""),
    _mount("mount-fields", "validate.go:28", "field Source must not be empty", "npipe", "", _PIPE + "x"),
)

BINDS = (
    _mount("bind-absolute", 166, "invalid mount path: 'here' mount path must be absolute", source="here"),
    _mount("bind-absolute", 166, "invalid mount path: '.\\here' mount path must be absolute", source=".\\here"),
    _mount("bind-missing", "validate.go:20", "bind source path does not exist: C:\\nowhere", source="C:\\nowhere"),
    _bind("bind-missing", "validate.go:20", "C:\\nowhere:C:\\x", "bind source path does not exist: c:\\nowhere"),
    _mount("bind-missing", "validate.go:20", "bind source path does not exist: Z:\\here", source="Z:\\here"),
    _mount("bind-file", 254, "source path must be a directory", source="C:\\here\\file.txt"),
    _bind("bind-file", 254, "C:\\here\\file.txt:C:\\x", "source path must be a directory"),
    Row("bind-file", f"{_PARSER}:131", 500, "file 'c:\\here\\file.txt' cannot be mapped. Only directories can be "
        "mapped on this platform", {"Binds": ["C:\\here\\file.txt"]}),
    _mount("propagation", 235, "invalid propagation mode: rshared", BindOptions={"Propagation": "rshared"}),
    _bind("propagation", "mounts.go:271", "C:\\here:C:\\x:rshared"),
    Row("bind-options", f"{_ROUTES}:564", 400, 'VolumeOptions must not be specified on mount type "bind"',
        {"Mounts": [{"Type": "bind", "Source": _HERE, "Target": "c:\\x", "VolumeOptions": {"NoCopy": True}}]}),
    Row("bind-options", f"{_ROUTES}:567", 400, 'BindOptions must not be specified on mount type "npipe"',
        {"Mounts": [{"Type": "npipe", "Source": _PIPE + "x", "Target": _PIPE + "x",
                     "BindOptions": {"NonRecursive": True}}]}),
    _taken("long-prefix", 46, "\\\\?\\C:\\here:\\\\?\\C:\\x"),
    _bind("unc-source", "mounts.go:271", "\\\\server\\share:C:\\x"),
    _mount("unc-source", 166, "invalid mount path: '\\\\server\\share' mount path must be absolute",
           source="\\\\server\\share"),
    Row("duplicate-mounts", "daemon/errors.go:95", 400, "Duplicate mount point: c:\\x",
        {"Binds": ["C:\\here:C:\\x", "data:C:\\x"]}),
    Row("volumes-from", f"{_PARSER}:428", 400, "volumes-from specification cannot be an empty string",
        {"VolumesFrom": [""]}),
    Row("volumes-from", "volume/mounts/mounts.go:267", 400, "invalid mode: z", {"VolumesFrom": ["x:z"]}),
    Row("volumes-from", "daemon/errors.go:38", 400, "No such container: nobody", {"VolumesFrom": ["nobody"]}),
    Row("spec-shape", "daemon/create_windows.go:24", 500,
        "Unrecognised volume spec: invalid volume specification: 'data'", config={"Volumes": {"data": {}}}),
    _bind("spec-shape", "mounts.go:271", "C:\\here:C:\\x:ro:z"),
    _bind("spec-shape", "mounts.go:271", "C:\\x:ro"),
)

TARGETS = (
    _mount("target-drive-c", 149, "destination path cannot be `c:` or `c:\\`: c:", target="C:"),
    _mount("target-drive-c", 149, "destination path cannot be `c:` or `c:\\`: c:\\", target="C:\\"),
    _mount("target-drive-c", 149, "destination path cannot be `c:` or `c:\\`: c:\\", target="C:/"),
    _bind("target-drive-c", 149, "C:\\here:C:\\", "destination path cannot be `c:` or `c:\\`: c:\\"),
    _mount("target-absolute", 159, "invalid mount path: 'x'", target="x"),
    _mount("target-absolute", 159, "invalid mount path: '/x'", target="/x"),
    _bind("target-absolute", "mounts.go:271", "C:\\here:x"),
    _taken("target-drive", 73, "C:\\here:D:"),
    _taken("target-drive", 73, Type="bind", Source=_HERE, Target="E:\\"),
    _mount("pipe-writable", "validate.go:24", "field ReadOnly must not be specified", "npipe", _PIPE + "x", _PIPE + "x",
           ReadOnly=True),
    _mount("pipe-ends", 297, "'c:\\here' is not a valid pipe path", "npipe", _HERE, _PIPE + "x"),
    _mount("pipe-ends", 301, "'c:\\x' is not a valid pipe path", "npipe", _PIPE + "x"),
    Row("pipe-start", "daemon/errors.go:185", 400,
        "hcs::CreateComputeSystem {id}: The system cannot find the file specified.",
        {"Binds": [f"{_PIPE}x:{_PIPE}x"]}, start=True,
        ours="as where nobody listens on the pipe: nobody can on this machine"),
)

VOLUMES = (
    *(_bind("reserved-names", 191, f"{name}:C:\\x", f'volume name "{name}" cannot be a reserved word for Windows '
            "filenames", "volume") for name in ("con", "prn", "nul", "aux", "com1", "lpt9")),
    _mount("reserved-names", 191, 'volume name "nul" cannot be a reserved word for Windows filenames', "volume", "nul"),
    _mount("reserved-names", 188, "invalid volume name", "volume", "a|b"),
    _mount("anonymous-volumes", 275, "must not set ReadOnly mode when using anonymous volumes", "volume", "",
           ReadOnly=True),
    Row("anonymous-volumes", "volume/mounts/parser.go:16", 400, "must not set Subpath when using anonymous volumes",
        {"Mounts": [{"Type": "volume", "Target": "c:\\x", "VolumeOptions": {"Subpath": "x"}}]}),
    _mount("anonymous-volumes", "parser.go:20", "subpath must be a relative path within the volume", "volume", "data",
           VolumeOptions={"Subpath": "..\\x"}),
    Row("volume-options", "volume/local/local_windows.go:21", 400,
        "create mine: options are not supported on this platform",
        {"Mounts": [{"Type": "volume", "Source": "mine", "Target": "c:\\x",
                     "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"type": "nfs"}}}}]}),
    Row("volume-options", "volume/local/local_windows.go:21", 400,
        "create mine: options are not supported on this platform", call="POST /volumes/create",
        body={"Name": "mine", "DriverOpts": {"type": "tmpfs"}}),
)

ROWS = (*TYPES, *BINDS, *TARGETS, *VOLUMES)
