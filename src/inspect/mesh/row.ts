// What one node says of who reaches whom, at /mesh: a row of the cluster's matrix, and of whom it hears, which is the other direction of a column.
// It holds names of nodes and times, and neither addresses nor pods, since whoever reaches the port may read it.
import * as v from "valibot";
import { parseDocument } from "../agent-document.ts";
import type { Page } from "../page-query.ts";

/** Raised when a reader of the version before would misread something; what is added is passed over by older readers. */
export const meshVersion = 1;

/** What of a node is asked for: itself, or the way to its pods. */
export const meshKinds = ["node", "prefix"] as const;

const cell = v.object({
  node: v.string(),
  kind: v.picklist(meshKinds),
  family: v.picklist(["v6", "v4"]),
  reached: v.boolean(),
  roundTripMs: v.exactOptional(v.number()),
  lostPercent: v.number(),
  why: v.exactOptional(v.string()),
  /** Whether that node's own questions of this kind arrived here lately; absent where that cannot be told. */
  heard: v.exactOptional(v.boolean()),
});

const schema = v.object({
  version: v.literal(meshVersion),
  node: v.string(),
  /** How many others it asks at most; 0: nobody. */
  peers: v.number(),
  /** How long ago it was measured; absent before the first time. */
  secondsAgo: v.exactOptional(v.number()),
  cells: v.array(cell),
});

export type MeshCell = Readonly<v.InferOutput<typeof cell>>;
export type MeshRow = Readonly<v.InferOutput<typeof schema>>;

/** Where an agent has its own. */
export const meshPage: Page<MeshRow> = {
  path: "/mesh",
  holds: "row of who reaches whom",
  read: (text) => parseDocument(text, { name: "row", version: meshVersion, schema }),
};
