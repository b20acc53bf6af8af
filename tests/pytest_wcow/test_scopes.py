# SPDX-License-Identifier: Apache-2.0
"""Containers that live longer than a test: of a class, a module, the session; when they end, whose log they show."""

from __future__ import annotations

from support.plugin_stage import Stage

pytest_plugins = "pytester"


def test_a_fixture_of_a_class_makes_its_container_with_the_module_s_factory(on: Stage) -> None:
    on.run('''
import pytest
ids = []
@pytest.fixture(scope="class")
def box(container_factory_module): return container_factory_module(hostname="web")
class TestIt:
    def test_one(self, box): ids.append(box.id)
    def test_two(self, box): assert ids == [box.id] and box.spec.hostname == "web"
def test_other(container_factory_module, container_factory_session, wcow_engine):
    container_factory_session()
    states = [one["State"] for one in wcow_engine.client.json("GET", "/containers/json", query={"all": True})]
    assert len(states) == 2
''').assert_outcomes(passed=3)
    assert on.script.asked.count("create") == 2
    assert on.script.states == {}


def test_a_container_of_the_module_ends_before_the_next_module_begins(on: Stage) -> None:
    on.pytester.makepyfile(test_first='''
def test_one(container_factory_module, container_factory_session):
    container_factory_module(), container_factory_session()
''')
    on.run('''
def test_two(wcow_engine):
    assert len(wcow_engine.client.json("GET", "/containers/json", query={"all": True})) == 1
''', "test_first.py").assert_outcomes(passed=2)
    assert on.script.states == {}


def test_a_failed_test_shows_the_log_of_what_it_uses_however_it_got_it_and_of_nothing_else(on: Stage) -> None:
    on.script.log = b"last words\r\n"
    result = on.run('''
import pytest
class App:
    def __init__(self, box): self.box = box
@pytest.fixture(scope="module")
def app(container_factory_module): return App(container_factory_module(name="in-an-app"))
def test_uses(app): assert 0
def test_does_not(): assert 0
''')
    result.assert_outcomes(failed=2)
    text = result.stdout.str()
    assert text.count("last words") == 1
    assert text.index("last words") < text.index("_ test_does_not _")
