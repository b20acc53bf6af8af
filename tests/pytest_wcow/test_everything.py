# SPDX-License-Identifier: Apache-2.0
"""Every fixture, option, marker and hook on the embedded engine: what other files use none of, and a list of all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_wcow
from pytest_wcow import _markers, _options, hookspecs
from support import plugin_runs, programs
from support.plugin_runs import Place

HERE = Path(__file__).parent

FIXTURES = r'''
import pytest
from imagebuild.errors import UnsupportedError

@pytest.fixture(scope="session")
def servercore_args(): return {"environ": {"OF": "servercore"}}

def test_lives(container_factory_module, container_factory_session):
    assert container_factory_module().cmd("echo module").stdout == "module\n"
    assert container_factory_session(hostname="web").environ["COMPUTERNAME"] == "WEB"

def test_servercore(servercore, servercore_module, servercore_image):
    assert servercore.environ["OF"] == servercore_module.environ["OF"] == "servercore"
    assert servercore.spec.image == servercore_image
    assert servercore.id != servercore_module.id

def test_host(windows_host, wcow_engine):
    assert windows_host.facts().host.version.build == wcow_engine.build
    with pytest.raises(UnsupportedError, match="the address of an engine alone"):
        windows_host.powershell("1")
'''
IMAGES = r'''
import pytest
@pytest.mark.wcow_image("app.invalid/marked:1")
def test_marker(nanoserver): assert nanoserver.environ["IS"] == "marked"
def test_option(nanoserver): assert nanoserver.environ["IS"] == "chosen"
def test_core(servercore): assert servercore.environ["IS"] == "core"
'''
TAGGED = r'''
import pytest
@pytest.mark.parametrize("name", ["marked", "chosen", "core"])
def test_tag(image_factory, nanoserver_image, wcow_engine, name):
    image = image_factory(f"FROM {nanoserver_image}\nENV IS={name}")
    query = {"repo": f"app.invalid/{name}", "tag": "1"}
    with wcow_engine.client.call("POST", f"/images/{image}/tag", query=query): pass
'''
THREADS = r'''
from concurrent.futures import ThreadPoolExecutor
def test_starts(container_factory):
    with ThreadPoolExecutor(3) as pool:
        boxes = list(pool.map(lambda n: container_factory(hostname=f"box{n}"), range(3)))
    assert len({box.id for box in boxes}) == 3
'''


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with programs.skipping(), plugin_runs.place() as made:
        yield made


def test_each_fixture_option_marker_and_hook_is_used_on_the_embedded_engine() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py")}
    embedded = "\n".join(text for text in texts.values() if "plugin_runs.place(" in text)
    wanted = {f"--wcow-{name}" for name, _, _ in _options._OPTIONS}
    wanted |= {name for name in pytest_wcow.__all__ if not name.startswith(("_", "pytest_"))}
    wanted |= set(_markers.NAMES) | {name for name in vars(hookspecs) if name.startswith("pytest_wcow_")}
    assert len(wanted) > 40
    assert [name for name in sorted(wanted) if not re.search(rf"(?<![\w-]){name}(?![\w-])", embedded)] == []


@pytest.mark.slow
def test_lives_arguments_and_the_host(place: Place) -> None:
    place.pytest(FIXTURES, "--wcow-engine=embedded", "--wcow-missing=skip").passed(3)
    assert place.containers() == []


@pytest.mark.slow
def test_images_by_option_and_marker(place: Place) -> None:
    place.pytest(TAGGED).passed(3)
    place.pytest(IMAGES, "--wcow-image=app.invalid/chosen:1", "--wcow-servercore-image=app.invalid/core:1").passed(3)


@pytest.mark.slow
def test_artifacts_of_every_test_go_to_a_folder(place: Place) -> None:
    place.pytest(plugin_runs.HELLO, "--wcow-artifacts=on", "--wcow-artifacts-dir=kept").passed(1)
    folder = max(place.folder.iterdir(), key=lambda one: one.stat().st_mtime)
    (made,) = (folder / "kept").iterdir()
    assert "Microsoft Windows" in (made / "log.txt").read_text()


@pytest.mark.slow
def test_containers_start_one_at_a_time_where_that_is_asked_for(place: Place) -> None:
    """Three that are asked for at once: nothing starts before the one before it has."""
    run = place.pytest(THREADS, "--wcow-max-starts=1", "--wcow-timeline=t.html", "--wcow-durations=9").passed(1)
    assert run.text.count(" s start nanoserver") == 3


@pytest.mark.slow
def test_where_no_engine_is_found_tests_are_skipped_when_that_is_asked_for(place: Place) -> None:
    missing = f"--wcow-engine=unix://{place.root}/nobody.sock"
    assert place.pytest(plugin_runs.HELLO, missing).counts == {"error": 1}
    assert place.pytest(plugin_runs.HELLO, missing, "--wcow-missing=skip").counts == {"skipped": 1}
