# SPDX-License-Identifier: Apache-2.0
"""One tree, several products: each ships all its rooms and nothing that lies about in a checkout."""

from __future__ import annotations

import re
import shutil
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from support import programs

from imagebuild.runtime import toolchain

REPOSITORY = Path(__file__).resolve().parent.parent

#: What a checkout gathers and nobody wants in a package.
LITTER = (
    ".coverage", ".venv/bin/python", ".pytest_cache/README.md", ".env", "build/lib/imagebuild/old.py",
    "dist/wcow-0.tar.gz", "out/layer.tar", "site/index.html", ".demo/registry/blob", "wcow.egg-info/PKG-INFO",
    "tests/output/x.json", "tests/integration/inventory", "imagebuild/__pycache__/errors.cpython-311.pyc",
    "changelogs/.plugin-cache.yaml", "mutants/imagebuild/errors.py", "mutants/mutmut-stats.json",
    ".fuzz/state.json",
)
#: Top-level names of the collection's tarball.
COLLECTION = {"CHANGELOG.md", "CONTRIBUTING.md", "COPYING", "FILES.json", "LICENSE", "MANIFEST.json", "README.md",
              "SECURITY.md", "changelogs", "docs", "imagebuild", "meta", "playbooks", "plugins", "roles"}
#: Scripts of the engine's own PowerShell, which ansible-test would judge as if hosts ran them.
ENGINES = re.compile(r"imagebuild/(?:programs/windows_powershell|hostd)/.*\.ps[dm]?1")


def tracked() -> list[str]:
    """The files that are in git, or are about to be (new and not ignored)."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout, so nothing says which files belong to the project")
    git = programs.find("git")
    done = programs.run(git, "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=REPOSITORY)
    return sorted(name for name in set(done.stdout.split("\0")) - {""} if (REPOSITORY / name).is_file())


def library_files(names: list[str]) -> set[str]:
    return {name for name in names if name.startswith("imagebuild/")}


@pytest.fixture(scope="module")
def littered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project as it lies in a developer's checkout after some work."""
    folder = tmp_path_factory.mktemp("checkout") / "wcow"
    for name in tracked():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target)
    for name in LITTER:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("litter\n")
    return folder


@pytest.fixture(scope="module")
def archives(littered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist and the wheel, built as `python -m build` does, with the setuptools that is here."""
    pytest.importorskip("build", reason="the Python package build is not installed (scripts/setup test)")
    out = tmp_path_factory.mktemp("dist")
    programs.run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, littered, timeout=600)
    return out


@pytest.fixture(scope="module")
def wheel(archives: Path) -> set[str]:
    (path,) = archives.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sdist(archives: Path) -> set[str]:
    (path,) = archives.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {str(PurePosixPath(*PurePosixPath(member.name).parts[1:])) for member in archive if member.isfile()}


@pytest.fixture(scope="module")
def tarball(littered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as Galaxy would get it."""
    program = Path(sys.executable).with_name("ansible-galaxy")
    if not program.exists():
        pytest.skip("ansible-galaxy is not installed (scripts/setup test)")
    out = tmp_path_factory.mktemp("galaxy")
    programs.run(program, "collection", "build", "--output-path", out, littered,
                 env={"ANSIBLE_HOME": str(out / "home"), "ANSIBLE_LOCAL_TEMP": str(out / "tmp")})
    (path,) = out.glob("wcow-containers-*.tar.gz")
    return path


@pytest.fixture(scope="module")
def collection(tarball: Path) -> set[str]:
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive if member.isfile()}


#: What the build step compiles where mingw-w64 is; without it the wheel is built too.
COMPILED = {f"imagebuild/runtime/programs/{name}" for name in toolchain.PROGRAMS}


def test_the_wheel_holds_every_file_of_the_library(wheel: set[str]) -> None:
    assert library_files(sorted(wheel)) - COMPILED == library_files(tracked())


def test_the_wheel_holds_the_sandboxs_programs_where_there_is_a_compiler(wheel: set[str]) -> None:
    compiler = shutil.which("x86_64-w64-mingw32-gcc")
    assert COMPILED & wheel == (COMPILED if compiler else set())


def test_the_wheel_holds_nothing_else_but_the_plugin_and_its_papers(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    papers = {name for name in tops if name.endswith(".dist-info")}
    assert len(papers) == 1
    assert tops - papers <= {"imagebuild", "pytest_wcow"}
    assert f"{papers.pop()}/licenses/LICENSE" in wheel


def test_the_wheel_holds_the_pytest_plugin_and_says_where_pytest_finds_it(archives: Path, wheel: set[str]) -> None:
    mine = {name.removeprefix("plugins/") for name in tracked() if name.startswith("plugins/pytest_wcow/")}
    assert {name for name in wheel if name.startswith("pytest_wcow/")} == mine
    assert "pytest_wcow/py.typed" in mine
    (path,) = archives.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        (papers,) = (name for name in wheel if name.endswith("/entry_points.txt"))
        assert "[pytest11]\npytest_wcow = pytest_wcow\n" in archive.read(papers).decode()


def test_the_collection_leaves_the_pytest_plugin_out(collection: set[str]) -> None:
    assert not {name for name in collection if "pytest_wcow" in name}


def test_the_source_archive_can_build_the_same_wheel(sdist: set[str]) -> None:
    """The wheel above was built from it (as `python -m build` does), so the library is whole; these come beside it."""
    assert {"LICENSE", "README.md", "pyproject.toml", "PKG-INFO"} <= sdist
    assert library_files(sorted(sdist)) == library_files(tracked())
    assert not {name for name in sdist if name in LITTER and not name.startswith("wcow.egg-info/")}


def test_the_collection_holds_the_expected_set_and_no_litter(collection: set[str]) -> None:
    tops = {name.split("/")[0] for name in collection}
    assert tops == COLLECTION
    assert not set(LITTER) & collection


def test_the_collection_holds_of_the_documentation_what_galaxys_site_shows(collection: set[str]) -> None:
    docs = {name for name in collection if name.startswith("docs/")}
    assert docs == {name for name in tracked() if name.startswith("docs/docsite/")}
    assert {"docs/docsite/links.yml", "docs/docsite/extra-docs.yml"} <= docs


def test_the_collection_holds_playbooks_and_what_an_execution_environment_needs(collection: set[str]) -> None:
    assert {"playbooks/container_host.yml", "playbooks/example.yml", "playbooks/upgrade_engine.yml",
            "meta/execution-environment.yml", "meta/ee-requirements.txt", "meta/ee-bindep.txt"} <= collection


def test_an_execution_environment_gets_what_the_package_says_is_enough() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = {*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)}
    lines = (REPOSITORY / "meta/ee-requirements.txt").read_text().splitlines()
    wanted = {line for line in lines if line and not line.startswith("#")}
    assert wanted <= known
    assert {re.split("[>=]", one)[0] for one in wanted} >= {"h11", "pypsrp", "pywinrm", "zstandard", "filelock",
                                                            "requests"}


def test_the_collection_holds_every_file_of_the_library(collection: set[str]) -> None:
    shipped = {name for name in library_files(tracked()) if not ENGINES.fullmatch(name)}
    assert library_files(sorted(collection)) == shipped
    assert "meta/runtime.yml" in collection


#: Imports every module of the library but the front ends, from inside the collection.
IMPORT_ALL = """
import importlib, pathlib, sys
top = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(top))
names = sorted(".".join(path.relative_to(top).with_suffix("").parts).removesuffix(".__init__")
               for path in (top / "ansible_collections/wcow/containers/imagebuild").rglob("*.py"))
names = [name for name in names if not {"cli", "engine", "hostd", "__main__"} & set(name.split("."))]
for name in names:
    importlib.import_module(name)
print(len(names), "imagebuild" in sys.modules)
"""


def test_every_room_loads_inside_the_collection_without_any_other_package(tarball: Path, tmp_path: Path) -> None:
    with tarfile.open(tarball) as archive:
        archive.extractall(tmp_path / "ansible_collections/wcow/containers", filter="data")
    # -S: no site-packages, so neither a third-party package nor an installed imagebuild can help.
    done = programs.run(sys.executable, "-I", "-S", "-c", IMPORT_ALL, tmp_path)
    count, absolute = done.stdout.split()
    assert int(count) > 1
    assert absolute == "False"


def test_all_products_have_one_version() -> None:
    import yaml  # type: ignore[import-untyped]

    from imagebuild import __version__

    galaxy = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text(encoding="utf-8"))
    assert galaxy["version"] == __version__.replace(".dev", "-dev")


def test_the_command_is_the_one_the_readme_names() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"wcow": "imagebuild.cli:main"}
    assert (REPOSITORY / "LICENSE").read_text().lstrip().startswith("Apache License")
    assert (REPOSITORY / "COPYING").read_text().lstrip().startswith("GNU GENERAL PUBLIC LICENSE")
