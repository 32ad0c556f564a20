// The `portMappings` capability as ports of the node, one for each family in which it can be: decided before anything is made. Pure.
import type { PortMapping } from "../cni/runtime-config.ts";
import { ConfigError } from "../config/config-error.ts";
import { type Address, type Family, families, familyName } from "../ip/address.ts";
import { describePort, type HostPort } from "../ipam/host-port.ts";
import type { PodNetwork } from "../pod/pod-network.ts";

const key = "runtimeConfig.portMappings";

/** Throws a ConfigError for what the pod cannot be reached by. */
export function wantedPorts(mappings: readonly PortMapping[], network: PodNetwork): readonly HostPort[] {
  if (mappings.length === 0) return [];
  if (network.mode.kind === "macvlan") {
    const why = "in mode macvlan a pod is beside the node and not behind it, so no port of the node can lead to it";
    throw new ConfigError(key, `${why}; use mode routed or bridge, or the pod's own address`);
  }
  const ports: HostPort[] = [];
  for (const port of mappings.flatMap((mapping) => portsOf(mapping, network))) {
    const other = ports.find((one) => isInTheWay(one, port));
    if (other === undefined) ports.push(port);
    else if (!isSame(other, port)) throw new ConfigError(key, twice(other, port));
  }
  return ports;
}

/** Without an address of the node, each family of the pod; with one, or with the one that stands for all of a family, that family. */
function portsOf(mapping: PortMapping, network: PodNetwork): readonly HostPort[] {
  const { hostIp, hostPort: port, containerPort: targetPort, protocol } = mapping;
  if (hostIp !== undefined) requireUsable(mapping, hostIp);
  const on = hostIp === undefined || hostIp.isUnspecified ? {} : { hostAddress: hostIp };
  const wanted = hostIp === undefined ? families : [hostIp.family];
  const ports = wanted.flatMap((family) => {
    const target = addressOf(network, family);
    return target === undefined ? [] : [{ protocol, port, ...on, target, targetPort }];
  });
  if (ports.length > 0 || hostIp === undefined) return ports;
  const family = familyName(hostIp.family);
  const fix = `leave hostIP out, or give the network a range of ${family}`;
  throw new ConfigError(key, `${describe(mapping)}: the pod has no address of ${family}; ${fix}`);
}

function addressOf({ addresses }: PodNetwork, family: Family) {
  return addresses.find(({ address }) => address.family === family)?.address;
}

function requireUsable(mapping: PortMapping, hostIp: Address): void {
  const refuse = (why: string) => {
    throw new ConfigError(key, `${describe(mapping)}: ${why}; name another address of the node, or leave hostIP out`);
  };
  if (hostIp.isMulticast) refuse("this is no address of a node but of many");
  if (hostIp.family === "v4") return;
  if (hostIp.isLoopback) refuse("the kernel lets nothing from ::1 leave the node, unlike 127.0.0.1");
  if (hostIp.isLinkLocal) refuse("the kernel forwards nothing that came to a link-local address");
}

function isInTheWay(one: HostPort, other: HostPort): boolean {
  if (one.target.family !== other.target.family || one.protocol !== other.protocol || one.port !== other.port)
    return false;
  const [first, second] = [one.hostAddress, other.hostAddress];
  return first === undefined || second === undefined || first.equals(second);
}

/** Runtimes hand over the ports of all containers of a pod, and two may name the same. */
function isSame(one: HostPort, other: HostPort): boolean {
  return one.targetPort === other.targetPort && String(one.hostAddress) === String(other.hostAddress);
}

function twice(one: HostPort, other: HostPort): string {
  const to = `it leads to port ${one.targetPort} of the pod as ${describePort(one)}`;
  return `${describePort(other)} cannot lead to port ${other.targetPort}: ${to}; choose another hostPort for one of them`;
}

function describe({ protocol, hostPort: port, hostIp }: PortMapping): string {
  return describePort({ protocol, port, ...(hostIp === undefined ? {} : { hostAddress: hostIp }) });
}
