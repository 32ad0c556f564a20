// The rows of other nodes' agents, for the page: asked for while somebody looks, not more often than every ten seconds, and shown as they were until
// the next have come.
import type { ClusterView } from "../../cluster/view.ts";
import { type MeshRow, meshPage } from "../../inspect/mesh/row.ts";
import { askForPage, type PageAnswer } from "../../inspect/page-query.ts";
import type { Address } from "../../ip/address.ts";
import { type PageMesh, pageMesh, shownNodes, type Told } from "./page-mesh.ts";

export interface GatheringOptions {
  readonly node: string;
  /** At which agents listen. */
  readonly port: number;
  readonly view: () => ClusterView | undefined;
  readonly own: () => Promise<MeshRow>;
  readonly ask?: (addresses: readonly Address[], port: number) => Promise<PageAnswer<MeshRow>>;
  readonly now?: () => number;
}

const apartMs = 10_000;

export class GatheredRows {
  readonly #options: Required<GatheringOptions>;
  #startedAtMs: number | undefined;
  #told: readonly Told[] = [];
  /** Of the gathering that was started last. */
  gathered: Promise<void> = Promise.resolve();

  constructor(options: GatheringOptions) {
    const ask = (addresses: readonly Address[], port: number) => askForPage(meshPage, addresses, port);
    this.#options = { ask, now: () => performance.now(), ...options };
  }

  /** What is known now; absent before anything is, and where nobody asks anybody. Starts to ask again where that is long ago. */
  look(): PageMesh | undefined {
    const { now } = this.#options;
    if (this.#startedAtMs === undefined || now() - this.#startedAtMs >= apartMs) {
      this.#startedAtMs = now();
      this.gathered = this.#gather();
    }
    const mesh = pageMesh(this.#told);
    return mesh.tables.length === 0 ? undefined : mesh;
  }

  async #gather(): Promise<void> {
    const { view, node } = this.#options;
    const nodes = view()?.nodes ?? [];
    const shown = new Set(
      shownNodes(
        nodes.map(({ name }) => name),
        node,
      ),
    );
    const asked = nodes.filter(({ name }) => shown.has(name));
    this.#told = await Promise.all(asked.map(({ name, addresses }) => this.#tell(name, addresses)));
  }

  async #tell(name: string, addresses: readonly Address[]): Promise<Told> {
    const { node, own, ask, port } = this.#options;
    if (name === node) return { node: name, row: await own() };
    const answer = await ask(addresses, port);
    return answer.kind === "read" ? { node: name, row: answer.value } : { node: name, why: answer.why };
  }
}
