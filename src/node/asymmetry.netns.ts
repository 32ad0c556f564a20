// Mode auto where one side sees the other on its link and the other does not, as with a prefix length of 64 here and 128 there: what
// docs/decisions/auto-routing.md says of it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect } from "vitest";
import { TestNamespace } from "../kernel/test-namespace.ts";
import type { RoutingMode } from "./peer-routes.ts";
import { passOn, podIn, prefixesOf } from "./test-racks.ts";
import { configure, forwards, pings, switched } from "./test-wires.ts";

interface Lan {
  readonly hub: TestNamespace;
  readonly router: TestNamespace;
  readonly alpha: TestNamespace;
  readonly beta: TestNamespace;
  readonly directory: string;
}

const test = base.extend<{ lan: Lan }>({
  // oxlint-disable-next-line no-empty-pattern
  lan: async ({}, use) => {
    using hub = TestNamespace.create();
    using router = TestNamespace.create();
    using alpha = TestNamespace.create();
    using beta = TestNamespace.create();
    const directory = mkdtempSync(join(tmpdir(), "hextet-asymmetry-"));
    await use({ hub, router, alpha, beta, directory });
    rmSync(directory, { recursive: true });
  },
});

const v4 = { alpha: ["192.0.2.10", "10.1.1.0/24"], beta: ["192.0.2.11", "10.1.2.0/24"] };
const v6 = { alpha: ["2001:db8::a", "fd00:1::/64"], beta: ["2001:db8::b", "fd00:2::/64"] };
const columns = {
  "IPv4-only": v4,
  "IPv6-only": v6,
  "dual-stack": { alpha: [...v6.alpha, ...v4.alpha], beta: [...v6.beta, ...v4.beta] },
} as const;
/** Behind a router, so that whoever counts it in has a tunnel. */
const gamma = ["198.51.100.12", "2001:db8:c::c", "10.1.3.0/24", "fd00:3::/64"];

/** All on one link; beta believes that there is nobody on it but the router. */
function wire({ hub, router, alpha, beta }: Lan, nodes: (typeof columns)[keyof typeof columns]): void {
  switched(
    hub,
    [router, alpha, beta].map((namespace) => ({ namespace, name: "eth0" })),
  );
  configure(router, "address add 2001:db8::1/64 dev eth0", "address add 192.0.2.1/24 dev eth0");
  for (const node of [router, alpha, beta]) forwards(node);
  for (const [node, name] of [
    [alpha, "alpha"],
    [beta, "beta"],
  ] as const) {
    node.loopbackUp();
    for (const prefix of prefixesOf(nodes[name])) configure(node, `address add ${podIn(prefix)} dev lo`);
    for (const text of nodes[name].filter((each) => !each.includes("/"))) {
      const [whole, part, gateway] = text.includes(":") ? [128, 64, "2001:db8::1"] : [32, 24, "192.0.2.1"];
      configure(node, `address add ${text}/${name === "beta" ? whole : part} dev eth0`);
      if (name === "beta") configure(node, `route add ${gateway} dev eth0`);
      configure(node, `route add default via ${gateway} dev eth0`);
    }
  }
}

async function passes(lan: Lan, nodes: Readonly<Record<string, readonly string[]>>, mode: RoutingMode): Promise<void> {
  const routing = { mode, vxlan: { id: 18552, port: 4789 } };
  for (const name of ["alpha", "beta"] as const) await passOn(lan, name, nodes, { routing });
}

/** From pods of the one to pods of the other, in both directions. */
async function reach(lan: Lan, nodes: (typeof columns)[keyof typeof columns]): Promise<boolean[]> {
  const ways = (["alpha", "beta"] as const).flatMap((from) => {
    const to = from === "alpha" ? "beta" : "alpha";
    return prefixesOf(nodes[from]).map((prefix, at) => ({
      from,
      source: podIn(prefix),
      target: podIn(prefixesOf(nodes[to])[at] ?? ""),
    }));
  });
  return await Promise.all(ways.map(({ from, source, target }) => pings(lan[from], `${target}`, "-I", `${source}`)));
}

test.for(Object.entries(columns))(
  "%s: pods reach each other where both have a tunnel, be it for a third node; where one has none, mode vxlan mends it",
  async ([, nodes], { lan }) => {
    wire(lan, nodes);
    await passes(lan, nodes, "auto");
    expect(lan.alpha.run("ip", "link")).not.toContain("hextet.vxlan");
    expect(new Set(await reach(lan, nodes))).toEqual(new Set([false]));
    await passes(lan, { ...nodes, gamma }, "auto");
    expect(new Set(await reach(lan, nodes))).toEqual(new Set([true]));
    await passes(lan, nodes, "vxlan");
    expect(new Set(await reach(lan, nodes))).toEqual(new Set([true]));
  },
);
