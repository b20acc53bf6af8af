# SPDX-License-Identifier: Apache-2.0
"""The embedded engine from a program of one's own: ensure one, make a stand-in, run a container, read a file.

    pip install wcow
    python embed.py
"""

from __future__ import annotations

from imagebuild import containers, engine, images, wiring
from imagebuild.dockerapi import Client
from imagebuild.oci import Platform

NAME = "wcow.invalid/example/nanoserver:1"


def main() -> None:
    """Print what a Windows program wrote into a file."""
    found = engine.ensure(idle=60, say=print)  # runs already, is starting, or is started; ends after an idle minute
    with Client.at(found.host) as client, wiring.open_library(wiring.Settings(offline=True)) as library:
        images.make_base(images.BaseRequest(flavour="nanoserver", os_version="10.0.20348.1"), library.local, tag=NAME)
        image = images.bring_image(client, library, NAME, Platform("windows", "amd64"))
        box = containers.run_container(client, containers.Spec(image=image))
        try:
            box.cmd(r"echo written by cmd> C:\note.txt", user="ContainerAdministrator").check()
            print(box.path(r"C:\note.txt").read_text().strip())
        finally:
            containers.remove(client, box.id)


if __name__ == "__main__":
    main()
