// What an agent tells of its node at /status, as a document: numbers and states, nothing secret, and no pod's name, since whoever reaches
// the port may read it. hextetctl makes the same document from kernel and database where no agent answers.
import * as v from "valibot";
import { parseDocument } from "./agent-document.ts";
import type { Page } from "./page-query.ts";

/** Raised when a reader of the version before would misread something; what is added is passed over by older readers. */
export const statusVersion = 1;

const count = v.number();
/** Whole numbers of any size. */
const amount = v.pipe(v.string(), v.regex(/^\d+$/));

const schema = v.object({
  version: v.literal(statusVersion),
  node: v.string(),
  /** Absent where none answered and somebody else looked. */
  agent: v.exactOptional(v.object({ buildId: v.string(), since: v.pipe(v.string(), v.isoTimestamp()), pid: count })),
  cluster: v.object({
    source: v.string(),
    /** Absent while there is no view of it. */
    nodes: v.exactOptional(count),
    pods: v.exactOptional(count),
    policies: v.exactOptional(count),
  }),
  prefixes: v.array(v.object({ prefix: v.string(), state: v.string() })),
  ranges: v.array(
    v.object({ range: v.string(), size: amount, held: count, cooling: count, conflicting: count, free: amount }),
  ),
  uplinks: v.array(v.object({ name: v.string(), mtu: count, addresses: v.array(v.string()) })),
  podMtu: v.exactOptional(count),
  /** To other nodes and away from unused addresses; a few of those that differ are named. */
  routes: v.exactOptional(v.object({ wanted: count, present: count, differing: v.array(v.string()) })),
  proxies: v.exactOptional(v.object({ wanted: count, present: count })),
  tunnels: v.array(v.object({ name: v.string(), underlay: v.string(), peers: count, present: v.boolean() })),
  attachments: count,
  firewall: v.exactOptional(v.object({ backend: v.exactOptional(v.string()), policies: v.boolean() })),
  /** What is wrong now, each in a sentence with its fix. */
  faults: v.array(v.string()),
});

export type NodeStatus = v.InferOutput<typeof schema>;

/** Where an agent has its own. */
export const statusPage: Page<NodeStatus> = {
  path: "/status",
  holds: "status",
  read: (text) => parseDocument(text, { name: "status", version: statusVersion, schema }),
};
