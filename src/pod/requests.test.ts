import { expect, test } from "vitest";
import type { Link } from "../netlink/link.ts";
import type { Request } from "../netlink/request.ts";
import { bridgeHostSide, bridgeLeavings, bridgeNeighbors } from "./bridge.ts";
import { bridgeMacOf } from "./identity.ts";
import type { PodNetwork } from "./pod-network.ts";
import { podRoutes, unquestionedAddresses } from "./pod-side.ts";
import { routedHostSide, routedPodSide, routeToPod } from "./routed.ts";
import { bridge, macvlan, probe, routed, sample, severalOfEach, stacks } from "./sample-networks.ts";
import { hostSysctls, podSysctls, probeSysctls } from "./sysctls.ts";
import { createPair } from "./veth.ts";

const [v6Only, v4Only, dual] = stacks;
const host: Link = {
  index: 7,
  name: "hx1234567890abc",
  mtu: 1500,
  group: 0,
  up: false,
  carrier: false,
  loopback: false,
  state: "down",
  addressGeneration: "eui64",
};
const pod = { index: 2, addressGeneration: "eui64" } as const;
const namespace = { fd: 5, path: "/run/netns/pod1", [Symbol.dispose]: () => {} };
const hextet0: Link = { ...host, index: 3, name: "hextet0", kind: "bridge", mac: bridgeMacOf("hextet0", "b1") };
const ours = { link: hextet0, ours: true, leadsElsewhere: false };

/** What the requests do, in words; the derived MACs as H, P and B. */
function story(network: PodNetwork, requests: readonly Request[]): string[] {
  const names = [
    [network.hostMac, "H"],
    [network.podMac, "P"],
    [hextet0.mac, "B"],
    [network.podMac.linkLocal, "fe80::P"],
  ] as const;
  return requests.map(({ operation }) =>
    names.reduce((text, [value, letter]) => text.replaceAll(String(value), letter), operation),
  );
}

function routedStory(stack = dual ?? severalOfEach, kernelHasIpv6 = true) {
  const network = sample(2, stack, { mode: routed, mtu: 1400 });
  const { addressGeneration: _, ...bare } = host;
  const ends = kernelHasIpv6 ? { host, pod } : { host: bare, pod: { index: 2 } };
  return {
    host: story(network, [
      createPair(network, namespace),
      ...routedHostSide(network, ends.host),
      ...network.addresses.map((address) => routeToPod(address, 7)),
    ]),
    pod: story(network, [...routedPodSide(network, ends.pod), ...podRoutes(network, 2)]),
  };
}

test("a routed dual-stack pod takes 17 requests", () => {
  expect(routedStory()).toEqual({
    host: [
      "create veth link hxdd0f36ca773e7 with peer eth0 in /run/netns/pod1",
      'set alias "hextet pods/c2/eth0", address generation none on link 7',
      "set up on link 7",
      "add address fe80::1/64 on link 7",
      "add neighbor 2001:db8:1::2 with MAC P on link 7",
      "add neighbor 10.1.0.2 with MAC P on link 7",
      "add route 2001:db8:1::2/128 dev 7",
      "add route 10.1.0.2/32 dev 7",
    ],
    pod: [
      "set address generation none on link 2",
      "set up on link 2",
      "add address fe80::P/64 on link 2",
      "add address 2001:db8:1::2/128 on link 2",
      "add address 10.1.0.2/32 on link 2",
      "add neighbor fe80::1 with MAC H on link 2",
      "add neighbor 169.254.1.1 with MAC H on link 2",
      "add route ::/0 via fe80::1 dev 2",
      "add route 0.0.0.0/0 via 169.254.1.1 dev 2 onlink",
    ],
  });
});

test("a routed IPv6 pod has the lines of IPv6 and no others", () => {
  const { host, pod } = routedStory(v6Only);
  expect([...host, ...pod].filter((line) => /\d+\.\d+\.\d+\.\d+/.test(line))).toEqual([]);
  expect(pod).toEqual([
    "set address generation none on link 2",
    "set up on link 2",
    "add address fe80::P/64 on link 2",
    "add address 2001:db8:1::2/128 on link 2",
    "add neighbor fe80::1 with MAC H on link 2",
    "add route ::/0 via fe80::1 dev 2",
  ]);
});

test("a routed IPv4 pod has the lines of IPv4, and the link stays without IPv6 addresses", () => {
  const { host, pod } = routedStory(v4Only);
  expect([...host, ...pod].filter((line) => line.includes("::"))).toEqual([]);
  expect(pod).toEqual([
    "set address generation none on link 2",
    "set up on link 2",
    "add address 10.1.0.2/32 on link 2",
    "add neighbor 169.254.1.1 with MAC H on link 2",
    "add route 0.0.0.0/0 via 169.254.1.1 dev 2 onlink",
  ]);
});

test("a kernel without IPv6 is not asked for a mode of address generation", () => {
  const { host, pod } = routedStory(v4Only, false);
  expect(host[1]).toBe('set alias "hextet pods/c2/eth0" on link 7');
  expect(pod[0]).toBe("set up on link 2");
});

test("a pod on our bridge has its port, its MAC and its neighbors written down", () => {
  const network = sample(2, dual ?? severalOfEach, { mode: bridge });
  expect(story(network, bridgeHostSide(network, bridge, ours, host))).toEqual([
    'set port {"hairpin":false,"isolated":false} on link 7',
    'set alias "hextet pods/c2/eth0", address generation none on link 7',
    "set up on link 7",
    "replace forwarding of P on link 7",
    "replace neighbor 2001:db8:1::2 with MAC P on link 3",
    "replace neighbor 10.1.0.2 with MAC P on link 3",
  ]);
  // Not fd00:1::1 and 10.2.0.1, gateways of the bridge for other pods.
  expect(story(network, bridgeNeighbors(network, bridge, ours, 2))).toEqual([
    "add neighbor 2001:db8:1::1 with MAC B on link 2",
    "add neighbor 10.1.0.1 with MAC B on link 2",
  ]);
  expect(story(network, unquestionedAddresses(network, 2))).toEqual([
    "add address fe80::P/64 on link 2",
    "add address 2001:db8:1::2/64 on link 2",
    "add address 10.1.0.2/24 on link 2",
  ]);
  expect(story(network, podRoutes(network, 2))).toEqual([
    "add route ::/0 via 2001:db8:1::1 dev 2",
    "add route 0.0.0.0/0 via 10.1.0.1 dev 2",
  ]);
  expect(story(network, bridgeLeavings(network, ours))).toEqual([
    "remove neighbor 2001:db8:1::2 from link 3",
    "remove neighbor 10.1.0.2 from link 3",
  ]);
});

test("of a bridge that is not ours no MAC is written down, and nothing on it", () => {
  const network = sample(2, dual ?? severalOfEach, { mode: bridge });
  const theirs = { ...ours, ours: false };
  expect(story(network, bridgeHostSide(network, bridge, theirs, host)).join()).not.toContain("link 3");
  expect(bridgeNeighbors(network, bridge, theirs, 2)).toEqual([]);
  expect(bridgeLeavings(network, theirs)).toEqual([]);
});

test("a gateway beyond the pod's prefixes is reached all the same: it is said to be on the link", () => {
  const gateway = sample(2, v4Only ?? severalOfEach, { mode: routed }).addresses[0]?.address.address;
  const { addresses } = sample(2, { addresses: () => severalOfEach.addresses(3).slice(3) }, { mode: macvlan });
  const far = addresses.map((one) => (gateway === undefined ? one : { ...one, gateway }));
  const network = sample(2, { addresses: () => far }, { mode: macvlan });
  expect(story(network, podRoutes(network, 2))).toEqual(["add route 0.0.0.0/0 via 10.1.0.2 dev 2 onlink"]);
});

const conf = (link: string, name: string) => `net/ipv6/conf/${link}/${name}`;

test("the host's end takes no router advertisements, and has IPv6 where the pod has", () => {
  const sysctls = (stack = severalOfEach) => hostSysctls(sample(2, stack, { mode: routed }), host);
  expect(sysctls(dual)).toEqual({ [conf(host.name, "accept_ra")]: "0", [conf(host.name, "disable_ipv6")]: "0" });
  expect(sysctls(v4Only)).toEqual({ [conf(host.name, "accept_ra")]: "0" });
});

test.for([
  { what: "routed", mode: routed, set: { disable_ipv6: "0" } },
  { what: "bridge", mode: bridge, set: { disable_ipv6: "0", accept_ra: "0" } },
  { what: "macvlan", mode: macvlan, set: { disable_ipv6: "0", accept_ra: "0" } },
  {
    what: "macvlan with SLAAC",
    mode: { ...macvlan, slaac: { timeoutMs: 1 } },
    set: {
      disable_ipv6: "0",
      accept_ra: "2",
      autoconf: "1",
      accept_ra_defrtr: "1",
      accept_ra_pinfo: "1",
      accept_ra_rt_info_max_plen: "128",
    },
  },
])("$what: the pod's sysctls are those of its mode, and the configured ones", ({ mode, set }) => {
  const network = sample(2, dual ?? severalOfEach, { mode, sysctls: { "net.ipv4.conf.IFNAME.arp_filter": "1" } });
  const expected = Object.fromEntries(Object.entries(set).map(([name, value]) => [conf("eth0", name), value]));
  expect(podSysctls(network)).toEqual({ ...expected, "net/ipv4/conf/eth0/arp_filter": "1" });
});

test("a pod without IPv6 gets no sysctls of it", () => {
  for (const mode of [routed, bridge, macvlan]) {
    expect(podSysctls(sample(2, v4Only ?? severalOfEach, { mode }))).toEqual({});
  }
});

test("an address is asked for as often and as fast as the probe says: 3 times 20 ms", () => {
  const sysctls = probeSysctls(sample(2, dual ?? severalOfEach, { mode: macvlan }), probe);
  expect(sysctls).toMatchObject({
    "net/ipv6/neigh/eth0/retrans_time_ms": "20",
    "net/ipv6/conf/eth0/dad_transmits": "3",
    "net/ipv4/neigh/eth0/retrans_time_ms": "20",
    "net/ipv4/neigh/eth0/mcast_solicit": "3",
  });
});
