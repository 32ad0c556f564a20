// Whether packets find their way from this node: uplink, default routes and what they lead to, routes to other nodes, and the way back.
import { type Address, type Family, familyName } from "../../ip/address.ts";
import { describeRoute, type Route } from "../../netlink/route.ts";
import { answersForPods, proxySettings } from "../../node/neighbor-proxy.ts";
import { desiredRoutes, isNodeRoute, planRoutes } from "../../node/routes.ts";
import { defaultRoutes } from "../../node/uplink.ts";
import type { Step } from "../../reconcile/plan.ts";
import type { Facts, ReturnProbe } from "../facts.ts";
import { type Check, command, type Finding, problem, sysctl, warning } from "../finding.ts";
import { known } from "../reading.ts";
import { nodeOf, valueOf } from "../view.ts";
import { findingsOf } from "./faults.ts";
import { few } from "./few.ts";
import { restartAgent } from "./runtime.ts";

const uplink: Check = {
  id: "uplink",
  why: "other nodes are reached by the uplink: without one pods reach only each other on this node",
  look: (facts) => findingsOf(nodeOf(facts).uplinks.faults, ["no-uplink", "uplink-down", "several-uplinks"]),
};

const defaultRoute: Check = {
  id: "default-route",
  why: "without a default route pods reach nothing beyond the links of the nodes",
  look(facts) {
    const { families, uplinks } = nodeOf(facts);
    const has = new Set(defaultRoutes(known(facts.host)).map(({ family }) => family));
    const wanted = families.filter((family) =>
      uplinks.links.some(({ addresses }) => addresses.some((each) => each.family === family)),
    );
    return wanted
      .filter((family) => !has.has(family))
      .map((family) => withoutDefault(facts, family, uplinks.links[0]?.name ?? "LINK"));
  },
};

function withoutDefault(facts: Facts, family: Family, link: string): Finding {
  const seen = `There is no default route of ${familyName(family)}, though ${link} has addresses of it`;
  const acceptRa = `net/ipv6/conf/${link}/accept_ra`;
  const deaf = family === "v6" && valueOf(facts, acceptRa) !== "2" ? [sysctl(acceptRa, 2)] : [];
  const look = family === "v6" ? [command(`rdisc6 ${link}`)] : [];
  const flag = family === "v6" ? "-6 " : "";
  return problem(seen, ...deaf, ...look, command(`ip ${flag}route add default via ROUTER dev ${link}`));
}

const gateway: Check = {
  id: "gateway",
  sends: true,
  why: "everything beyond the link goes through the router that the default route names",
  look: (facts) =>
    known(facts.gateways)
      .filter(({ answered }) => !answered)
      .map(({ address, link }) => {
        const seen = `The router ${address} of the default route does not answer on ${link}`;
        const flag = address.family === "v6" ? "-6" : "-4";
        return problem(seen, command(`ip ${flag} neigh show dev ${link}`), command(`ip ${flag} route show default`));
      }),
};

const nodeRoutes: Check = {
  id: "node-routes",
  why: "pods of other nodes are reached by routes that the agent keeps, and unused addresses of this node are told as such",
  look(facts) {
    const { routing, tunnels: wanted } = nodeOf(facts);
    const tunnels = known(facts.tunnels);
    const missing = wanted.filter(({ underlay }) => tunnels[underlay] === undefined);
    const steps = planRoutes(desiredRoutes(routing, tunnels), known(facts.ownRoutes).filter(isNodeRoute));
    const wrong = steps.map(describeStep);
    return [
      ...missing.map(({ name }) =>
        problem(`The tunnel ${name} is missing, so nodes off this link are not reached`, restartAgent),
      ),
      ...(wrong.length === 0 ? [] : [problem(`Routes to nodes are not as they must be: ${few(wrong)}`, restartAgent)]),
    ];
  },
};

function describeStep(step: Step<Route>): string {
  switch (step.do) {
    case "add":
      return `${describeRoute(step.want)} is missing`;
    case "change":
      return `${describeRoute(step.have)} leads elsewhere`;
    case "remove":
      return `${describeRoute(step.have)} is left over`;
  }
}

const routeLimit: Check = {
  id: "ipv6-route-limit",
  why: "kernels before 6.3 count routes in use against net.ipv6.route.max_size, and then refuse to send",
  look(facts) {
    const [major = 0, minor = 0] = known(facts.machine).release.split(/[.-]/).map(Number);
    const limit = Number(valueOf(facts, "net/ipv6/route/max_size") ?? Number.POSITIVE_INFINITY);
    if (major > 6 || (major === 6 && minor >= 3)) return [];
    const all = [...known(facts.ownRoutes), ...known(facts.host).routes];
    const count = all.filter(({ destination }) => destination.family === "v6").length;
    if (count * 2 <= limit) return [];
    const seen = `net.ipv6.route.max_size is ${limit}, and there are ${count} routes of IPv6`;
    const fix = sysctl("net/ipv6/route/max_size", Math.max(16_384, count * 8));
    return [count > limit ? problem(seen, fix) : warning(seen, fix)];
  },
};

const neighborLimit: Check = {
  id: "neighbor-limit",
  why: "a full neighbor table keeps the node from hosts on its links, now these and now those",
  look(facts) {
    const { view, uplinks } = nodeOf(facts);
    const bridged = known(facts.podLinks).filter(({ mode }) => mode === "bridge");
    const onLink = uplinks.links.flatMap((each) => each.onLink);
    return known(facts.neighborTables).flatMap(({ family, limit, refusals }) => {
      const isOf = (address: Address) => address.family === family;
      const nodes = view.nodes.filter(({ addresses }) =>
        addresses.some((address) => isOf(address) && onLink.some((prefix) => prefix.contains(address))),
      ).length;
      const pods = bridged.flatMap(({ addresses }) => addresses.filter(isOf)).length;
      const used = known(facts.neighbors).filter(({ address, state }) => isOf(address) && state !== "permanent").length;
      const wanted = Math.max(nodes + pods, used);
      if (wanted * 5 <= limit * 4) return [];
      const refused = refusals > 0n ? `, and it refused ${refusals} since the host was started` : "";
      const seen = `The table of ${familyName(family)} neighbors takes ${limit} entries, and ${wanted} are needed${refused}`;
      const name = `net/${familyName(family).toLowerCase()}/neigh/default/gc_thresh`;
      const least = Math.max(4096, wanted * 4);
      const fixes = [sysctl(`${name}3`, least), sysctl(`${name}2`, least / 2)];
      return [wanted > limit ? problem(seen, ...fixes) : warning(seen, ...fixes)];
    });
  },
};

const neighborProxy: Check = {
  id: "neighbor-proxy",
  why: "pods whose prefix is part of the uplink's own are looked for on that link, and only the node can answer for them",
  look(facts) {
    const { routing, uplinks, proxies: wanted } = nodeOf(facts);
    const { ndpProxy: mode } = known(facts.config);
    const { links } = uplinks;
    const { own: prefixes } = routing;
    if (mode === "off") {
      if (!answersForPods({ mode: "auto", prefixes, uplinks: links })) return [];
      return [
        problem(
          "The node's prefix is part of its uplink's, and ndpProxy is off",
          command("set ndpProxy: auto in agent.yaml"),
        ),
      ];
    }
    const has = new Set(known(facts.proxies).map(({ link, address }) => `${link} ${address}`));
    const missing = wanted.filter(({ link, address }) => !has.has(`${link} ${address}`));
    const unset = proxySettings(wanted, links).filter(({ name, value }) => valueOf(facts, name) !== value);
    return [
      ...unset.map(({ name, value }) =>
        problem(`${name} is ${valueOf(facts, name)}, and pods are answered for`, sysctl(name, value)),
      ),
      ...(missing.length === 0
        ? []
        : [
            problem(
              `Nobody answers on the uplink for ${few(missing.map(({ address }) => `${address}`))}`,
              restartAgent,
            ),
          ]),
    ];
  },
};

const prefixReturn: Check = {
  id: "prefix-return",
  sends: true,
  why: "answers to pods come back only where the uplink's router sends the node's prefix to this node",
  look: (facts) =>
    known(facts.returns).flatMap((probe) => (probe.outcome === "returned" ? [] : [notReturned(facts, probe)])),
};

function notReturned(facts: Facts, { prefix, link, router, outcome, words }: ReturnProbe): Finding {
  const node = nodeOf(facts).routing.local.v6 ?? "NODE";
  const onRouter = command(`on the router: ip -6 route add ${prefix} via ${node}`);
  const seen = `The router ${router} on ${link} does not send ${prefix} to this node (${words})`;
  // Silence may be a filter's.
  return outcome === "refused" ? problem(seen, onRouter) : warning(seen, onRouter);
}

export const routeChecks: readonly Check[] = [
  uplink,
  defaultRoute,
  gateway,
  nodeRoutes,
  routeLimit,
  neighborLimit,
  neighborProxy,
  prefixReturn,
];
