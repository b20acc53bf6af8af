# SPDX-License-Identifier: Apache-2.0
"""The markers: which engine, which Windows, which isolation and which features a test needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ._engines.engine import Engine
    from ._run import Run

ANY = 1 << 31
ISOLATIONS = ("process", "hyperv")
KINDS = ("windows", "embedded")

MARKERS = (
    "windows_build(min=None, max=None): skip the test where the engine's Windows has another build",
    "isolation(name): start the test's containers with this isolation, process or hyperv",
    "requires_feature(name): skip the test where the engine lacks it: " + "acl, 32bit, hyperv, services, gui",
    "requires_engine(kind): skip the test on another engine than windows (a real one) or embedded (Wine)",
    "wcow_image(reference): the image of the test's nanoserver or servercore container",
)

NAMES = frozenset(line.partition("(")[0] for line in MARKERS)

#: What the embedded engine has not, and why; every feature that a marker may name is here.
NOT_EMBEDDED = {
    "acl": "Administrators are denied nothing here, and lists of registry keys are not heeded",
    "32bit": "32-bit programs do not run in the embedded engine",
    "hyperv": "the embedded engine has no virtual machines",
    "services": "",
    "gui": "a container of the embedded engine has no desktop that is seen",
}


def apply_markers(item: pytest.Item, run: Run) -> None:
    """Skip the test where a marker says so. An engine is asked only for a test that has such a marker."""
    from ._engines.session import the_engine

    builds, features, kinds = (list(item.iter_markers(name)) for name in
                               ("windows_build", "requires_feature", "requires_engine"))
    isolations = list(item.iter_markers("isolation"))
    for mark in item.iter_markers("wcow_image"):
        if len(mark.args) != 1 or mark.kwargs or not isinstance(mark.args[0], str) or not mark.args[0]:
            _wrong(mark, "the name of an image: wcow_image('mcr.microsoft.com/windows/nanoserver:ltsc2022')")
    for mark in isolations:
        _expect(mark, ISOLATIONS)
    virtual = any(mark.args[0] == "hyperv" for mark in isolations)
    for mark in features:
        _expect(mark, tuple(NOT_EMBEDDED))
    for mark in kinds:
        _expect(mark, KINDS)
    for mark in builds:
        _bounds(mark)
    if not (builds or features or kinds or virtual):
        return
    engine = the_engine(run)
    if virtual and engine.embedded:
        _skip(NOT_EMBEDDED["hyperv"])
    for mark in builds:
        _skip_build(engine, *_bounds(mark))
    for mark in kinds:
        if engine.embedded != (mark.args[0] == "embedded"):
            _skip(f"the test is for the engine of {'Wine' if mark.args[0] == 'embedded' else 'a Windows host'}, "
                        f"and this one is {'the embedded one' if engine.embedded else 'on a Windows host'}")
    for mark in features:
        if engine.embedded and NOT_EMBEDDED[mark.args[0]]:
            _skip(NOT_EMBEDDED[mark.args[0]])


def _skip_build(engine: Engine, least: int, most: int) -> None:
    if not least <= engine.build <= most:
        wanted = f"{least} or later" if most == ANY else f"{least} to {most}"
        _skip(f"the engine's Windows has the build {engine.build}, and the test wants {wanted}")


def _bounds(mark: pytest.Mark) -> tuple[int, int]:
    names = ("min", "max")
    values = {**dict(zip(names, mark.args, strict=False)), **mark.kwargs}
    if set(values) - set(names) or len(mark.args) > 2 or any(not _number(one) for one in values.values()):
        _wrong(mark, "builds as numbers: windows_build(min=17763, max=20348)")
    return int(values.get("min") or 0), int(values.get("max") or ANY)


def _skip(why: str) -> None:
    """Skip the test, at its own place in the summary."""
    raise pytest.skip.Exception(why, _use_item_location=True)


def _number(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _expect(mark: pytest.Mark, known: tuple[str, ...]) -> None:
    if len(mark.args) != 1 or mark.kwargs or mark.args[0] not in known:
        _wrong(mark, f"one of {', '.join(known)}")


def _wrong(mark: pytest.Mark, wanted: str) -> None:
    said = ", ".join([*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())])
    pytest.fail(f"the marker {mark.name}({said}) has no meaning: it takes {wanted}", pytrace=False)
