// What each match means to the kernel, with each backend: a ruleset in which every match counts, packets of two pods, and the counts.
import { test as base, describe, expect } from "vitest";
import { Address, type Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { inside } from "../kernel/inside.ts";
import { linux } from "../kernel/linux.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { silent } from "../log/log.ts";
import { type BackendChoice, createFirewall } from "./backends.ts";
import type { Chain, Content, Match, PortRange, Rule, Ruleset } from "./ruleset.ts";

const test = base.extend<{ node: TestNamespace; a: TestNamespace; b: TestNamespace }>({
  node: fresh,
  a: fresh,
  b: fresh,
});

const open = 0x6878_0000;
const guarded = open + 1;
const upper = 0xffff_0000;
const all = 0xffff_ffff;

const hosts = {
  v4: {
    a: "10.1.0.2",
    b: "10.1.0.3",
    foreign: "10.7.0.7",
    node: "192.0.2.10",
    block: "10.1.0.0/24",
    everything: "0.0.0.0/0",
    length: 32,
  },
  v6: {
    a: "fd00:1::2",
    b: "fd00:1::3",
    foreign: "fd00:7::7",
    node: "2001:db8::a",
    block: "fd00:1::/64",
    everything: "::/0",
    length: 128,
  },
} as const;

/** Two pods on routed links, as `hextet` makes them. */
function build(family: Family, { node, a, b }: { node: TestNamespace; a: TestNamespace; b: TestNamespace }): void {
  const { foreign, node: own, length, ...addresses } = hosts[family];
  const ip = family === "v4" ? "-4" : "-6";
  const via = family === "v4" ? "169.254.1.1" : "fe80::1";
  const pods = [
    { pod: a, link: "hxa", group: open, address: addresses.a },
    { pod: b, link: "hxb", group: guarded, address: addresses.b },
  ];
  node.loopbackUp().run("ip", ip, "address", "add", `${own}/${length}`, "dev", "lo");
  node.run(
    "sysctl",
    "-qw",
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.conf.all.send_redirects=0",
  );
  for (const { pod, link, group, address } of pods) {
    pod.loopbackUp();
    node.run("ip", "link", "add", link, "group", `${group}`, "type", "veth", "peer", "name", "eth0", "netns", pod.path);
    node.run("sysctl", "-qw", `net.ipv6.conf.${link}.accept_dad=0`, `net.ipv4.conf.${link}.send_redirects=0`);
    pod.run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0");
    pod.run("ip", "link", "set", "eth0", "up");
    node.run("ip", "link", "set", link, "up");
    node.run(
      "ip",
      ip,
      "address",
      "add",
      family === "v4" ? `${via}/32` : `${via}/64`,
      "dev",
      link,
      ...(family === "v6" ? ["nodad"] : []),
    );
    node.run("ip", ip, "route", "add", `${address}/${length}`, "dev", link);
    pod.run("ip", ip, "address", "add", `${address}/${length}`, "dev", "eth0");
    pod.run("ip", ip, "route", "add", "default", "via", via, "dev", "eth0", "onlink");
  }
  // Deprecated, so that nothing is sent from it unless told to.
  const lifetimes = ["valid_lft", "forever", "preferred_lft", "0"];
  a.run("ip", ip, "address", "add", `${foreign}/${length}`, "dev", "eth0", ...lifetimes);
}

function counting(counter: string, ...when: readonly Match[]): Rule {
  return { when, then: { kind: "continue" }, counter };
}

const port = (first: number, last = first): PortRange => ({ first, last });
const group = (link: "in" | "out", value: number, mask: number) =>
  ({ kind: "group", link, group: value, mask }) as const;
const ports = (protocol: "tcp" | "udp", ...list: PortRange[]) =>
  ({ kind: "ports", protocol, end: "destination", ports: list }) as const;
const from = (set: string) => ({ kind: "set", end: "source", set }) as const;
const to = (set: string) => ({ kind: "set", end: "destination", set }) as const;

function forwardRules(family: Family): readonly Rule[] {
  const { a, block, everything } = hosts[family];
  const inside = { kind: "prefix", end: "source", prefix: Prefix.parse(block) } as const;
  const ofA = { kind: "prefix", end: "source", prefix: Prefix.host(Address.parse(a)) } as const;
  return [
    counting("group-in", group("in", open, upper)),
    counting("group-exactly", group("in", open, all), group("out", guarded, all)),
    counting("group-not", group("in", open, upper), { ...group("out", open, all), not: true }),
    counting("never-group-not", { ...group("in", open, upper), not: true }),
    counting("never-group", group("in", open + 0x10000, upper)),
    counting("link", { kind: "link", link: "in", name: "hx*" }, { kind: "link", link: "out", name: "hxb" }),
    counting("never-link", { kind: "link", link: "in", name: "hx*", not: true }),
    counting("set", from("pod-a"), to("pod-b")),
    counting("set-not", from("pod-a"), { ...to("pod-a"), not: true }),
    counting("never-set", from("nobody")),
    counting("blocks", from("blocks"), to("everything")),
    counting("never-blocks", { ...to("everything"), not: true }),
    counting("prefix", inside, { kind: "prefix", end: "source", prefix: Prefix.parse(everything) }),
    counting("two-prefixes", ofA, inside),
    counting("never-prefix", inside, { ...inside, not: true }),
    counting("endpoint", { kind: "endpoint", set: "dns" }),
    counting("never-endpoint", { kind: "endpoint", set: "web" }, { kind: "protocol", protocol: "udp" }),
    counting("pair", { kind: "pair", set: "self" }),
    counting("never-pair", { kind: "pair", set: "self" }, to("pod-b")),
    counting("translated", { kind: "translated", end: "destination" }, { kind: "pair", set: "self" }),
    counting("never-translated", { kind: "translated", end: "destination" }, to("pod-b")),
    counting("icmp", { kind: "icmp", types: family === "v6" ? [1, 128] : [3, 8] }),
    counting("never-icmp", { kind: "icmp", types: [42] }),
    counting("ports", ports("tcp", port(70, 79), port(80), port(443)), { kind: "connection", states: ["new"] }),
    counting("never-ports", ports("tcp", port(53))),
    counting("established", { kind: "connection", states: ["established"] }),
    counting("connection-not", { kind: "connection", states: ["established", "invalid"], not: true }),
    counting("midstream", { kind: "midstream" }, from("pod-b")),
    counting("never-midstream", { kind: "midstream" }, from("pod-a")),
    { when: [], then: { kind: "dispatch", end: "destination", set: "classes" }, counter: "before" },
    counting("after"),
    { when: [from("pod-a"), ports("udp", port(9))], then: { kind: "drop" }, counter: "dropped" },
    counting("never-dropped", ports("udp", port(9))),
  ];
}

function ruleset(family: Family): Ruleset {
  const { a, b, foreign, block, everything } = hosts[family];
  const addresses = (...elements: string[]): Content => ({ kind: "addresses", elements: new Set(elements) });
  const target = { kind: "translate-destination", to: Address.parse(a), port: 53 } as const;
  const spoofed = { kind: "spoofed" } as const;
  const chains = new Map<string, Chain>([
    [
      "ingress",
      {
        hook: "ingress",
        rules: [
          counting("spoofed", spoofed, from("foreign")),
          counting("never-spoofed", spoofed, { ...from("foreign"), not: true }),
        ],
      },
    ],
    [
      "prerouting",
      {
        hook: "prerouting",
        rules: [
          { when: [{ kind: "local" }, ports("udp", port(5353))], then: target, counter: "local" },
          counting("never-local", { kind: "local" }, to("pod-b")),
        ],
      },
    ],
    ["forward", { hook: "forward", rules: forwardRules(family) }],
    ["i-b", { rules: [{ ...counting("class"), then: { kind: "return" } }, counting("never-class")] }],
    ["i-none", { rules: [counting("never-other-class")] }],
  ]);
  const sets = new Map<string, Content>([
    ["pod-a", addresses(a)],
    ["pod-b", addresses(b)],
    ["nobody", addresses()],
    ["foreign", addresses(foreign)],
    ["blocks", { kind: "prefixes", elements: new Set([block]) }],
    ["everything", { kind: "prefixes", elements: new Set([everything]) }],
    ["dns", { kind: "endpoints", elements: new Set([`${b},udp:53`]) }],
    ["web", { kind: "endpoints", elements: new Set([`${b},tcp:53`, `${b},udp:80`, `${a},tcp:80`]) }],
    ["self", { kind: "pairs", elements: new Set([`${a},${a}`, `${b},${b}`]) }],
    [
      "classes",
      {
        kind: "chains",
        elements: new Map([
          [b, "i-b"],
          [foreign, "i-none"],
        ]),
      },
    ],
  ]);
  return { name: "hextet", families: { [family]: { chains, sets } } };
}

/** What pod a sends; answers do not matter, but that of TCP, which refuses. */
function send(family: Family, a: TestNamespace): void {
  const { b, foreign, node } = hosts[family];
  const ping = (...args: string[]) => a.run("sh", "-c", `ping -c 1 -W 1 -n ${args.join(" ")} || true`);
  const bash = (command: string) => a.run("bash", "-c", `(${command}) 2>&1 || true`);
  ping(b);
  ping("-I", foreign, "-W", "0.1", b);
  bash(`echo x > /dev/udp/${b}/53`);
  bash(`echo x > /dev/udp/${b}/9`);
  bash(`echo x > /dev/udp/${node}/5353`);
  bash(`echo x > /dev/tcp/${b}/80`);
  if (family === "v4") return;
  ping("fe80::1%eth0");
  // Duplicate address detection sends from the unspecified address.
  a.run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=1");
  a.run("ip", "-6", "address", "add", "fd00:9::9/64", "dev", "eth0");
  const tentative = "ip -6 address show dev eth0 tentative | grep -q fd00:9";
  a.run("sh", "-c", `for turn in $(seq 100); do ${tentative} || break; sleep 0.1; done`);
  ping("ff02::1%eth0");
}

const choices: [name: string, choice: BackendChoice][] = [
  ["nft", { kind: "nftables" }],
  ["iptables-nft", { kind: "iptables", variant: "nft" }],
  ["iptables-legacy", { kind: "iptables", variant: "legacy" }],
];

describe.concurrent.for(choices)("with %s", ([, choice]) => {
  test.for<[name: string, family: Family]>([
    ["IPv4", "v4"],
    ["IPv6", "v6"],
  ])("%s: every match is true of what it says, and of nothing else", async ([, family], { node, a, b }) => {
    build(family, { node, a, b });
    const firewall = createFirewall(inside(linux, node), choice, silent);
    await firewall.apply(ruleset(family));
    send(family, a);
    const counters = await firewall.readCounters();
    const { chains } = ruleset(family).families[family] ?? expect.unreachable();
    const names = [...chains.values()].flatMap(({ rules }) => rules.flatMap(({ counter }) => counter ?? []));
    const counted = Object.fromEntries(names.map((name) => [name, (counters.get(name) ?? 0) > 0]));
    expect(counted).toEqual(Object.fromEntries(names.map((name) => [name, !name.startsWith("never-")])));
  });
});
