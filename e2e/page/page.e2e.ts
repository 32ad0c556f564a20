// The agent's page in a real browser: both are in one network namespace of the test's, the agent has a real node, and what the page draws
// and how it is used by keyboard is asked of the browser. PAGE_SCREENSHOTS=DIRECTORY keeps photographs for people.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressPlan, type PlanInput } from "../../src/agent/page/address-plan.ts";
import type { PageCell, PageMesh } from "../../src/agent/page/page-mesh.ts";
import type { PageModel } from "../../src/agent/page/page-model.ts";
import type { RecentEvent } from "../../src/agent/page/recent-events.ts";
import type { NodeStatus } from "../../src/inspect/status.ts";
import type { Address } from "../../src/ip/address.ts";
import { Prefix } from "../../src/ip/prefix.ts";
import { AgentNode } from "../agent/agent-node.ts";
import { CopiedBuild } from "../agent/copied-build.ts";
import { Browser, type Screen } from "./browser.ts";

const build = new CopiedBuild();
const photographs = process.env["PAGE_SCREENSHOTS"];
afterAll(() => build[Symbol.dispose]());

const url = "http://[::1]:16129/";
const wide: Screen = { width: 1280, height: 900 };
const shown = 'document.body?.dataset.shown === "true"';
const config = 'page: "[::1]:16129"\nrouting: { mode: external }';
const listOf = (selector: string) =>
  `[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.innerText)`;
const tiles = `[...document.querySelectorAll("[role=option]")].map((each) => each.getAttribute("aria-label"))`;

async function photograph(browser: Browser, name: string): Promise<void> {
  if (photographs === undefined) return;
  mkdirSync(photographs, { recursive: true });
  await browser.photograph(join(photographs, `${name}.png`));
}

describe.for([
  { families: "v4", has: ["IPv4"], own: ["alpha, 10.10.0.0/24, 0 pods, this node"] },
  { families: "v6", has: ["IPv6"], own: ["alpha, fd00:10::/64, 0 pods, this node"] },
  {
    families: "dual",
    has: ["IPv6", "IPv4"],
    own: ["alpha, fd00:10::/64, 0 pods, this node", "alpha, 10.10.0.0/24, 0 pods, this node"],
  },
] as const)("$families: the page", ({ families, has, own }) => {
  test("shows the plan of the families there are, with no request to elsewhere and nothing kept out", async () => {
    await using served = new AgentNode({ families, build: build.path, config });
    const agent = await served.start();
    await agent.says("network configuration written");
    await using browser = new Browser(served.node.host.path);
    await browser.open(url, wide, shown);
    expect(await browser.ask(listOf("#families h3"))).toEqual(has);
    expect(await browser.ask(tiles)).toEqual(own);
    expect(await browser.ask("document.title")).toBe("alpha · Hextet");
    expect(new Set(browser.requests)).toEqual(
      new Set([url, `${url}model.json`, "data:,"].filter((each) => browser.requests.includes(each))),
    );
    expect(browser.complaints).toEqual([]);
  });
});

const status: NodeStatus = {
  version: 1,
  node: "rack0-node01",
  agent: { buildId: "0123456789abcdef", since: "2026-01-02T03:04:05.000Z", pid: 7 },
  cluster: { source: "kubernetes", nodes: 5000, pods: 50_000, policies: 12 },
  prefixes: [{ prefix: "2001:db8::/64", state: "active" }],
  ranges: [
    {
      range: "2001:db8::/64",
      size: `${2n ** 64n - 1n}`,
      held: 60,
      cooling: 3,
      conflicting: 0,
      free: `${2n ** 64n - 64n}`,
    },
    { range: "10.64.0.0/24", size: "253", held: 60, cooling: 31, conflicting: 2, free: "160" },
  ],
  uplinks: [{ name: "eth0", mtu: 1500, addresses: ["2001:db8:ffff::10", "192.0.2.10"] }],
  podMtu: 1430,
  routes: { wanted: 9_998, present: 9_997, differing: ["missing 10.64.7.0/24 via 192.0.2.17"] },
  proxies: { wanted: 0, present: 0 },
  tunnels: [{ name: "hextet6", underlay: "v6", peers: 4_950, present: true }],
  attachments: 60,
  firewall: { backend: "nftables", policies: true },
  faults: [
    "Prefix 10.64.9.0/25 of node stray overlaps 10.64.9.0/24 of node rack0-node09 and is not routed; give each node a prefix of its own",
  ],
};
const events: readonly RecentEvent[] = [
  { time: "2026-01-02T09:00:01.000Z", level: "warning", message: "fault", fields: "fault: <b>no markup</b>", times: 3 },
  {
    time: "2026-01-02T09:00:00.000Z",
    level: "info",
    message: "node changed",
    fields: "change: + 10.64.7.0/24 via 192.0.2.17 dev 2",
  },
];

type PlanNode = PlanInput["nodes"][number];

function nodeOf(name: string, ...prefixes: readonly string[]): PlanNode {
  const one = (text: string) => ({
    prefix: Prefix.parse(text.replace("-", "")),
    state: text.startsWith("-") ? ("draining" as const) : ("active" as const),
  });
  return { name, prefixes: prefixes.map(one) };
}

/** Racks of 50 nodes; of IPv4 without a gap between them. */
function racks(count: number): readonly PlanNode[] {
  return Array.from({ length: count }, (_, at) => {
    const [rack, place] = [Math.floor(at / 50), at % 50];
    const v6 = `2001:db8:${rack >> 4}:${(((rack & 15) << 12) + place).toString(16)}::/64`;
    return nodeOf(
      `rack${rack}-node${String(place).padStart(2, "0")}`,
      Prefix.parse(v6).toString(),
      `10.${64 + (at >> 8)}.${at & 255}.0/24`,
    );
  });
}

/** Between none and all but a few, the same in every run. */
function podsOf(nodes: readonly PlanNode[]): readonly Address[] {
  return nodes.flatMap(({ prefixes }, at) => {
    const count = (at * 37) % 111;
    return prefixes.flatMap(({ prefix }) => Array.from({ length: count }, (_, pod) => prefix.at(BigInt(pod + 2))));
  });
}

function modelOf(nodes: readonly PlanNode[], given: Partial<PageModel> = {}): string {
  const plan = addressPlan({ nodes, podAddresses: podsOf(nodes), held: new Map() });
  return JSON.stringify({ status, knowsPods: true, plan, events, ...given } satisfies PageModel);
}

/** Every other is heard, and does not hear. */
function meshOf(names: readonly string[]): PageMesh {
  const rows = names.map((_, from) =>
    names.map((__, to): PageCell => {
      if (from === to) return "";
      if (from === 0 && to === 1) return "lost";
      return from === 1 && to === 0 ? "arrives" : Math.round((from + to) * 1234) / 10_000;
    }),
  );
  const why = "[2001:db8::99]:16128: no answer within 5 s <b>no markup</b>";
  return {
    nodes: names,
    tables: (["node", "prefix"] as const).flatMap((kind) =>
      (["v6", "v4"] as const).map((family) => ({ kind, family, rows })),
    ),
    failures: ["rack0-node00 does not reach node rack0-node01 over IPv6: what it sends does not arrive"],
    silent: [{ node: "stray", why }],
  };
}

const few = [
  nodeOf("rack0-node00", "2001:db8:1:a::/64", "10.10.0.0/24"),
  nodeOf("rack0-node01", "2001:db8:1:b::/64", "-fd00:10:0:b::/64", "10.10.1.0/24", "10.10.2.0/24"),
  nodeOf("rack0-node02", "2001:db8:1:c::/64", "10.10.2.0/25"),
];

const large = modelOf(racks(5000));

const selected = 'document.querySelector("[aria-selected=true].active")?.getAttribute("aria-label")';
const detail = 'document.getElementById("detail").innerText';
const fitsWidth = "document.documentElement.scrollWidth <= innerWidth";

describe("the page of a cluster", () => {
  const served = new AgentNode({ families: "dual", build: build.path, config });
  const browser = new Browser(served.node.host.path);

  beforeAll(async () => {
    await (await served.start()).says("page served");
    await browser.open(url, wide, shown);
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await served[Symbol.asyncDispose]();
  });

  async function open(model: string, screen: Screen = wide): Promise<void> {
    await browser.answer("model.json", model);
    await browser.open(url, screen, shown);
  }

  test("of three nodes names every one, with draining, overlaps and roots that have nothing in common", async () => {
    await open(modelOf(few));
    await photograph(browser, "few-light");
    expect(await browser.ask(listOf(".root > .name .mono"))).toEqual([
      "2001:db8:1:8::/61",
      "fd00:10:0:b::/64",
      "10.10.0.0/22",
    ]);
    const labels = await browser.ask(tiles);
    expect(labels).toContain("rack0-node01, fd00:10:0:b::/64, 37 pods, draining, this node");
    expect(labels).toContain("rack0-node02, 10.10.2.0/25, 111 pods, overlaps 10.10.2.0/24 of rack0-node01");
    expect(await browser.ask(listOf("#faults li"))).toEqual(status.faults);
    expect(await browser.ask(fitsWidth)).toBe(true);
  });

  test("draws who reaches whom, and which direction is broken", async () => {
    const names = few.map(({ name }) => name);
    await open(modelOf(few, { mesh: meshOf(names) }));
    await photograph(browser, "reach-light");
    expect(await browser.ask(listOf("#matrices caption"))).toEqual([
      "IPv6, nodes",
      "IPv4, nodes",
      "IPv6, the way to pods",
      "IPv4, the way to pods",
    ]);
    expect(await browser.ask(listOf("[data-kind=node][data-family=v6] tbody tr"))).toEqual([
      "rack0-node00\t·\tlost\t0.25",
      "rack0-node01\tarrives\t·\t0.37",
      "rack0-node02\t0.25\t0.37\t·",
    ]);
    expect(await browser.ask('document.getElementById("reached").innerText')).toBe(
      "✗ 8 of 24 questions are not answered",
    );
    expect(await browser.ask('document.querySelector("#matrices .bad").title')).toBe(
      "rack0-node00 to rack0-node01: what is sent does not arrive",
    );
    expect(await browser.ask(listOf("#reach li"))).toEqual([
      "rack0-node00 does not reach node rack0-node01 over IPv6: what it sends does not arrive",
      "The row of stray is not known: [2001:db8::99]:16128: no answer within 5 s <b>no markup</b>",
    ]);
    expect(await browser.ask(fitsWidth)).toBe(true);
    await open(modelOf(few));
    expect(await browser.ask('document.getElementById("reach").hidden')).toBe(true);
  });

  test("draws who reaches whom of as many nodes as it shows on a narrow screen, too", async () => {
    const names = racks(24).map(({ name }) => name);
    await open(modelOf(racks(24), { mesh: meshOf(names) }), { width: 390, height: 900 });
    await photograph(browser, "reach-390");
    expect(await browser.ask('document.querySelectorAll("#matrices td[title]").length')).toBe(4 * 24 * 23);
    expect(await browser.ask(fitsWidth)).toBe(true);
  });

  test("shows what events hold as text, and never as markup", async () => {
    await open(modelOf(few));
    const [fault = ""] = (await browser.ask(listOf("#events tbody tr"))) as string[];
    expect(fault).toContain("<b>no markup</b>");
    expect(fault).toContain("3 times");
    expect(await browser.ask('document.querySelectorAll("#events b").length')).toBe(0);
  });

  test.for([
    { scheme: "light", width: 1280 },
    { scheme: "dark", width: 1280 },
    { scheme: "light", width: 390 },
  ] as const)("of 5,000 nodes fits a $scheme screen of $width pixels, in racks", async ({ scheme, width }) => {
    await open(large, { width, height: 900, scheme });
    await photograph(browser, `many-${scheme}-${width}`);
    expect(await browser.ask("document.querySelectorAll('[data-family=v6] [role=group]').length")).toBe(100);
    expect(await browser.ask("document.querySelectorAll('[data-family=v4] [role=group]').length")).toBe(20);
    expect(await browser.ask("document.querySelectorAll('[role=option]').length")).toBe(10_000);
    expect(await browser.ask(fitsWidth)).toBe(true);
  });

  test("is used by keyboard: found by name, gone through by arrow keys, both families of the node told", async () => {
    await open(large);
    await browser.ask('document.getElementById("search").focus()');
    for (const letter of "rack7-") await browser.press(letter);
    expect(await browser.ask('document.getElementById("found").innerText')).toBe("50 of 5,000 nodes");
    await browser.press("Enter");
    expect(await browser.ask(selected)).toMatch(/^rack7-node00, 2001:db8:0:7000::\/64, /);
    await browser.press("ArrowRight");
    await browser.press("ArrowRight");
    expect(await browser.ask(selected)).toMatch(/^rack7-node02, /);
    expect(await browser.ask(detail)).toMatch(
      /^rack7-node02\n2001:db8:0:7002::\/64 .* 264 addresses\n10\.65\.96\.0\/24 .* of 256 addresses$/,
    );
    await browser.press("End");
    expect(await browser.ask(selected)).toMatch(/^rack7-node49, /);
    await browser.press("Tab");
    expect(await browser.ask(selected)).toMatch(/, 10\./);
  });

  test("keeps its place when pods come and go", async () => {
    await open(modelOf(racks(300)));
    await browser.ask('document.querySelector("[data-family=v4] .tile:nth-child(9)").click()');
    const place = String(await browser.ask(selected));
    expect(place).toMatch(/^rack0-node08, 10\.64\.8\.0\/24, 74 pods/);
    await browser.answer(
      "model.json",
      modelOf(racks(300), { plan: addressPlan({ nodes: racks(300), podAddresses: [], held: new Map() }) }),
    );
    await browser.ask('document.dispatchEvent(new Event("visibilitychange"))');
    await browser.until(`${selected} === ${JSON.stringify(place.replace("74 pods", "0 pods"))}`);
  });

  test("has text that stands out from its ground, in light and dark", async () => {
    for (const scheme of ["light", "dark"] as const) {
      await open(modelOf(few, { mesh: meshOf(few.map(({ name }) => name)) }), { ...wide, scheme });
      if (scheme === "dark") await photograph(browser, "few-dark");
      expect(await browser.ask(`(${leastContrast})()`), scheme).toBeGreaterThanOrEqual(4.5);
    }
  });

  test("had nothing to complain of in all this", () => {
    expect(browser.complaints).toEqual([]);
  });
});

/** The least contrast of any text with the ground it stands on, as WCAG 2 counts it; executed in the page. */
const leastContrast = `() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [red, green, blue] = parts(colour).slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [...document.querySelectorAll("body *")].filter((each) => each.checkVisibility() && [...each.childNodes].some((child) => child.nodeType === 3 && child.data.trim() !== ""));
  if (texts.length < 40) throw new Error("There is hardly any text");
  return Math.min(...texts.map((each) => {
    const [one, other] = [light(getComputedStyle(each).color), light(ground(each))].sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05);
  }));
}`;
