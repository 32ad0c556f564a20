// Changes of nftables' tables, by whomever: each transaction is told once, with the process that made it, as a reason to look again.
// What changed is not told. iptables says nothing here unless it is the one that uses nftables. include/uapi/linux/netfilter/nf_tables.h
import { constants } from "node:os";
import { attributes, headed } from "./attributes.ts";
import { be32, cstring } from "./codec.ts";
import { KernelError } from "./kernel-error.ts";
import { ifUnderstood, readMessages } from "./message.ts";
import { netfilterHeader, netfilterType } from "./netfilter-message.ts";
import type { Query } from "./request.ts";
import type { NetlinkSocket } from "./socket.ts";

export interface TablesChange {
  /** Counts the transactions in the namespace, so that one's own can be told by what was the generation before and after. */
  readonly generation: number;
  /** As the kernel's first PID namespace numbers it: in a container `process.pid` is another one. */
  readonly processId: number;
  /** At most 15 bytes: `nft`. */
  readonly processName: string;
}

export interface TablesListener {
  /** Undefined where changes were too many to be told of each, or one was not understood. */
  onChange(change: TablesChange | undefined): void;
  /** Nothing more will be told. */
  onError(error: Error): void;
}

/** NFNLGRP_NFTABLES */
const TABLES_GROUP = 7;
/** NFT_MSG_NEWGEN, NFT_MSG_GETGEN */
export const generationType = { new: netfilterType("tables", 15), get: netfilterType("tables", 16) } as const;

/** struct nfgenmsg and NFTA_GEN_* */
export const generationMessage = headed(
  netfilterHeader,
  attributes({ generation: [1, be32], processId: [2, be32], processName: [3, cstring] }),
);

/** Tells of changes until the socket is disposed; the socket, of the family netfilter, is then good for nothing else. */
export function watchTables(socket: NetlinkSocket, listener: TablesListener): void {
  const { ENOBUFS, EMSGSIZE } = constants.errno;
  socket.watch(
    [TABLES_GROUP],
    (datagram) => {
      // Nobody stands behind an event to catch anything, and what is not understood may be a change.
      const changes = ifUnderstood(() => changesIn(datagram)) ?? [undefined];
      for (const change of changes) listener.onChange(change);
    },
    (error) => {
      const overrun = error instanceof KernelError && [ENOBUFS, EMSGSIZE].includes(error.errno);
      if (overrun) listener.onChange(undefined);
      else listener.onError(error);
    },
  );
}

function changesIn(datagram: Uint8Array): readonly TablesChange[] {
  return readMessages(datagram).flatMap(({ type, body }) => (type === generationType.new ? [decodeChange(body)] : []));
}

/** How many transactions there have been in the namespace; it starts anywhere. */
export function getGeneration(): Query<number> {
  return {
    operation: "get the generation of nftables",
    type: generationType.get,
    flags: 0,
    body: generationMessage.encode({ header: {} }),
    decode: (body) => generationMessage.decode(body).attributes.generation,
  };
}

/** Reads the body of an NFT_MSG_NEWGEN. */
export function decodeChange(body: Uint8Array): TablesChange {
  const { generation = 0, processId = 0, processName = "" } = generationMessage.decode(body).attributes;
  return { generation, processId, processName };
}
