import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { answersForPods, desiredProxies, type NeighborProxyInput, proxySettings } from "./neighbor-proxy.ts";

const uplink = (index: number, ...onLink: string[]) => ({
  index,
  name: `eth${index}`,
  mtu: 1500,
  addresses: [],
  defaults: [],
  onLink: onLink.map((text) => Prefix.parse(text)),
});
const lan = uplink(2, "2001:db8::/64", "192.0.2.0/24");

function proxies(input: {
  readonly mode?: NeighborProxyInput["mode"];
  readonly prefixes: readonly string[];
  readonly pods: readonly string[];
  readonly uplinks?: NeighborProxyInput["uplinks"];
}): string[] {
  return desiredProxies({
    mode: input.mode ?? "auto",
    prefixes: input.prefixes.map((text) => Prefix.parse(text)),
    uplinks: input.uplinks ?? [lan],
    podAddresses: input.pods.map((text) => Address.parse(text)),
  }).map(({ address, link }) => `${address} on ${link}`);
}

describe("desiredProxies()", () => {
  test.for([
    ["IPv4-only", ["192.0.2.64/28"], ["192.0.2.65"], ["192.0.2.65 on 2"]],
    ["IPv6-only", ["2001:db8:0:0:a::/80"], ["2001:db8:0:0:a::5"], ["2001:db8::a:0:0:5 on 2"]],
    [
      "dual-stack",
      ["2001:db8:0:0:a::/80", "192.0.2.64/28"],
      ["2001:db8:0:0:a::5", "192.0.2.65"],
      ["2001:db8::a:0:0:5 on 2", "192.0.2.65 on 2"],
    ],
    ["the link's whole prefix", ["2001:db8::/64"], ["2001:db8::5"], ["2001:db8::5 on 2"]],
    [
      "one family of two",
      ["2001:db8:0:0:a::/80", "10.1.0.0/24"],
      ["2001:db8:0:0:a::5", "10.1.0.5"],
      ["2001:db8::a:0:0:5 on 2"],
    ],
    ["no pods yet", ["2001:db8:0:0:a::/80"], [], []],
  ] as const)("%s: prefixes %o that are a part of the link's are answered for", ([, prefixes, pods, expected]) => {
    expect(proxies({ prefixes, pods })).toEqual(expected);
  });

  test.for([
    ["nodes on one link, each with a prefix of its own", ["fd00:1::/64", "10.1.0.0/24"], ["fd00:1::5", "10.1.0.5"]],
    ["racks, each with a link of its own", ["2001:db8:1:1::/64"], ["2001:db8:1:1::5"]],
    ["a prefix around the link's", ["2001:db8::/48"], ["2001:db8::5"]],
  ] as const)("%s: nothing is answered for", ([, prefixes, pods]) => {
    expect(proxies({ prefixes, pods })).toEqual([]);
  });

  test("off answers for none, on for all, on every uplink", () => {
    const wiring = { prefixes: ["2001:db8:0:0:a::/80"], pods: ["2001:db8:0:0:a::5", "fd00:1::5"] };
    const uplinks = [lan, uplink(3, "2001:db8:3::/64")];
    expect(proxies({ ...wiring, uplinks, mode: "off" })).toEqual([]);
    expect(proxies({ ...wiring, uplinks, mode: "auto" })).toEqual(["2001:db8::a:0:0:5 on 2"]);
    expect(proxies({ ...wiring, uplinks, mode: "on" })).toEqual([
      "2001:db8::a:0:0:5 on 2",
      "fd00:1::5 on 2",
      "2001:db8::a:0:0:5 on 3",
      "fd00:1::5 on 3",
    ]);
  });
});

test.for([
  ["IPv4-only", ["192.0.2.65"], ["net/ipv4/neigh/eth2/proxy_delay=0"]],
  ["IPv6-only", ["2001:db8::5"], ["net/ipv6/conf/eth2/proxy_ndp=1", "net/ipv6/neigh/eth2/proxy_delay=0"]],
  [
    "dual-stack",
    ["2001:db8::5", "192.0.2.65"],
    ["net/ipv6/conf/eth2/proxy_ndp=1", "net/ipv6/neigh/eth2/proxy_delay=0", "net/ipv4/neigh/eth2/proxy_delay=0"],
  ],
  ["none", [], []],
] as const)("%s: the sysctls that proxies for %o need, on their link only", ([, pods, expected]) => {
  const entries = pods.map((text) => ({ link: 2, address: Address.parse(text) }));
  const settings = proxySettings(entries, [lan, uplink(3)]);
  expect(settings.map(({ name, value }) => `${name}=${value}`)).toEqual(expected);
});

test.for([
  ["IPv4-only", ["192.0.2.64/28"], true],
  ["IPv6-only", ["2001:db8:0:0:a::/80"], true],
  ["dual-stack, one family on the link", ["fd00::/64", "192.0.2.64/28"], true],
  ["routed, dual-stack", ["fd00::/64", "10.0.1.0/24"], false],
] as const)("answersForPods() is decided by the prefixes of the link: %s", ([, texts, expected]) => {
  const given = { prefixes: texts.map((text) => Prefix.parse(text)), uplinks: [lan] };
  expect(answersForPods({ mode: "auto", ...given })).toBe(expected);
  expect(answersForPods({ mode: "on", ...given })).toBe(true);
  expect(answersForPods({ mode: "off", ...given })).toBe(false);
});
