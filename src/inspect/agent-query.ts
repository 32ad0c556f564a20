// Asks an agent for its status: one that does not answer, or not in a way that is understood, is an answer too.
import type { Address } from "../ip/address.ts";
import { askForPage } from "./page-query.ts";
import { type NodeStatus, statusPage } from "./status.ts";

export type AgentAnswer =
  | { readonly kind: "status"; readonly status: NodeStatus }
  /** Why there is none, to be read after a colon. */
  | { readonly kind: "none"; readonly why: string };

/** At whichever of its addresses it answers. */
export async function askFirst(addresses: readonly Address[], port: number): Promise<AgentAnswer> {
  const answer = await askForPage(statusPage, addresses, port);
  return answer.kind === "read" ? { kind: "status", status: answer.value } : answer;
}
