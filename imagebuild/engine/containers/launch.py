# SPDX-License-Identifier: Apache-2.0
"""From a container's record to a box that is ready to start: its image unpacked, mounts found, networks made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...builder.plan.mounts import INSIDE
from ...dockerapi import faults, shapes
from ...runtime.port import Box, BoxSpec, Command, Limits, Mount, Sandbox
from ...windows.upcase import fold
from ..interfaces import Attachment, ImagePart, NetworkPart, Published, VolumePart
from ..networks import ports
from ..networks import request as net_request
from ..validation.runtime import check_start
from ..volumes.hostpath import HostPaths, open_below
from ..volumes.mounts import for_box
from ..volumes.mountspec import is_pipe
from .container import Container
from .secrets import Secrets

if TYPE_CHECKING:
    from ..settings import EngineSettings

BOX = "box"
"""The box's folder in the container's."""


class Launch:
    """Prepares starts; its methods block and run in threads."""

    def __init__(self, settings: EngineSettings, sandbox: Sandbox, images: ImagePart, volumes: VolumePart,
                 networks: NetworkPart) -> None:
        self._settings = settings
        self._sandbox = sandbox
        self._images = images
        self._volumes = volumes
        self._networks = networks

    def prepare(self, container: Container, other: Container | None = None) -> tuple[Box, Command]:
        """The box and the main program; ``other`` is whose network it shares. A fault when anything is missing;
        :meth:`undo` then takes it all back."""
        check_start(container.id, container.host)
        unpacked = self._images.unpack(container.image)
        mounts = for_box(container.mounts, container.host, self._volumes, container.id,
                         HostPaths(self._settings.drives, self._settings.native))
        mounts += self._folders(container)
        if not container.config.network_disabled:
            container.attachment = self._attach(container, other)
        attachment = container.attachment
        proxy, environment = container.proxy, environment_of(container)
        if proxy is not None:
            proxy.listen(self._networks, container.id)
            environment |= proxy.environment()
        secrets = container.secrets or Secrets()
        environment |= secrets.environment
        spec = BoxSpec(
            container.id, container.folder / BOX, container.config.hostname or container.short, unpacked.layers,
            unpacked.registry, environment, container.config.user or "ContainerAdministrator", mounts,
            limits_of(container), attachment.namespace, hosts_of(container, next(iter(attachment.dns), "")),
            tuple((other or container).host.dns or ()) or attachment.dns, self._settings.build, self._settings.revision,
            unpacked.accounts, unpacked.powershell, any(is_pipe(mount.destination) for mount in container.mounts),
            self._settings.own_drive, proxy.certificates if proxy else b"",
            tuple(secrets.files.items()), discarded=container.host.auto_remove)
        command = Command(container.command, container.config.working_dir, tty=container.config.tty)
        return self._sandbox.open(spec), command

    def _folders(self, container: Container) -> tuple[Mount, ...]:
        """The folders of images that the container is shown."""
        out = []
        for target, image in container.folders.items():
            found = open_below(self._images.unpack(image).layers[-1], (INSIDE,))
            if found is None:
                raise faults.Internal(f"image {image} has no folder to show")
            out.append(Mount(found.path, target, read_only=True, folder=found))
        return tuple(out)

    def _attach(self, container: Container, other: Container | None) -> Attachment:
        """Its networks. One that was taken out of all of them gets that of its mode back (``daemon``'s
        ``allocateNetwork``)."""
        if other is not None:
            if other.config.network_disabled:
                return Attachment(None)
            return self._networks.join(container.id, container.name, other.id)
        if not container.networks:
            container.networks = {self._networks.check(container.host.network_mode): shapes.EndpointSettings()}
        asked = [net_request.wanted(name, settings, container.config.hostname)
                 for name, settings in container.networks.items()]
        return self._networks.attach(container.id, container.name, asked, published(container))

    def undo(self, container: Container) -> None:
        """The start failed: networks are free again."""
        if container.proxy is not None:
            container.proxy.drop()
        self._networks.detach(container.id)
        container.attachment = type(container.attachment)(None)


def published(container: Container) -> list[Published]:
    """The ports that the container asks to have on this machine."""
    out: list[Published] = []
    for key, bindings in (container.host.port_bindings or {}).items():
        port = ports.container_port(key)
        if port is not None:  # a container that an earlier version made may ask for what is none
            out += [Published(*port, binding.host_ip, _host_port(container, binding)) for binding in bindings or ()]
    if container.host.publish_all_ports:
        known = {(port.port, port.protocol) for port in out}
        for key in container.config.exposed_ports or ():
            port = ports.container_port(key)
            if port is not None and port not in known:
                out.append(Published(*port))
    return out


def _host_port(container: Container, binding: shapes.PortBinding) -> int:
    first, last = ports.host_range(binding.host_port) or (0, 0)
    if first != last:
        raise net_request.port_range(container.name, container.host.network_mode)
    return first


def environment_of(container: Container) -> dict[str, str]:
    """Variables of image and container; of names that differ in case only, the last counts."""
    out: dict[str, tuple[str, str]] = {}
    for line in container.config.env or ():
        name, equals, value = line.partition("=")
        if equals and name:
            out[fold(name)] = (name, value)
    return dict(out.values())


def limits_of(container: Container) -> Limits:
    """What the container may use."""
    host = container.host
    cpus = host.nano_cpus / 1e9 if host.nano_cpus else float(host.cpu_count) if host.cpu_count else None
    return Limits(host.memory or None, cpus)


def hosts_of(container: Container, gateway: str = "") -> tuple[tuple[str, str], ...]:
    """Addresses and names that the user added: ``--add-host name:address``. ``host-gateway`` is the engine's own
    address in the container's network; without one the name is left out."""
    pairs = (line.replace("=", ":", 1).partition(":") for line in container.host.extra_hosts or ())
    found = ((gateway if address == "host-gateway" else address.strip(), name) for name, _colon, address in pairs)
    return tuple((address, name) for address, name in found if address)
