// This node as the agent would see it, from the facts: its prefixes, uplinks and ways to other nodes, decided by the agent's own
// functions. Pure.
import type { ClusterView } from "../cluster/view.ts";
import type { Sysctl } from "../kernel/kernel.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { decideNode } from "../node/pass.ts";
import type { Facts } from "./facts.ts";
import { known, Unseen } from "./reading.ts";

/** What it takes to decide. */
export type NodeFacts = Pick<Facts, "config" | "cluster" | "host" | "sysctls" | "podLinks">;

export type NodeView = ReturnType<typeof decideNode> & { readonly view: ClusterView };

const ENOENT = 2;

export function viewOf(facts: Pick<Facts, "cluster">): ClusterView {
  const { view, fault = "nothing is known of the cluster" } = known(facts.cluster);
  if (view === undefined) throw new Unseen(fault);
  return view;
}

/** Most checks ask for it, and with thousands of nodes it takes its time. */
const decided = new WeakMap<NodeFacts, NodeView>();

export function nodeOf(facts: NodeFacts): NodeView {
  const before = decided.get(facts);
  if (before !== undefined) return before;
  const view = viewOf(facts);
  const kernel = { sysctl: () => sysctlsOf(facts) };
  const pods = () => known(facts.podLinks).flatMap(({ mode, addresses }) => (mode === "macvlan" ? [] : addresses));
  const options = { kernel, settings: known(facts.config), podAddresses: pods };
  const node = { ...decideNode(view, known(facts.host), options), view };
  decided.set(facts, node);
  return node;
}

/** What was read, in the place of the kernel. */
export function sysctlsOf(facts: Pick<Facts, "sysctls">): Sysctl {
  const values = known(facts.sysctls);
  return {
    get(name) {
      const value = values.get(name);
      if (value === undefined) throw new KernelError({ operation: `read sysctl ${name}`, errno: ENOENT });
      return value;
    },
    set(name) {
      throw new Error(`Cannot set sysctl ${name}: facts are only read`);
    },
  };
}

export function valueOf(facts: Pick<Facts, "sysctls">, name: string): string | undefined {
  return known(facts.sysctls).get(name);
}

export function linkName(facts: Pick<Facts, "host">, index: number): string {
  return known(facts.host).links.find((link) => link.index === index)?.name ?? `link ${index}`;
}
