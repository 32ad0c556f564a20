import { describe, expect, test } from "vitest";
import { Address, type Stack } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type { PeerRoute } from "./peer-routes.ts";
import { decideTunnels, tunnelAddress, tunnelMac } from "./tunnel.ts";

const peer = (node: string, prefix: string, remote: string): PeerRoute => ({
  node,
  prefix: Prefix.parse(prefix),
  way: { kind: "vxlan", remote: Address.parse(remote) },
});
const local: Stack<Address> = { v6: Address.parse("2001:db8::a"), v4: Address.parse("192.0.2.10") };
const own = ["fd00:1::/64", "10.1.0.0/24"].map((text) => Prefix.parse(text));

function tunnels(peers: readonly PeerRoute[], stack = local) {
  return JSON.parse(JSON.stringify(decideTunnels({ own, local: stack, peers, faults: [] }, "alpha")));
}

describe("decideTunnels()", () => {
  test("there is none where all nodes are reached directly", () => {
    const way = { kind: "direct", gateway: Address.parse("2001:db8::b"), link: 2 } as const;
    expect(tunnels([{ node: "beta", prefix: Prefix.parse("fd00:2::/64"), way }])).toEqual([]);
  });

  test("a node is one peer, with one gateway for IPv6 and one for each prefix of IPv4", () => {
    const peers = ["fd00:2::/64", "fd00:22::/64", "10.1.2.0/24", "10.2.2.0/24"].map((prefix) =>
      peer("beta", prefix, "2001:db8:b::b"),
    );
    expect(tunnels(peers)).toEqual([
      {
        underlay: "v6",
        name: "hextet.vxlan",
        mac: "3e:9f:15:f2:0d:40",
        local: "2001:db8::a",
        addresses: ["fd00:1::", "10.1.0.0"],
        peers: [
          {
            node: "beta",
            mac: "2a:56:e6:37:f3:04",
            remote: "2001:db8:b::b",
            gateways: ["fe80::2856:e6ff:fe37:f304", "10.1.2.0", "10.2.2.0"],
          },
        ],
      },
    ]);
  });

  test("nodes with addresses of IPv4 only are reached by a tunnel of their own", () => {
    const peers = [peer("beta", "fd00:2::/64", "2001:db8:b::b"), peer("gamma", "fd00:3::/64", "198.51.100.3")];
    expect(tunnels(peers)).toMatchObject([
      { name: "hextet.vxlan", local: "2001:db8::a", peers: [{ node: "beta" }] },
      { name: "hextet.vxlan4", local: "192.0.2.10", peers: [{ node: "gamma" }] },
    ]);
  });
});

test("tunnelMac() is locally administered, the same for a name and another for another", () => {
  const macs = ["alpha", "beta", "node-1.example.net"].map((name) => tunnelMac(name).toString());
  expect(macs).toEqual(["alpha", "beta", "node-1.example.net"].map((name) => tunnelMac(name).toString()));
  expect(new Set(macs).size).toBe(3);
  for (const mac of macs) expect(mac).toMatch(/^.[26ae]:/);
});

test.for([
  ["fd00:1::/64", "fd00:1::"],
  ["10.1.0.0/24", "10.1.0.0"],
  ["fd00:1::4/126", "fd00:1::4"],
  ["fd00:1::/127", undefined],
  ["fd00:1::1/128", undefined],
  ["10.1.0.0/31", undefined],
  ["10.1.0.1/32", undefined],
] as const)("the tunnel's address in %s is %s", ([prefix, expected]) => {
  expect(tunnelAddress(Prefix.parse(prefix))?.toString()).toBe(expected);
});
