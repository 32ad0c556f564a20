// Clusters for unit and netns tests, as short as a cluster file: `cluster({ beta: ["2001:db8::b", "fd00:2::/64"] })`.
import type { ClusterView } from "../cluster/view.ts";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";

/** Of each node its addresses and, with a slash, its prefixes. */
export function cluster(nodes: Readonly<Record<string, readonly string[]>>): ClusterView {
  return {
    nodes: Object.entries(nodes).map(([name, texts]) => ({
      name,
      addresses: texts.filter((text) => !text.includes("/")).map((text) => Address.parse(text)),
      prefixes: texts
        .filter((text) => text.includes("/"))
        .map((text) => ({ prefix: Prefix.parse(text), state: "active" })),
    })),
  };
}
