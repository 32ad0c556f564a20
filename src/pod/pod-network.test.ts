import { describe, expect, test } from "vitest";
import { ConfigError } from "../config/config-error.ts";
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import {
  isOffLink,
  type Mode,
  type PodAddress,
  type PodNetworkInput,
  type PodRoute,
  podNetwork,
} from "./pod-network.ts";

const attachment = { network: "pods", containerId: "4f2c", interfaceName: "eth0" };
const probe = { count: 3, intervalMs: 100 };
const routed: Mode = { kind: "routed" };
const bridge: Mode = {
  kind: "bridge",
  bridge: "hextet0",
  gateways: [],
  hairpin: false,
  isolated: false,
  adopt: false,
  probe,
};
const macvlan: Mode = { kind: "macvlan", macvlanMode: "bridge", probe };
const slaac: Mode = { ...macvlan, slaac: { timeoutMs: 10_000 } };

const v6 = lease("2001:db8::2/64", "2001:db8::1");
const v4 = lease("10.1.0.2/24", "10.1.0.1");

function lease(address: string, gateway?: string): PodAddress {
  return {
    address: InterfaceAddress.parse(address),
    ...(gateway === undefined ? {} : { gateway: Address.parse(gateway) }),
  };
}

function route(destination: string, gateway?: string, more: Partial<PodRoute> = {}): PodRoute {
  const via = gateway === undefined ? {} : { gateway: Address.parse(gateway) };
  return { destination: Prefix.parse(destination), ...via, ...more };
}

function decide(input: Partial<PodNetworkInput>) {
  const network = podNetwork({ attachment, mode: routed, addresses: [v6, v4], ...input });
  const routes = network.routes.map(({ destination, gateway, scope, mtu }) =>
    [destination, gateway && `via ${gateway}`, scope && `scope ${scope}`, mtu && `mtu ${mtu}`]
      .filter(Boolean)
      .join(" "),
  );
  return {
    network,
    routes,
    addresses: network.addresses.map(({ address, gateway }) => `${address} ${gateway ?? "-"}`),
  };
}

describe("addresses", () => {
  test.for([
    { family: "IPv6 only", given: [v6], addresses: ["2001:db8::2/128 fe80::1"] },
    { family: "IPv4 only", given: [v4], addresses: ["10.1.0.2/32 169.254.1.1"] },
    {
      family: "dual-stack, two of IPv6",
      given: [v6, lease("fd00::2/64"), v4],
      addresses: ["2001:db8::2/128 fe80::1", "fd00::2/128 fe80::1", "10.1.0.2/32 169.254.1.1"],
    },
  ])("a routed pod's are alone in their prefixes and have the host as gateway: $family", ({ given, addresses }) => {
    expect(decide({ addresses: given }).addresses).toEqual(addresses);
  });

  test.for([{ mode: bridge }, { mode: macvlan }])(
    "in mode $mode.kind they keep their prefix and gateway",
    ({ mode }) => {
      expect(decide({ mode }).addresses).toEqual(["2001:db8::2/64 2001:db8::1", "10.1.0.2/24 10.1.0.1"]);
    },
  );
});

describe("routes", () => {
  test.for([
    { mode: routed, addresses: [v6], routes: ["::/0 via fe80::1"] },
    { mode: routed, addresses: [v4], routes: ["0.0.0.0/0 via 169.254.1.1"] },
    { mode: routed, addresses: [v4, v6], routes: ["::/0 via fe80::1", "0.0.0.0/0 via 169.254.1.1"] },
    { mode: bridge, addresses: [v6], routes: ["::/0 via 2001:db8::1"] },
    { mode: bridge, addresses: [v4], routes: ["0.0.0.0/0 via 10.1.0.1"] },
    { mode: bridge, addresses: [v4, v6], routes: ["::/0 via 2001:db8::1", "0.0.0.0/0 via 10.1.0.1"] },
    { mode: macvlan, addresses: [lease("fd00::2/64"), v4], routes: ["0.0.0.0/0 via 10.1.0.1"] },
    { mode: slaac, addresses: [v4], routes: ["0.0.0.0/0 via 10.1.0.1"] },
  ])("left out, each family with a gateway has a default one: $mode.kind $routes", ({ mode, addresses, routes }) => {
    expect(decide({ mode, addresses }).routes).toEqual(routes);
  });

  test("given, they are all; those of a family the pod does not speak are left out", () => {
    const wanted = [route("0.0.0.0/0"), route("fd00:1::/64", "2001:db8::9", { mtu: 1300 })];
    expect(decide({ mode: bridge, addresses: [v6], routes: wanted }).routes).toEqual([
      "fd00:1::/64 via 2001:db8::9 mtu 1300",
    ]);
    expect(decide({ mode: bridge, routes: [] }).routes).toEqual([]);
  });

  test("a routed pod's all go through the host, whatever gateway they name", () => {
    const wanted = [route("fd00:1::/64", "2001:db8::9"), route("10.0.0.0/8", undefined, { scope: 253 })];
    expect(decide({ routes: wanted }).routes).toEqual(["fd00:1::/64 via fe80::1", "10.0.0.0/8 via 169.254.1.1"]);
  });

  test("without a gateway they go through the address's, unless their scope is the link", () => {
    const wanted = [route("fd00:1::/64"), route("10.0.0.0/8", undefined, { scope: 253 })];
    expect(decide({ mode: macvlan, routes: wanted }).routes).toEqual([
      "fd00:1::/64 via 2001:db8::1",
      "10.0.0.0/8 scope 253",
    ]);
  });

  test("with SLAAC, those of IPv6 are kept although no address is known yet", () => {
    const wanted = [route("fd00:1::/64", "fe80::9")];
    expect(decide({ mode: slaac, addresses: [], routes: wanted }).routes).toEqual(["fd00:1::/64 via fe80::9"]);
  });

  test("a gateway outside every prefix is off the link, a link-local one never is", () => {
    const { network } = decide({ mode: macvlan });
    const offLink = (gateway: string) => isOffLink(network, Address.parse(gateway));
    expect(["10.1.0.1", "10.2.0.1", "2001:db8::7", "2001:db9::1", "fe80::7"].map(offLink)).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
  });
});

test("sysctls are named with dots or slashes, and IFNAME is the pod's interface", () => {
  const sysctls = { "net.ipv4.conf.IFNAME.arp_filter": "1", "net/core/somaxconn": "4096" };
  expect(decide({ sysctls }).network.sysctls).toEqual({
    "net/ipv4/conf/eth0/arp_filter": "1",
    "net/core/somaxconn": "4096",
  });
});

describe("what cannot be", () => {
  test("is a limit of bandwidth where the node has no end of the link", () => {
    expect(() => decide({ mode: macvlan, bandwidth: { toPod: { bitsPerSecond: 1e6 } } })).toThrow(
      "runtimeConfig.bandwidth: the node has no end of a pod's link in mode macvlan to limit it on; use mode routed or bridge, or leave the limit out",
    );
  });

  test.for<{ path: string; message: string; input: Partial<PodNetworkInput> }>([
    { path: "ipam", message: "mode routed needs an address", input: { addresses: [] } },
    { path: "mtu", message: "1279 is too small for IPv6, which needs 1280", input: { mtu: 1279 } },
    { path: "mtu", message: "1279 is too small for IPv6", input: { mode: slaac, addresses: [v4], mtu: 1279 } },
    { path: "mtu", message: "67 is too small for IPv4, which needs 68", input: { addresses: [v4], mtu: 67 } },
    {
      path: "mac",
      message: "01:00:5e:00:00:01 cannot be a link's own",
      input: { mac: Mac.parse("01:00:5e:00:00:01") },
    },
    { path: "mac", message: "00:00:00:00:00:00 cannot be", input: { mac: Mac.parse("00:00:00:00:00:00") } },
    {
      path: "ipam",
      message: "address 2001:db8::2 is there twice",
      input: { addresses: [v6, lease("2001:db8::2/48")] },
    },
    {
      path: "ipam",
      message: "2001:db8::2/64 cannot have the IPv4 gateway 10.0.0.1",
      input: { mode: bridge, addresses: [lease("2001:db8::2/64", "10.0.0.1")], routes: [] },
    },
    {
      path: "sysctl",
      message: '"kernel/core_pattern" is not of the pod',
      input: { sysctls: { "kernel/core_pattern": "x" } },
    },
    { path: "sysctl", message: "is not of the pod's network", input: { sysctls: { "net/../kernel/x": "1" } } },
  ])("$path: $message", ({ path, message, input }) => {
    expect(() => decide(input)).toThrow(ConfigError);
    expect(() => decide(input)).toThrow(`${path}: `);
    expect(() => decide(input)).toThrow(message);
  });

  test.for([
    { families: "IPv4", addresses: [v4], mtu: 68 },
    { families: "IPv6", addresses: [v6], mtu: 1280 },
    { families: "both", addresses: [v6, v4], mtu: 1280 },
  ])("the least MTU of $families is $mtu", ({ addresses, mtu }) => {
    expect(decide({ addresses, mtu }).network.mtu).toBe(mtu);
  });
});
