// Nodes of a kind cluster as containers of Docker: what a test does to a machine, or asks it, without Kubernetes in between. Also a host of
// its own on the link of the nodes, which knows nothing of the cluster.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { bundle } from "../../cmd/dev/build/bundle.ts";
import type { Asked } from "./pod-program.ts";
import { runProgram, undo } from "./program.ts";
import { httpPort } from "./workload.ts";

/** kind's network of Docker, where all its clusters are. */
const network = process.env["KIND_EXPERIMENTAL_DOCKER_NETWORK"] ?? "kind";
const root = join(import.meta.dirname, "../..");

export class Machines {
  /** Runs a line of shell on the node. */
  run(node: string, line: string): Promise<string> {
    return runProgram("docker", ["exec", node, "sh", "-c", line]);
  }

  async restart(node: string): Promise<void> {
    await runProgram("docker", ["restart", node]);
  }
}

const endpointSchema = v.object({ IPAddress: v.string(), GlobalIPv6Address: v.string() });

export class OutsideHost implements AsyncDisposable {
  readonly addresses: readonly string[];
  readonly #container: string;

  private constructor(container: string, addresses: readonly string[]) {
    this.#container = container;
    this.addresses = addresses;
  }

  /** Serves as test pods do. */
  static async start(image: string): Promise<OutsideHost> {
    const create = ["create", `--network=${network}`, "--entrypoint=hextetctl", image, "serve", String(httpPort)];
    const container = (await runProgram("docker", create)).trim();
    try {
      await copyScript(container);
      await runProgram("docker", ["start", container]);
      const format = `--format={{json (index .NetworkSettings.Networks "${network}")}}`;
      const text = await runProgram("docker", ["inspect", format, container]);
      const { IPAddress, GlobalIPv6Address } = v.parse(endpointSchema, JSON.parse(text));
      return new OutsideHost(
        container,
        [IPAddress, GlobalIPv6Address].filter((address) => address !== ""),
      );
    } catch (error) {
      await remove(container);
      throw error;
    }
  }

  async ask(urls: readonly string[]): Promise<readonly Asked[]> {
    return JSON.parse(await runProgram("docker", ["exec", this.#container, "hextetctl", "ask", ...urls]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await remove(this.#container);
  }
}

async function remove(container: string): Promise<void> {
  await undo(() => runProgram("docker", ["rm", "--force", "--volumes", container]));
}

/** Into the container, because Docker may run on another machine and see no file of this one. */
async function copyScript(container: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "hextet-e2e-"));
  try {
    const files = { "hextetctl.cjs": await bundle(root, "e2e/kind/pod-program.ts", "pod"), "hextetctl.bytecode": "" };
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(directory, name), content);
      await runProgram("docker", ["cp", join(directory, name), `${container}:/opt/hextet/lib/${name}`]);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}
