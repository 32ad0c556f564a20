import { test as base, expect } from "vitest";
import { Prefix } from "../ip/prefix.ts";
import { linux } from "../kernel/linux.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { readHost } from "./host.ts";
import { Advertiser, cable, configure, connect, eventually, forwards } from "./test-wires.ts";
import { findUplinks, ipv6Of } from "./uplink.ts";

const test = base.extend<{ node: TestNamespace; router: TestNamespace }>({ node: fresh, router: fresh });

function uplinksOf(node: TestNamespace) {
  using connection = connect(node);
  const prefixes = [Prefix.parse("fd00:1::/64")];
  const found = findUplinks(readHost(connection), { uplink: "auto", prefixes }, ipv6Of(linux.sysctl(node)));
  return JSON.parse(JSON.stringify(found));
}

const ipv4 = ["address add 192.0.2.10/24 dev eth0", "route add default via 192.0.2.1"];
const ipv6 = ["address add 2001:db8::a/64 dev eth0 nodad", "-6 route add default via 2001:db8::1"];
const default4 = { family: "v4", link: 2, priority: 0, advertised: false };
const default6 = { family: "v6", link: 2, priority: 1024, advertised: false };

test.for([
  ["IPv4-only", ipv4, ["192.0.2.10/24"], ["192.0.2.0/24"], [default4]],
  ["IPv6-only", ipv6, ["2001:db8::a/64"], ["2001:db8::/64"], [default6]],
  [
    "dual-stack",
    [...ipv4, ...ipv6],
    ["192.0.2.10/24", "2001:db8::a/64"],
    ["192.0.2.0/24", "2001:db8::/64"],
    [default6, default4],
  ],
] as const)("%s: the uplink as it is configured", ([, lines, addresses, onLink, defaults], { node, router }) => {
  cable({ namespace: node, name: "eth0" }, { namespace: router, name: "lan" });
  configure(node, ...lines);
  const { links, faults } = uplinksOf(node);
  expect(links).toMatchObject([{ name: "eth0", mtu: 1500, addresses, onLink, defaults }]);
  expect(faults).toEqual([]);
});

test("the uplink as a router advertises it, with the MTU it names", async ({ node, router }) => {
  cable({ namespace: node, name: "eth0" }, { namespace: router, name: "lan" });
  configure(router, "address add 2001:db8::1/64 dev lan nodad");
  forwards(router);
  using _radvd = new Advertiser(router, "lan", { prefix: "2001:db8::/64", lifetimeSeconds: 60, mtu: 1400 });
  const { links } = await eventually(
    () => uplinksOf(node),
    (found) => found.links[0]?.addresses.length === 1,
  );
  expect(links).toMatchObject([{ name: "eth0", mtu: 1400, onLink: ["2001:db8::/64"] }]);
  expect(links[0].defaults).toEqual([{ ...default6, advertised: true }]);
});

test("a default route over two links makes uplinks of both", ({ node, router }) => {
  for (const at of [0, 1]) {
    cable({ namespace: node, name: `eth${at}` }, { namespace: router, name: `lan${at}` });
    configure(node, `address add 2001:db8:${at}::a/64 dev eth${at} nodad`);
  }
  node.run("ip", ..."-6 route add default nexthop via 2001:db8:0::1 nexthop via 2001:db8:1::1".split(" "));
  const { links, faults } = uplinksOf(node);
  expect(links).toMatchObject([{ name: "eth0" }, { name: "eth1" }]);
  expect(faults).toEqual([]);
});

test("IPv6 that is switched off is told, and a node without a link is told", ({ node, router }) => {
  expect(uplinksOf(node)).toMatchObject({ links: [], faults: [{ code: "no-uplink" }] });
  cable({ namespace: node, name: "eth0" }, { namespace: router, name: "lan" });
  configure(node, ...ipv4);
  linux.sysctl(node).set("net/ipv6/conf/eth0/disable_ipv6", "1");
  expect(uplinksOf(node)).toMatchObject({ links: [{ name: "eth0", mtu: 1500 }], faults: [{ code: "ipv6-disabled" }] });
});
