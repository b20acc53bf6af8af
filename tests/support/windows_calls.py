# SPDX-License-Identifier: Apache-2.0
"""What a Windows engine says of networks, and of calls about containers that exist."""

from __future__ import annotations

from typing import Any

from .windows_rules import Row

_CONFIG, _ERRORS = "runconfig/hostconfig_windows.go", "runconfig/errors.go"
_DRIVER = "libnetwork/drivers/windows/windows.go"
_UPDATE = "container/container_windows.go"
_EXPERIMENTAL = ("This experimental feature is disabled by default. Start the Docker daemon in experimental mode in "
                 "order to enable it.")
_NAT = "failed to create endpoint {name} on network nat: "


def _network(rule: str, source: str, status: int, says: str = "", **body: Any) -> Row:
    return Row(rule, source, status, says, call="POST /networks/create", body={"Name": "mine", "Driver": "nat", **body})


def _port(rule: str, line: int, says: str, port: str, **binding: str) -> Row:
    return Row(rule, f"{_DRIVER}:{line}", 500, _NAT + says, {"PortBindings": {port: [binding]}}, start=True)


def _endpoints(rule: str, source: str, says: str, version: str = "1.45", **settings: Any) -> Row:
    return Row(rule, source, 400, says, config={"NetworkingConfig": {"EndpointsConfig": settings}}, version=version)


def _clash(line: int, says: str, config: dict[str, Any] | None = None, **host: Any) -> Row:
    return Row("container-network-clashes", f"{_ERRORS}:{line}", 400, f"conflicting options: {says}",
               {"NetworkMode": "container:web", **host}, config or {})


NETWORKS = (
    _network("network-drivers", "plugin/errors.go:8", 404, 'plugin "bridge" not found', Driver="bridge"),
    _network("network-drivers", "daemon/network.go:305", 403, 'This node is not a swarm manager. Use "docker swarm '
             'init" or "docker swarm join" to connect this node to swarm and try again.', Driver="overlay"),
    _network("network-drivers", "libnetwork/drivers/null/null.go:45", 403, 'only one instance of "null" network is '
             "allowed", Driver="null"),
    *(_network("network-drivers", f"{_DRIVER}:112", 201, Name=f"a-{driver}", Driver=driver)
      for driver in ("nat", "transparent", "l2bridge", "l2tunnel", "internal", "private", "ics")),
    _network("network-predefined", "daemon/network.go:43", 403,
             "operation is not permitted on predefined nat network ", Name="nat"),
    Row("network-predefined", "daemon/network.go:539", 403, "nat is a pre-defined network and cannot be removed",
        call="DELETE /networks/nat"),
    _network("network-ipv6", "libnetwork/ipams/windowsipam/windowsipam.go:38", 500,
             "This request is not supported by null ipam driver", EnableIPv6=True),
    _network("network-ip-range", "libnetwork/ipams/windowsipam/windowsipam.go:38", 500,
             "This request is not supported by null ipam driver",
             IPAM={"Config": [{"Subnet": "10.9.0.0/16", "IPRange": "10.9.1.0/24"}]}),
    _network("network-options", f"{_DRIVER}:202", 400,
             "invalid mac pool. You must specify both a start range and an end range",
             Options={"com.docker.network.windowsshim.macpool": "00-15-5D-00-00-01"}),
    _port("host-address", 489, "Windows does not support host IP addresses in NAT settings", "80/tcp",
          HostIp="127.0.0.1", HostPort="0"),
    _port("port-range", 485, "Windows does not support more than one host port in NAT settings", "80/tcp",
          HostPort="20000-20010"),
    _port("port-protocol", 481, "invalid protocol sctp", "80/sctp"),
    Row("host-network", "libnetwork/error.go:11", 404, "network host not found",
        {"NetworkMode": "host"}, start=True),
    Row("container-network-hyperv", f"{_CONFIG}:29", 500, "Using the network stack of another container is not "
        "supported while using Hyper-V Containers", {"NetworkMode": "container:web", "Isolation": "hyperv"}),
    Row("container-network", "runconfig/hostconfig.go:26", 400,
        "Invalid network mode: invalid container format container:<name|id>", {"NetworkMode": "container:"}),
    Row("container-network", "daemon/errors.go:38", 404, "No such container: nobody",
        {"NetworkMode": "container:nobody"}, start=True),
    Row("container-network", "daemon/container_operations.go:966", 409,
        "cannot join network of a non running container: ended", {"NetworkMode": "container:ended"}, start=True),
    _clash(15, "hostname and the network mode", {"Hostname": "a"}),
    _clash(13, "dns and the network mode", Dns=["1.1.1.1"]),
    _clash(21, "custom host-to-IP mapping and the network mode", ExtraHosts=["a:1.1.1.1"]),
    _clash(23, "port publishing and the container type network mode", PublishAllPorts=True),
    _clash(25, "port exposing and the container type network mode", {"ExposedPorts": {"80/tcp": {}}}),
    _clash(5, "container type network can't be used with links. This would result in undefined behavior",
           Links=["a"]),
    _endpoints("endpoint-settings", "daemon/create.go:335", "invalid config for network nat: EndpointsConfig is nil",
               nat=None),
    _endpoints("endpoint-settings", "daemon/container_operations.go:619", "invalid config for network nat: invalid "
               "endpoint settings:\ninvalid IPv4 address: x", nat={"IPAMConfig": {"IPv4Address": "x"}}),
    _endpoints("endpoint-settings", "api/types/network/endpoint.go:116", "invalid config for network nat: invalid "
               "endpoint settings:\nno configured subnet or ip-range contain the IP address 10.99.0.1",
               nat={"IPAMConfig": {"IPv4Address": "10.99.0.1"}}),
    _endpoints("one-network-of-old-clients", "api/server/router/container/container_routes.go:612",
               "Container cannot be created with multiple network endpoints: nat, mine", "1.43", nat={}, mine={}),
    Row("alias-on-default", "daemon/container_operations_windows.go:162", 204, start=True,
        config={"NetworkingConfig": {"EndpointsConfig": {"nat": {"Aliases": ["www"]}}}}),
    Row("address-on-default", "daemon/container_operations_windows.go:157", 204, start=True,
        config={"NetworkingConfig": {"EndpointsConfig": {"nat": {"IPAMConfig": {"IPv4Address": "172.28.0.77"}}}}}),
)


def _update(status: int, says: str, source: str, **body: Any) -> Row:
    rule = "update-restart" if "RestartPolicy" in body else "update-limits"
    return Row(rule, source, status, says, call="POST /containers/{made}/update", body=body)


def _limit(**body: Any) -> Row:
    return _update(500, "Cannot update container {id}: resource updating isn't supported on Windows",
                   f"{_UPDATE}:173", **body)


def _call(rule: str, source: str, status: int, says: str, call: str, ours: str = "") -> Row:
    return Row(rule, source, status, says, call=call, ours=ours)


CONTAINERS = (
    *(_limit(**{name: 1}) for name in ("CpuShares", "Memory", "NanoCpus", "CpuQuota", "CpuCount", "CpuPercent",
                                      "IOMaximumIOps", "IOMaximumBandwidth")),
    _limit(OomKillDisable=False),
    _limit(Devices=[{"PathOnHost": "class/x"}]),
    _update(400, "invalid option: Windows does not support CpusetCpus", "daemon/daemon_windows.go:144",
            CpusetCpus="0"),
    _update(200, "", f"{_UPDATE}:180", RestartPolicy={"Name": "always"}),
    _call("commit-running", "daemon/commit.go:135", 500, "windows does not support commit of a running container",
          "POST /commit?container={running}"),
    _call("diff-running", "daemon/changes.go:21", 500, "Windows does not support diff of a running container",
          "GET /containers/{running}/changes"),
    *(_call("export", "daemon/export.go:24", 500, "the daemon on this operating system does not support exporting "
            "Windows containers", f"GET /containers/{{{which}}}/export") for which in ("ended", "running")),
    _call("pause", "libcontainerd/local/local_windows.go", 500,
          "cannot pause container {id}: cannot pause Windows Server Containers", "POST /containers/{running}/pause"),
    _call("pause", "daemon/errors.go:19", 409, "container {id} is not running", "POST /containers/{ended}/pause"),
    _call("unpause", "daemon/unpause.go:26", 500, "Container {id} is not paused", "POST /containers/{running}/unpause"),
    *(_call("checkpoint", "api/server/router/experimental.go:38", 501, _EXPERIMENTAL, call) for call in (
        "GET /containers/{running}/checkpoints", "POST /containers/{running}/checkpoints",
        "DELETE /containers/{running}/checkpoints/one")),
    _call("checkpoint", "daemon/start.go:45", 400, "checkpoint is only supported in experimental mode",
          "POST /containers/{made}/start?checkpoint=one"),
    _call("top-arguments", "daemon/top_windows.go:32", 500, "Windows does not support arguments to top",
          "GET /containers/{running}/top?ps_args=aux"),
    _call("top-arguments", "daemon/top_windows.go:32", 500, "Windows does not support arguments to top",
          "GET /containers/nobody/top?ps_args=aux"),
    _call("top-titles", "daemon/errors.go:19", 409, "container {id} is not running", "GET /containers/{ended}/top",
          ours="moby forgets to look at its own error, and ends the connection"),
    _call("remove-link", "daemon/delete.go:68", 500, "Conflict, cannot remove the default link name of the container",
          "DELETE /containers/{ended}?link=1"),
    _call("cp-system-drive", "pkg/archive/path_windows.go:19", 500,
          "the specified path is not on the system drive (C:)", "GET /containers/{ended}/archive?path=D:/x"),
    _call("cp-system-drive", "pkg/archive/path_windows.go:13", 500, 'no relative path specified in "C:"',
          "PUT /containers/{ended}/archive?path=C:"),
    _call("unknown-signal", "daemon/kill.go:45", 400,
          "cannot kill container: {id}: the windows daemon does not support signal 99",
          "POST /containers/{running}/kill?signal=99"),
    _call("unknown-signal", "daemon/stop.go:40", 500, "cannot stop container: {id}: invalid signal: NONE",
          "POST /containers/{running}/stop?signal=NONE"),
    _call("unknown-signal", "daemon/restart.go:26", 500, "Cannot restart container {id}: invalid signal: NONE",
          "POST /containers/{running}/restart?signal=NONE"),
)

ROWS = (*NETWORKS, *CONTAINERS)
