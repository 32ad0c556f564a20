import { describe, expect, test } from "vitest";
import { attachTo, fakeNode, shown } from "./fake-node.ts";
import type { Mode } from "./pod-network.ts";
import { bridge, macvlan, routed, sample, severalOfEach, stacks } from "./sample-networks.ts";

const [v6Only, v4Only, dual = severalOfEach] = stacks;

async function shownAfterAttach(mode: Mode, stack = dual): Promise<string> {
  const kernel = fakeNode();
  const network = sample(2, stack, { mode });
  await attachTo(kernel, network);
  return shown(kernel, network);
}

describe("what attach makes", () => {
  test("routed, dual-stack", async () => {
    expect(await shownAfterAttach(routed)).toMatchInlineSnapshot(`
      "3: HOST@if2: <UP,LOWER_UP> veth mtu 1500 address H addrgenmode none alias "hextet pods/c2/eth0"
          inet6 fe80::1/64 nodad
      route 2001:db8:1::2/128 dev HOST proto 72 metric 1024
      route fe80::/64 dev HOST proto 2 metric 256
      route 10.1.0.2/32 dev HOST proto 72
      neigh 2001:db8:1::2 dev HOST lladdr P permanent proto 72
      neigh 10.1.0.2 dev HOST lladdr P permanent proto 72
      --
      2: eth0@if3: <UP,LOWER_UP> veth mtu 1500 address P addrgenmode none
          inet6 fe80::P/64 nodad
          inet6 2001:db8:1::2/128 nodad
          inet 10.1.0.2/32
      route ::/0 via fe80::1 dev eth0 proto 72 metric 1024
      route 2001:db8:1::2/128 dev eth0 proto 2 metric 256
      route fe80::/64 dev eth0 proto 2 metric 256
      route 0.0.0.0/0 via 169.254.1.1 dev eth0 onlink proto 72
      neigh fe80::1 dev eth0 lladdr H permanent proto 72
      neigh 169.254.1.1 dev eth0 lladdr H permanent proto 72
      "
    `);
  });

  test("routed, IPv6 only", async () => {
    expect(await shownAfterAttach(routed, v6Only)).toMatchInlineSnapshot(`
      "3: HOST@if2: <UP,LOWER_UP> veth mtu 1500 address H addrgenmode none alias "hextet pods/c2/eth0"
          inet6 fe80::1/64 nodad
      route 2001:db8:1::2/128 dev HOST proto 72 metric 1024
      route fe80::/64 dev HOST proto 2 metric 256
      neigh 2001:db8:1::2 dev HOST lladdr P permanent proto 72
      --
      2: eth0@if3: <UP,LOWER_UP> veth mtu 1500 address P addrgenmode none
          inet6 fe80::P/64 nodad
          inet6 2001:db8:1::2/128 nodad
      route ::/0 via fe80::1 dev eth0 proto 72 metric 1024
      route 2001:db8:1::2/128 dev eth0 proto 2 metric 256
      route fe80::/64 dev eth0 proto 2 metric 256
      neigh fe80::1 dev eth0 lladdr H permanent proto 72
      "
    `);
  });

  test("routed, IPv4 only", async () => {
    expect(await shownAfterAttach(routed, v4Only)).toMatchInlineSnapshot(`
      "3: HOST@if2: <UP,LOWER_UP> veth mtu 1500 address H addrgenmode none alias "hextet pods/c2/eth0"
      route 10.1.0.2/32 dev HOST proto 72
      neigh 10.1.0.2 dev HOST lladdr P permanent proto 72
      --
      2: eth0@if3: <UP,LOWER_UP> veth mtu 1500 address P addrgenmode none
          inet 10.1.0.2/32
      route 0.0.0.0/0 via 169.254.1.1 dev eth0 onlink proto 72
      neigh 169.254.1.1 dev eth0 lladdr H permanent proto 72
      "
    `);
  });

  test("bridge, dual-stack", async () => {
    expect(await shownAfterAttach({ ...bridge, hairpin: true, isolated: true })).toMatchInlineSnapshot(`
      "3: hextet0: <UP,LOWER_UP> bridge mtu 1500 address 0a:75:00:8c:6d:f9 addrgenmode none alias "hextet bridge"
          inet6 fe80::875:ff:fe8c:6df9/64 nodad
          inet6 2001:db8:1::1/64 nodad
          inet6 fd00:1::1/64 nodad
          inet 10.1.0.1/24
          inet 10.2.0.1/24
      4: HOST@if2: <UP,LOWER_UP> veth mtu 1500 address H master hextet0 addrgenmode none hairpin on isolated on alias "hextet pods/c2/eth0"
      route 2001:db8:1::/64 dev hextet0 proto 2 metric 256
      route fd00:1::/64 dev hextet0 proto 2 metric 256
      route fe80::/64 dev hextet0 proto 2 metric 256
      route 10.1.0.0/24 dev hextet0 proto 2 src 10.1.0.1
      route 10.2.0.0/24 dev hextet0 proto 2 src 10.2.0.1
      neigh 2001:db8:1::2 dev hextet0 lladdr P permanent proto 72
      neigh 10.1.0.2 dev hextet0 lladdr P permanent proto 72
      fdb P dev HOST master hextet0
      --
      2: eth0@if4: <UP,LOWER_UP> veth mtu 1500 address P addrgenmode none
          inet6 fe80::P/64 nodad
          inet6 2001:db8:1::2/64 nodad
          inet 10.1.0.2/24
      route ::/0 via 2001:db8:1::1 dev eth0 proto 72 metric 1024
      route 2001:db8:1::/64 dev eth0 proto 2 metric 256
      route fe80::/64 dev eth0 proto 2 metric 256
      route 0.0.0.0/0 via 10.1.0.1 dev eth0 proto 72
      route 10.1.0.0/24 dev eth0 proto 2 src 10.1.0.2
      neigh 2001:db8:1::1 dev eth0 lladdr 0a:75:00:8c:6d:f9 permanent proto 72
      neigh 10.1.0.1 dev eth0 lladdr 0a:75:00:8c:6d:f9 permanent proto 72
      "
    `);
  });

  test("bridge, IPv6 only", async () => {
    expect(await shownAfterAttach(bridge, v6Only)).toMatchInlineSnapshot(`
      "3: hextet0: <UP,LOWER_UP> bridge mtu 1500 address 0a:75:00:8c:6d:f9 addrgenmode none alias "hextet bridge"
          inet6 fe80::875:ff:fe8c:6df9/64 nodad
          inet6 2001:db8:1::1/64 nodad
          inet6 fd00:1::1/64 nodad
          inet 10.1.0.1/24
          inet 10.2.0.1/24
      4: HOST@if2: <UP,LOWER_UP> veth mtu 1500 address H master hextet0 addrgenmode none alias "hextet pods/c2/eth0"
      route 2001:db8:1::/64 dev hextet0 proto 2 metric 256
      route fd00:1::/64 dev hextet0 proto 2 metric 256
      route fe80::/64 dev hextet0 proto 2 metric 256
      route 10.1.0.0/24 dev hextet0 proto 2 src 10.1.0.1
      route 10.2.0.0/24 dev hextet0 proto 2 src 10.2.0.1
      neigh 2001:db8:1::2 dev hextet0 lladdr P permanent proto 72
      fdb P dev HOST master hextet0
      --
      2: eth0@if4: <UP,LOWER_UP> veth mtu 1500 address P addrgenmode none
          inet6 fe80::P/64 nodad
          inet6 2001:db8:1::2/64 nodad
      route ::/0 via 2001:db8:1::1 dev eth0 proto 72 metric 1024
      route 2001:db8:1::/64 dev eth0 proto 2 metric 256
      route fe80::/64 dev eth0 proto 2 metric 256
      neigh 2001:db8:1::1 dev eth0 lladdr 0a:75:00:8c:6d:f9 permanent proto 72
      "
    `);
  });

  test("bridge, IPv4 only", async () => {
    expect(await shownAfterAttach(bridge, v4Only)).toMatchInlineSnapshot(`
      "3: hextet0: <UP,LOWER_UP> bridge mtu 1500 address 0a:75:00:8c:6d:f9 addrgenmode none alias "hextet bridge"
          inet6 fe80::875:ff:fe8c:6df9/64 nodad
          inet6 2001:db8:1::1/64 nodad
          inet6 fd00:1::1/64 nodad
          inet 10.1.0.1/24
          inet 10.2.0.1/24
      4: HOST@if2: <UP,LOWER_UP> veth mtu 1500 address H master hextet0 addrgenmode none alias "hextet pods/c2/eth0"
      route 2001:db8:1::/64 dev hextet0 proto 2 metric 256
      route fd00:1::/64 dev hextet0 proto 2 metric 256
      route fe80::/64 dev hextet0 proto 2 metric 256
      route 10.1.0.0/24 dev hextet0 proto 2 src 10.1.0.1
      route 10.2.0.0/24 dev hextet0 proto 2 src 10.2.0.1
      neigh 10.1.0.2 dev hextet0 lladdr P permanent proto 72
      fdb P dev HOST master hextet0
      --
      2: eth0@if4: <UP,LOWER_UP> veth mtu 1500 address P addrgenmode none
          inet 10.1.0.2/24
      route 0.0.0.0/0 via 10.1.0.1 dev eth0 proto 72
      route 10.1.0.0/24 dev eth0 proto 2 src 10.1.0.2
      neigh 10.1.0.1 dev eth0 lladdr 0a:75:00:8c:6d:f9 permanent proto 72
      "
    `);
  });

  test("macvlan, dual-stack", async () => {
    expect(await shownAfterAttach(macvlan)).toMatchInlineSnapshot(`
      "--
      2: eth0@if2: <UP,LOWER_UP> macvlan mtu 1500 address P addrgenmode none mode bridge alias "hextet pods/c2/eth0"
          inet6 fe80::P/64
          inet6 2001:db8:1::2/64
          inet 10.1.0.2/24
      route ::/0 via 2001:db8:1::1 dev eth0 proto 72 metric 1024
      route 2001:db8:1::/64 dev eth0 proto 2 metric 256
      route fe80::/64 dev eth0 proto 2 metric 256
      route 0.0.0.0/0 via 10.1.0.1 dev eth0 proto 72
      route 10.1.0.0/24 dev eth0 proto 2 src 10.1.0.2
      "
    `);
  });

  test("macvlan, IPv6 only", async () => {
    expect(await shownAfterAttach(macvlan, v6Only)).toMatchInlineSnapshot(`
      "--
      2: eth0@if2: <UP,LOWER_UP> macvlan mtu 1500 address P addrgenmode none mode bridge alias "hextet pods/c2/eth0"
          inet6 fe80::P/64
          inet6 2001:db8:1::2/64
      route ::/0 via 2001:db8:1::1 dev eth0 proto 72 metric 1024
      route 2001:db8:1::/64 dev eth0 proto 2 metric 256
      route fe80::/64 dev eth0 proto 2 metric 256
      "
    `);
  });

  test("macvlan, IPv4 only", async () => {
    expect(await shownAfterAttach(macvlan, v4Only)).toMatchInlineSnapshot(`
      "--
      2: eth0@if2: <UP,LOWER_UP> macvlan mtu 1500 address P addrgenmode none mode bridge alias "hextet pods/c2/eth0"
          inet 10.1.0.2/24
      route 0.0.0.0/0 via 10.1.0.1 dev eth0 proto 72
      route 10.1.0.0/24 dev eth0 proto 2 src 10.1.0.2
      "
    `);
  });
});
