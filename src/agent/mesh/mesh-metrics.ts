// What metrics tell of who reaches whom: of each node that this one asks, whether it answers, how fast, and whether it is heard. How many there are
// is bounded by mesh.peers, whatever the cluster's size.
import { Gauge, type Registry } from "prom-client";
import type { MeshCell, MeshRow } from "../../inspect/mesh/row.ts";

const labelNames = ["peer", "family", "kind"] as const;

export function observeMesh(registers: Registry[], row: () => MeshRow): void {
  const expose = (name: string, help: string, valueOf: (cell: MeshCell) => number | undefined) => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const cell of row().cells) {
          const { node: peer, family, kind } = cell;
          const value = valueOf(cell);
          if (value !== undefined) this.set({ peer, family, kind }, value);
        }
      },
    });
  };
  expose(
    "hextet_mesh_round_trip_seconds",
    "Time there and back to a node, or there by the way to its pods, for those that answer",
    // To the microsecond, as it was measured.
    ({ roundTripMs }) => roundTripMs && Math.round(roundTripMs * 1000) / 1e6,
  );
  expose(
    "hextet_mesh_unreachable",
    "1 where a node, or the way to its pods, does not answer this one, 0 where it does",
    (cell) => (cell.reached ? 0 : 1),
  );
  expose("hextet_mesh_heard", "1 where what a node asks arrived here lately, 0 where nothing did", ({ heard }) =>
    heard === undefined ? undefined : Number(heard),
  );
}
