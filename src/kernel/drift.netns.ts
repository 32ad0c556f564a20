// Any requests in any order, put to the fake kernel and to Linux at once: both must answer the same and hold the same in the end.
// What no case of the contract thought of is found here.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Mac } from "../ip/mac.ts";
import { addAddress, listAddresses, removeAddress } from "../netlink/address.ts";
import { changeLink, createLink, deleteLink, listLinks } from "../netlink/link.ts";
import {
  addNeighbor,
  addProxyNeighbor,
  listNeighbors,
  listProxyNeighbors,
  removeNeighbor,
  removeProxyNeighbor,
  replaceNeighbor,
} from "../netlink/neighbor.ts";
import type { NextHop } from "../netlink/next-hop.ts";
import type { Request } from "../netlink/request.ts";
import { addRoute, describeRoute, listRoutes, type Route, removeRoute, replaceRoute } from "../netlink/route.ts";
import { addRule, describeRule, listRules, removeRule } from "../netlink/rule.ts";
import {
  address,
  connectPod,
  nodeEnd,
  onLink,
  openFake,
  openLinux,
  outcome,
  podEnd,
  prefix,
  type World,
} from "./contract/world.ts";

const BRIDGE = 50;
const link = nodeEnd;

interface Action {
  readonly side: "node" | "pod";
  readonly request: Request;
}

const onNode = (request: Request): Action => ({ side: "node", request });

const addresses = ["fd00::1/64", "fd00::9/64", "fd00::7/128", "10.0.0.1/24", "10.0.0.9/24", "10.0.0.7/32"].map(onLink);
const addressAction = fc
  .record({
    at: fc.constantFrom(link, BRIDGE),
    which: fc.constantFrom(...addresses),
    bare: fc.boolean(),
    add: fc.boolean(),
  })
  .map(({ at, which, bare, add }) => {
    const one = { link: at, address: which, noDad: true, ...(bare ? { noPrefixRoute: true } : {}) };
    return onNode(add ? addAddress(one) : removeAddress(one));
  });

const hops: readonly NextHop[] = [
  { kind: "gateway", gateway: address("fd00::2"), link },
  { kind: "gateway", gateway: address("fd00::2") },
  { kind: "gateway", gateway: address("fe80::2"), link },
  { kind: "gateway", gateway: address("10.0.0.2"), link },
  { kind: "gateway", gateway: address("10.0.0.2") },
  { kind: "gateway", gateway: address("169.254.1.1"), link, onLink: true },
  { kind: "link", link },
  { kind: "link", link: BRIDGE },
  { kind: "blackhole" },
  { kind: "unreachable" },
];
const destinations = ["fd01::/64", "::/0", "fd00::2/128", "10.1.0.0/24", "0.0.0.0/0", "10.0.0.2/32"].map(prefix);
const routeAction = fc
  .record({
    destination: fc.constantFrom(...destinations),
    nextHop: fc.constantFrom(...hops),
    priority: fc.constantFrom(undefined, 5, 6),
    act: fc.constantFrom("add", "add", "replace", "remove", "removeAny"),
  })
  .filter(
    ({ destination, nextHop }) =>
      !(destination.family === "v6" && "gateway" in nextHop && nextHop.gateway.family === "v4"),
  )
  .map(({ destination, nextHop, priority, act }) => {
    const route: Route = { destination, nextHop, protocol: 72, ...(priority === undefined ? {} : { priority }) };
    if (act === "add") return onNode(addRoute(route));
    if (act === "replace") return onNode(replaceRoute(route));
    return onNode(removeRoute(act === "remove" ? route : { destination, protocol: 72 }));
  });

const macs = ["02:00:00:00:00:01", "02:00:00:00:00:77"].map((text) => Mac.parse(text));
const neighborAction = fc
  .record({
    at: fc.constantFrom(link, BRIDGE),
    address: fc.constantFrom(...["fd00::2", "fe80::2", "10.0.0.2"].map(address)),
    mac: fc.constantFrom(...macs),
    act: fc.constantFrom("add", "replace", "remove", "proxy", "unproxy"),
  })
  .map(({ at, address, mac, act }) => {
    const one = { link: at, address, mac, protocol: 72 };
    const requests = {
      add: () => addNeighbor(one),
      replace: () => replaceNeighbor(one),
      remove: () => removeNeighbor(one),
      proxy: () => addProxyNeighbor({ link: at, address, protocol: 72 }),
      unproxy: () => removeProxyNeighbor({ link: at, address }),
    };
    return onNode(requests[act as keyof typeof requests]());
  });

const linkAction: fc.Arbitrary<Action> = fc.constantFrom(
  ...[true, false].flatMap((up): Action[] => [
    onNode(changeLink({ index: link }, { up })),
    onNode(changeLink({ index: BRIDGE }, { up })),
    { side: "pod", request: changeLink({ index: podEnd }, { up }) },
  ]),
  ...[1279, 1280, 1400].map((mtu) => onNode(changeLink({ index: link }, { mtu }))),
  ...macs.map((mac) => onNode(changeLink({ index: link }, { mac }))),
  onNode(changeLink({ index: link }, { master: BRIDGE })),
  onNode(changeLink({ index: link }, { master: "none" })),
  onNode(changeLink({ index: link }, { port: { hairpin: true } })),
  onNode(changeLink({ index: link }, { name: "hx2", alias: "one" })),
  onNode(changeLink({ index: link }, { name: "br0" })),
  onNode(changeLink({ name: "hx2" }, { group: 7, alias: "" })),
  onNode(deleteLink({ group: 7 })),
  onNode(createLink({ kind: "bridge", name: "br0", index: BRIDGE })),
  onNode(deleteLink({ index: BRIDGE })),
);

const ruleAction = fc
  .record({ family: fc.constantFrom("v4" as const, "v6" as const), priority: fc.constantFrom(5, 6), add: fc.boolean() })
  .map(({ family, priority, add }) => {
    const rule = { family, priority, action: { kind: "lookup", table: 1000 }, protocol: 72 } as const;
    return onNode(add ? addRule(rule) : removeRule(rule));
  });

const actions = fc.array(
  fc.oneof(
    { arbitrary: addressAction, weight: 4 },
    { arbitrary: routeAction, weight: 6 },
    { arbitrary: neighborAction, weight: 2 },
    { arbitrary: linkAction, weight: 5 },
    { arbitrary: ruleAction, weight: 1 },
  ),
  { minLength: 1, maxLength: 25 },
);

/** All that a namespace holds and both kernels decide; MACs that are drawn at random and what follows from them are left out. */
function held({ node }: World): string[] {
  return [
    ...node
      .dump(listLinks())
      .map(({ name, up, carrier, mtu, alias, group, master, addressGeneration }) =>
        JSON.stringify({ name, up, carrier, mtu, alias, group, master, addressGeneration }),
      ),
    ...node
      .dump(listAddresses())
      .filter(({ address }) => !address.address.isLinkLocal)
      .map(({ link, address, temporary }) => `address ${address} dev ${link} ${temporary}`),
    ...node
      .dump(listRoutes({ table: 254 }))
      .filter(({ destination }) => !destination.address.isLinkLocal)
      .map((route) => `route ${describeRoute(route)} proto ${route.protocol} ${route.scope} ${route.source}`),
    ...node
      .dump(listNeighbors())
      .filter(({ state }) => state === "permanent")
      .map(({ link, address, mac }) => `neighbor ${address} dev ${link} ${mac}`),
    ...node.dump(listProxyNeighbors()).map(({ link, address }) => `proxy ${address} dev ${link}`),
    ...node.dump(listRules()).map(describeRule),
  ].sort();
}

/** Codes alone: the words are the contract's business. */
function carriedOut(world: World, all: readonly Action[]): string[] {
  return all.map(({ side, request }) => `${request.operation}: ${outcome(world[side], request).split(" ")[0]}`);
}

test("the fake kernel answers as Linux does, and holds the same in the end", () => {
  fc.assert(
    fc.property(actions, (all) => {
      using linux = openLinux();
      using fake = openFake();
      for (const world of [linux, fake]) connectPod(world);
      expect(carriedOut(fake, all)).toEqual(carriedOut(linux, all));
      expect(held(fake)).toEqual(held(linux));
    }),
    { seed: 1, numRuns: 200 },
  );
});
