# SPDX-License-Identifier: Apache-2.0
"""The bill of materials of an image, by Anchore's ``syft`` where it is installed.

It reads an OCI layout (``syft scan oci-dir:DIR``) and prints SPDX 2.3 as JSON; we look at none of it but its form.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from ..errors import ToolError

PROGRAM = "syft"
LIMIT_SECONDS = 1800
LIMIT_BYTES = 256 << 20


def sbom(layout: Path, *, program: str = PROGRAM) -> bytes:
    """The SPDX document of the one image in an OCI layout, as syft wrote it.

    ToolError when syft is missing, fails, takes more than half an hour, or says something that is no SPDX.
    """
    found = shutil.which(program)
    if found is None:
        raise ToolError("cannot list what is in the image", program=program,
                        why=f"the program {program} is not installed",
                        hint="install syft (github.com/anchore/syft), or leave out --sbom")
    # No update check and no configuration of the folder we happen to stand in: the image decides what comes out.
    argv = [found, "scan", f"oci-dir:{layout}", "--output", "spdx-json", "--quiet"]
    env = {"PATH": str(Path(found).parent), "HOME": str(layout.parent), "SYFT_CHECK_FOR_APP_UPDATE": "false"}
    try:
        done = subprocess.run(argv, capture_output=True, timeout=LIMIT_SECONDS, check=False, stdin=subprocess.DEVNULL,
                              env=env)
    except subprocess.TimeoutExpired as error:
        raise ToolError("cannot list what is in the image", program=program,
                        why=f"{program} was still running after {LIMIT_SECONDS} s") from error
    except OSError as error:
        raise ToolError("cannot list what is in the image", program=program,
                        why=f"{found} could not be started: {error.strerror}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ToolError("cannot list what is in the image", program=program,
                        why=f"{program} ended with {done.returncode}: {said[-1] if said else 'it said nothing'}")
    if len(done.stdout) > LIMIT_BYTES or not _is_spdx(done.stdout):
        raise ToolError("cannot list what is in the image", program=program,
                        why=f"what {program} printed is no SPDX document")
    return done.stdout


def _is_spdx(data: bytes) -> bool:
    try:
        document = json.loads(data)
    except ValueError:  # refused by the caller
        return False
    return isinstance(document, dict) and str(document.get("spdxVersion", "")).startswith("SPDX-")
