# SPDX-License-Identifier: Apache-2.0
"""The hives of an image as the sandbox wants them: what the OS layers come to, and what the layers above changed."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ...events import result_of
from ...hive import Key, KeyLike, Union
from ...hive import read as read_hive
from ...hive.places import HIVES, HiveName
from ...images.hives.read import Registry
from ...images.inspect.rootfs import Rootfs
from ...runtime.registry.identity import account
from ...runtime.registry.registry import ImageRegistry, Sides

ACCOUNTS = r"SAM\Domains\Account\Users\Names"
"""The key of the hive SAM whose subkeys are named as the local accounts."""


def image_registry(rootfs: Rootfs, windows: int, user: str = "") -> ImageRegistry:
    """The hives of a prepared image whose lowest ``windows`` layers are the OS, and that of the account ``user``, whose
    registry Wine shows as HKEY_CURRENT_USER. FormatError for a damaged one."""
    registry = Registry(rootfs)
    return ImageRegistry(system=_machine(registry, rootfs, HIVES["SYSTEM"], windows),
                         software=_machine(registry, rootfs, HIVES["SOFTWARE"], windows),
                         default=_machine(registry, rootfs, HIVES["DEFAULT"], windows),
                         user=_user(rootfs, windows, user))


def registry_layers(rootfs: Rootfs, windows: int, user: str) -> tuple[int, ...]:
    """The numbers of the layers on which :func:`image_registry` depends: those of Windows, those with a delta, and the
    one that brings the account's hive."""
    registry = Registry(rootfs)
    own = rootfs.union().get(f"Files/Users/{account(user)}/NTUSER.DAT")
    return tuple(number for number in range(len(rootfs.union().indexes))
                 if number < max(windows, 1) or (own is not None and own.layer == number)
                 or any(registry.delta(HIVES[name], number) is not None for name in HIVES))


def local_accounts(rootfs: Rootfs, windows: int) -> tuple[str, ...]:
    """The names of the local accounts that the image's SAM has: Windows' own, and those that were added."""
    sides = _machine(Registry(rootfs), rootfs, HIVES["SAM"], windows)
    found = Union(sides.base, *sides.deltas).get(ACCOUNTS) if sides else None
    return tuple(child.name for child in found.subkeys) if found else ()


def _machine(registry: Registry, rootfs: Rootfs, hive: HiveName, windows: int) -> Sides | None:
    roots: list[KeyLike] = []
    base: list[KeyLike] = []
    for number in range(len(rootfs.union().indexes)):
        found = registry.delta(hive, number)
        if found is not None:
            (base if number < max(windows, 1) else roots).append(found.root)
    if not base and not roots:
        return None
    return Sides(Union(*base).root if len(base) > 1 else base[0] if base else Key(""), tuple(roots))


def _user(rootfs: Rootfs, windows: int, user: str) -> Sides | None:
    """The user's own hive, where a layer above the OS brings one: such a file has all of it, so it goes over Wine's."""
    profile = f"Files/Users/{account(user)}/NTUSER.DAT"
    found = rootfs.union().get(profile)
    if found is None or found.layer < windows:
        return None
    with TemporaryDirectory(prefix="wcow-", ignore_cleanup_errors=True) as folder:
        files = result_of(rootfs.fetch((profile,), Path(folder)))
        return Sides(Key(""), (read_hive(files[profile].read_bytes(), source=profile).root,))
