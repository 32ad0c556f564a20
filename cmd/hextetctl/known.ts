// What explanations start from: who is attached here, and what the cluster's source tells.
import type { AgentConfig } from "../../src/agent/config.ts";
import { attachmentsOf } from "../../src/inspect/attachments.ts";
import type { Known } from "../../src/inspect/flow-ends.ts";
import { LeaseReader } from "../../src/ipam/store/lease-reader.ts";
import { linux } from "../../src/kernel/linux.ts";
import { inventory } from "../../src/pod/inventory.ts";
import { askOwnAgent, nodeNameOf, type ReadView, readView } from "./local-node.ts";

export async function readKnown(config: AgentConfig): Promise<Known & ReadView> {
  const node = nodeNameOf(config, await askOwnAgent(config));
  const cluster = await readView(config);
  using reader = LeaseReader.open(config.dataDirectory);
  return { ...cluster, node, attachments: attachmentsOf(reader?.leases() ?? [], inventory(linux)) };
}
