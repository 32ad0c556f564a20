// What both kernels do with rules, queues and sysctls, with several requests at once, and with those who watch.
import { describe, expect, test } from "vitest";
import { addAddress, addressType, decodeAddress } from "../../netlink/address.ts";
import { changeLink, createLink, decodeLink, deleteLink } from "../../netlink/link.ts";
import { linkType } from "../../netlink/link-message.ts";
import { readMessages } from "../../netlink/message.ts";
import { addRoute, decodeRoute, removeRoute } from "../../netlink/route.ts";
import { routeType } from "../../netlink/route-message.ts";
import { addRule, listRules, type Rule, removeRule } from "../../netlink/rule.ts";
import {
  addQueue,
  addRedirect,
  listQueues,
  listRedirects,
  removeQueue,
  removeRedirect,
  replaceQueue,
} from "../../netlink/tc.ts";
import { connectPod, nodeEnd, type OpenWorld, outcome, prefix, refusalOf, until, v4, v6 } from "./world.ts";

const link = nodeEnd;
const families = ["v6", "v4"] as const;

export function restContract(open: OpenWorld): void {
  ruleContract(open);
  trafficContract(open);
  sysctlContract(open);
  batchContract(open);
  watchContract(open);
}

function ruleContract(open: OpenWorld): void {
  describe.for(families)("a rule of IP%s", (family) => {
    const from = prefix(family === "v6" ? "fd00::/64" : "10.0.0.0/24");
    const rule: Rule = { family, priority: 100, from, action: { kind: "lookup", table: 1000 }, protocol: 72 };

    test("is there as it was added, among the kernel's own in their order", () => {
      using world = open();
      world.node.execute([addRule(rule)]);
      expect(world.node.dump(listRules({ protocol: 72 }))).toEqual([rule]);
      const priorities = world.node.dump(listRules({ family })).map(({ priority }) => priority);
      expect(priorities).toEqual(family === "v6" ? [0, 100, 32766] : [0, 100, 32766, 32767]);
    });

    test("is added and removed once", () => {
      using world = open();
      world.node.execute([addRule(rule)]);
      expect(outcome(world.node, addRule(rule))).toBe("EEXIST");
      expect(outcome(world.node, removeRule({ ...rule, priority: 101 }))).toBe("ENOENT");
      world.node.execute([removeRule(rule)]);
      expect(outcome(world.node, removeRule(rule))).toBe("ENOENT");
    });

    test("may share its priority with another one", () => {
      using world = open();
      world.node.execute([addRule(rule), addRule({ ...rule, action: { kind: "blackhole" } })]);
      expect(world.node.dump(listRules({ protocol: 72 }))).toHaveLength(2);
    });
  });
}

function trafficContract(open: OpenWorld): void {
  describe("a queue", () => {
    const queue = { link, kind: "tbf", bytesPerSecond: 1_250_000, burstBytes: 32_768, limitBytes: 157_768 } as const;

    test("that limits the rate is there as it was added, replaced by another, and removed once", () => {
      using world = open();
      connectPod(world);
      const { node } = world;
      expect(node.dump(listQueues({ link }))).toEqual([{ link, kind: "noqueue" }]);
      node.execute([addQueue(queue)]);
      expect(node.dump(listQueues({ link }))).toEqual([queue]);
      expect(outcome(node, addQueue(queue))).toBe("EEXIST Exclusivity flag on, cannot modify");
      node.execute([replaceQueue({ ...queue, bytesPerSecond: 2_500_000 })]);
      expect(node.dump(listQueues({ link }))).toEqual([{ ...queue, bytesPerSecond: 2_500_000 }]);
      node.execute([removeQueue({ link, at: "root" })]);
      expect(node.dump(listQueues({ link }))).toEqual([{ link, kind: "noqueue" }]);
      expect(outcome(node, removeQueue({ link, at: "root" }))).toBe("ENOENT Cannot delete qdisc with handle of zero");
    });

    test("for what arrives hands it to another link, until it is removed with what is in it", () => {
      using world = open();
      connectPod(world);
      const { node } = world;
      node.execute([createLink({ kind: "ifb", name: "ifb9", index: 9, up: true })]);
      node.execute([addQueue({ link, kind: "ingress" }), addRedirect({ link, to: 9 })]);
      expect(node.dump(listRedirects({ link }))).toEqual([{ link, to: 9 }]);
      expect(outcome(node, addRedirect({ link, to: 9 }))).toBe("EEXIST Filter already exists");
      node.execute([removeQueue({ link, at: "ingress" })]);
      expect(node.dump(listRedirects({ link }))).toEqual([]);
      expect(outcome(node, removeQueue({ link, at: "ingress" }))).toBe(
        "ENOENT Cannot delete qdisc with handle of zero",
      );
    });

    test("for what arrives stays when the redirection is removed", () => {
      using world = open();
      connectPod(world);
      const { node } = world;
      node.execute([createLink({ kind: "ifb", name: "ifb9", index: 9, up: true })]);
      node.execute([addQueue({ link, kind: "ingress" }), addRedirect({ link, to: 9 }), removeRedirect({ link })]);
      expect(node.dump(listRedirects({ link }))).toEqual([]);
      expect(outcome(node, removeRedirect({ link }))).toBe("ENOENT Cannot find specified filter chain");
      expect(node.dump(listQueues({ link }))).toContainEqual({ link, kind: "ingress" });
    });

    test.for<[kind: "ingress" | "clsact" | undefined, result: string]>([
      ["ingress", "done"],
      ["clsact", "EINVAL"],
      [undefined, "EINVAL Parent Qdisc doesn't exists"],
    ])("%s as the place of a redirection: %s", ([kind, result]) => {
      using world = open();
      connectPod(world);
      world.node.execute([
        createLink({ kind: "ifb", name: "ifb9", index: 9, up: true }),
        ...(kind === undefined ? [] : [addQueue({ link, kind })]),
      ]);
      expect(outcome(world.node, addRedirect({ link, to: 9 }))).toBe(result);
    });

    test("on a link that is not there is refused, and redirections of it are none", () => {
      using world = open();
      expect(outcome(world.node, addQueue({ ...queue, link: 999 }))).toBe("ENODEV");
      expect(world.node.dump(listRedirects({ link: 999 }))).toEqual([]);
    });
  });
}

function sysctlContract(open: OpenWorld): void {
  describe("sysctls", () => {
    test("of a link come, go and are renamed with it", () => {
      using world = open();
      connectPod(world);
      const { node, nodeSysctl } = world;
      nodeSysctl.set("net/ipv6/conf/hx1/accept_ra", "0");
      node.execute([changeLink({ index: link }, { name: "hx2" })]);
      expect(nodeSysctl.get("net/ipv6/conf/hx2/accept_ra")).toBe("0");
      expect(refusalOf(() => nodeSysctl.get("net/ipv6/conf/hx1/accept_ra"))).toBe("ENOENT");
      node.execute([deleteLink({ index: link })]);
      expect(refusalOf(() => nodeSysctl.get("net/ipv6/conf/hx2/accept_ra"))).toBe("ENOENT");
    });

    test("are those of one namespace", () => {
      using world = open();
      connectPod(world);
      world.podSysctl.set("net/ipv6/conf/eth0/accept_ra", "2");
      world.podSysctl.set("net/ipv4/ip_forward", "1");
      expect(world.podSysctl.get("net/ipv6/conf/eth0/accept_ra")).toBe("2");
      expect(world.nodeSysctl.get("net/ipv4/ip_forward")).toBe("0");
      expect(refusalOf(() => world.nodeSysctl.get("net/ipv6/conf/eth0/accept_ra"))).toBe("ENOENT");
    });

    test.for<[name: string, each: string]>([
      ["net/ipv6/conf/all/forwarding", "net/ipv6/conf/hx1/forwarding"],
      ["net/ipv4/conf/all/forwarding", "net/ipv4/conf/hx1/forwarding"],
      ["net/ipv4/ip_forward", "net/ipv4/conf/hx1/forwarding"],
      ["net/ipv6/conf/all/disable_ipv6", "net/ipv6/conf/hx1/disable_ipv6"],
    ])("%s sets %s too", ([name, each]) => {
      using world = open();
      connectPod(world);
      expect([world.nodeSysctl.get(name), world.nodeSysctl.get(each)]).toEqual(["0", "0"]);
      world.nodeSysctl.set(name, "1");
      expect([world.nodeSysctl.get(name), world.nodeSysctl.get(each)]).toEqual(["1", "1"]);
    });

    test("of all links in other things leave each link's own alone", () => {
      using world = open();
      connectPod(world);
      world.nodeSysctl.set("net/ipv6/conf/all/accept_ra", "0");
      expect(world.nodeSysctl.get("net/ipv6/conf/hx1/accept_ra")).toBe("1");
    });

    test("of the default are what a new link starts with", () => {
      using world = open();
      world.nodeSysctl.set("net/ipv6/conf/default/accept_ra", "0");
      world.nodeSysctl.set("net/ipv4/conf/default/rp_filter", "2");
      connectPod(world);
      expect(world.nodeSysctl.get("net/ipv6/conf/hx1/accept_ra")).toBe("0");
      expect(world.nodeSysctl.get("net/ipv4/conf/hx1/rp_filter")).toBe("2");
    });

    test("say the mode of address generation that netlink set", () => {
      using world = open();
      connectPod(world);
      expect(world.nodeSysctl.get("net/ipv6/conf/hx1/addr_gen_mode")).toBe("1");
    });

    test.for<[name: string, value: string, code: string]>([
      ["net/ipv6/conf/none/accept_ra", "1", "ENOENT"],
      ["net/ipv6/conf/all/no_such_thing", "1", "ENOENT"],
      ["net/ipv6/conf/all/accept_ra", "many", "EINVAL"],
    ])("%s set to %s is refused: %s", ([name, value, code]) => {
      using world = open();
      expect(refusalOf(() => world.nodeSysctl.set(name, value))).toBe(code);
    });
  });
}

function batchContract(open: OpenWorld): void {
  describe("several requests at once", () => {
    test("are all tried, and the first refusal is told with its place", () => {
      using world = open();
      connectPod(world);
      const add = (address: typeof v6.node) => addAddress({ link, address, noDad: true });
      const requests = [add(v6.node), add(v6.node), add(v4.node), add(v4.node)];
      expect(() => world.node.execute(requests)).toThrow(expect.objectContaining({ code: "EEXIST", index: 1 }));
      expect(outcome(world.node, add(v4.node))).toBe("EEXIST ipv4: Address already assigned");
    });

    test("of 300 addresses and routes are carried out in order", () => {
      using world = open();
      connectPod(world);
      const routes = Array.from({ length: 300 }, (_, at) => ({
        destination: prefix(`fd01:0:0:${at.toString(16)}::/64`),
        nextHop: { kind: "link", link } as const,
      }));
      world.node.execute(routes.flatMap((route) => [addRoute(route), removeRoute(route)]));
      expect(outcome(world.node, ...routes.map(addRoute))).toBe("done");
    });
  });
}

function watchContract(open: OpenWorld): void {
  describe("who watches", () => {
    const groups = { links: 1, addresses6: 9, routes6: 11 };

    test("is told of links, addresses and routes that come and go", async () => {
      using world = open();
      connectPod(world);
      using socket = world.kernel.socket("route");
      const seen: string[] = [];
      socket.watch(
        Object.values(groups),
        (datagram) => seen.push(...readMessages(datagram).map(tell)),
        (error) => expect.unreachable(String(error)),
      );
      const route = { destination: prefix("fd01::/64"), nextHop: { kind: "link", link } as const, protocol: 72 };
      world.node.execute([
        addAddress({ link, address: v6.node, noDad: true }),
        addRoute(route),
        removeRoute(route),
        changeLink({ index: link }, { alias: "watched" }),
      ]);
      // Of an address of IPv6 Linux tells a moment later, so the order is not the same each time.
      const expected = ["+ address fd00::1/64", "+ link hx1 watched", "+ route fd01::/64", "- route fd01::/64"];
      const found = () => seen.filter((one) => expected.includes(one));
      await until(world, () => found().length === expected.length);
      expect(found().sort()).toEqual(expected);
    });

    test("is not told of other groups, nor after it has gone", async () => {
      using world = open();
      connectPod(world);
      let count = 0;
      const socket = world.kernel.socket("route");
      socket.watch(
        [groups.routes6],
        () => {
          count += 1;
        },
        () => {},
      );
      world.node.execute([changeLink({ index: link }, { alias: "one" })]);
      await world.wait(20);
      socket[Symbol.dispose]();
      world.node.execute([addRoute({ destination: prefix("fd01::/64"), nextHop: { kind: "link", link } })]);
      await world.wait(20);
      expect(count).toBe(0);
    });
  });
}

function tell({ type, body }: { readonly type: number; readonly body: Uint8Array }): string {
  switch (type) {
    case linkType.new:
      return `+ link ${decodeLink(body).name} ${decodeLink(body).alias}`;
    case addressType.new:
      return `+ address ${decodeAddress(body)?.address}`;
    case routeType.new:
      return `+ route ${decodeRoute(body)?.destination}`;
    case routeType.delete:
      return `- route ${decodeRoute(body)?.destination}`;
    default:
      return `type ${type}`;
  }
}
