# SPDX-License-Identifier: Apache-2.0
"""The build step that pyproject.toml cannot say: compile the sandbox's Windows programs where a compiler is.

They end beside their sources in what is installed. Without mingw-w64 the build succeeds too; ``wcow engine start`` then
compiles them, or names the package to install.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

TOOLCHAIN = Path(__file__).parent / "imagebuild" / "runtime" / "toolchain.py"


class BuildPrograms(build_py):
    """``build_py``, and then the programs. An editable build leaves them out: a checkout compiles into a cache."""

    def run(self) -> None:
        """Build what setuptools builds, then compile; a source that does not compile fails the build."""
        super().run()
        if self.editable_mode:
            return
        spec = importlib.util.spec_from_file_location("wcow_toolchain", TOOLCHAIN)
        assert spec is not None and spec.loader is not None
        toolchain = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(toolchain)
        if not toolchain.compile_all(Path(self.build_lib, "imagebuild", "runtime", "programs")):
            self.warn("the sandbox's programs are not compiled; that needs the Debian packages "
                      + ", ".join(toolchain.missing()))


setup(cmdclass={"build_py": BuildPrograms})
