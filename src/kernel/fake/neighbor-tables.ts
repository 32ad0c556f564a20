// The tables of neighbors as the fake kernel has them: never full by themselves, only where a test says so. net/core/neighbour.c
import { type Family, families } from "../../ip/address.ts";
import { neighborStatistics, neighborTableMessage } from "../../netlink/neighbor-table.ts";
import { familyNumber } from "../../netlink/values.ts";
import type { NamespaceState } from "./state.ts";

const limit = 1024;

export function listNeighborTables({ machine: { ipv6, neighborRefusals } }: NamespaceState): Uint8Array[] {
  const known: readonly Family[] = ipv6 ? families : ["v4"];
  return known.map((family) =>
    neighborTableMessage.encode({
      header: { family: familyNumber[family] },
      attributes: { limit, statistics: neighborStatistics(neighborRefusals[family]) },
    }),
  );
}
