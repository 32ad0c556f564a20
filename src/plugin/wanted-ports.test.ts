import { describe, expect, test } from "vitest";
import type { PortMapping } from "../cni/runtime-config.ts";
import { Address } from "../ip/address.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import { describePort } from "../ipam/host-port.ts";
import { type Mode, podNetwork } from "../pod/pod-network.ts";
import { wantedPorts } from "./wanted-ports.ts";

const probe = { count: 0, intervalMs: 20 };
const bridge: Mode = {
  kind: "bridge",
  bridge: "hextet0",
  gateways: [],
  hairpin: false,
  isolated: false,
  adopt: false,
  probe,
};
const stacks = { v4: ["10.1.0.2/24"], v6: ["fd00::2/64"], dual: ["fd00::2/64", "fd01::2/64", "10.1.0.2/24"] };
type Column = keyof typeof stacks;

function networkOf(families: Column, mode: Mode = { kind: "routed" }) {
  return podNetwork({
    attachment: { network: "pods", containerId: "a", interfaceName: "eth0" },
    mode,
    addresses: stacks[families].map((text) => ({ address: InterfaceAddress.parse(text) })),
  });
}

function mapping(hostPort: number, hostIp?: string, more: Partial<PortMapping> = {}): PortMapping {
  const on = hostIp === undefined ? {} : { hostIp: Address.parse(hostIp) };
  return { hostPort, containerPort: 80, protocol: "tcp", ...on, ...more };
}

function decided(families: Column, mappings: readonly PortMapping[], mode?: Mode) {
  const ports = wantedPorts(mappings, networkOf(families, mode));
  return ports.map((port) => `${describePort(port)} to ${port.target} ${port.targetPort}`);
}

const v4 = "8080/tcp to 10.1.0.2/32 80";
const v6 = "8080/tcp to fd00::2/128 80";

describe("a mapping", () => {
  test.for<[Column, string | undefined, readonly string[]]>([
    ["v4", undefined, [v4]],
    ["v6", undefined, [v6]],
    ["dual", undefined, [v6, v4]],
    ["v4", "0.0.0.0", [v4]],
    ["v6", "::", [v6]],
    ["dual", "0.0.0.0", [v4]],
    ["dual", "::", [v6]],
    ["dual", "127.0.0.1", ["127.0.0.1:8080/tcp to 10.1.0.2/32 80"]],
    ["dual", "2001:db8::1", ["[2001:db8::1]:8080/tcp to fd00::2/128 80"]],
  ])("of a pod of %s with hostIP %s is %j", ([families, hostIp, expected]) => {
    expect(decided(families, [mapping(8080, hostIp)])).toEqual(expected);
  });

  test("knows in mode bridge who else is on the pod's link", () => {
    expect(decided("dual", [mapping(8080)], bridge)).toEqual([
      "8080/tcp to fd00::2/64 80",
      "8080/tcp to 10.1.0.2/24 80",
    ]);
  });

  test("that is there twice is one", () => {
    expect(decided("v6", [mapping(8080), mapping(8080), mapping(8080, undefined, { protocol: "udp" })])).toEqual([
      v6,
      "8080/udp to fd00::2/128 80",
    ]);
  });

  test.for<[string, Column, readonly PortMapping[], string]>([
    [
      "of IPv4 for a pod without",
      "v6",
      [mapping(8080, "0.0.0.0")],
      "0.0.0.0:8080/tcp: the pod has no address of IPv4; leave hostIP out, or give the network a range of IPv4",
    ],
    [
      "of IPv6 for a pod without",
      "v4",
      [mapping(8080, "2001:db8::1")],
      "[2001:db8::1]:8080/tcp: the pod has no address of IPv6; leave hostIP out, or give the network a range of IPv6",
    ],
    [
      "of ::1",
      "dual",
      [mapping(8080, "::1")],
      "[::1]:8080/tcp: the kernel lets nothing from ::1 leave the node, unlike 127.0.0.1; name another address of the node, or leave hostIP out",
    ],
    [
      "of a link-local address",
      "dual",
      [mapping(8080, "fe80::1")],
      "[fe80::1]:8080/tcp: the kernel forwards nothing that came to a link-local address; name another address of the node, or leave hostIP out",
    ],
    [
      "of a multicast address",
      "dual",
      [mapping(8080, "ff02::1")],
      "[ff02::1]:8080/tcp: this is no address of a node but of many; name another address of the node, or leave hostIP out",
    ],
    [
      "to two ports",
      "v6",
      [mapping(8080), mapping(8080, undefined, { containerPort: 81 })],
      "8080/tcp cannot lead to port 81: it leads to port 80 of the pod as 8080/tcp; choose another hostPort for one of them",
    ],
    [
      "of all addresses beside one of one",
      "v4",
      [mapping(8080, "192.0.2.1"), mapping(8080)],
      "8080/tcp cannot lead to port 80: it leads to port 80 of the pod as 192.0.2.1:8080/tcp; choose another hostPort for one of them",
    ],
  ])("%s (%s) is refused", ([, families, mappings, message]) => {
    expect(() => decided(families, mappings)).toThrow(`runtimeConfig.portMappings: ${message}`);
  });

  test("of a pod on macvlan is refused, and no mapping is not", () => {
    const macvlan: Mode = { kind: "macvlan", macvlanMode: "bridge", probe };
    expect(() => decided("dual", [mapping(8080)], macvlan)).toThrow(
      "runtimeConfig.portMappings: in mode macvlan a pod is beside the node and not behind it, so no port of the node can lead to it; use mode routed or bridge, or the pod's own address",
    );
    expect(decided("dual", [], macvlan)).toEqual([]);
  });
});
