// Hextet brought into a cluster as docs/kubernetes.md says: the image built and loaded, the manifest applied.
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { makeVariant } from "../runtime/built.ts";
import { eventually } from "../runtimes/eventually.ts";
import { type KindCluster, machinesOf } from "./kind.ts";
import type { Kubectl } from "./kubectl.ts";
import type { Machines } from "./machines.ts";
import { nodeSchema } from "./objects.ts";
import { runProgram } from "./program.ts";
import { type Snapshots, takeSnapshots } from "./snapshots.ts";

export const manifest = join(import.meta.dirname, "../../manifests/hextet.yaml");

export interface Images {
  /** Its name is the one in the manifest. */
  readonly image: string;
  /** Does the same, and is another build, as the release before or after would be. */
  readonly otherImage: string;
}

/** By the same command that users have. */
export async function buildImages(buildArguments: readonly string[]): Promise<Images> {
  const image = await buildImage(buildArguments);
  return { image, otherImage: await buildOther(image) };
}

/** Its files over those of the first; what they replace is not listed in its manifest. */
async function buildOther(image: string): Promise<string> {
  const name = `${image}-other`;
  const directory = await mkdtemp(join(tmpdir(), "hextet-e2e-image-"));
  try {
    makeVariant(join(directory, "variant"), "another build");
    const files = ["bin/hextet", "lib/hextet.cjs", "lib/build-id", "lib/manifest.json"];
    const copies = files.map((file) => `COPY ${file.replace("/", "-")} /opt/hextet/${file}\n`);
    for (const file of files) await copyFile(join(directory, "variant", file), join(directory, file.replace("/", "-")));
    await writeFile(join(directory, "Dockerfile"), `FROM ${image}\n${copies.join("")}`);
    await writeFile(join(directory, ".dockerignore"), "variant\n");
    await runProgram("docker", ["build", "--quiet", "--tag", name, directory]);
    return name;
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function buildImage(buildArguments: readonly string[]): Promise<string> {
  const args = buildArguments.flatMap((each) => ["--build-arg", each]);
  await runProgram("npm", ["run", "--silent", "image", "--", "--quiet", ...args]);
  const image = /^ *image: *(\S+)$/m.exec(await readFile(manifest, "utf8"))?.[1];
  if (image === undefined) throw new Error(`${manifest} names no image`);
  return image;
}

const daemonSetSchema = v.object({
  metadata: v.object({ name: v.string() }),
  spec: v.object({
    template: v.object({ spec: v.object({ containers: v.array(v.object({ name: v.string(), image: v.string() })) }) }),
  }),
});

/** The image that runs, which test pods run as well. */
export async function installedImage(kubectl: Kubectl): Promise<string> {
  const sets = await kubectl.get(daemonSetSchema, "daemonsets", "--namespace=kube-system");
  const image = sets.find(({ metadata }) => metadata.name === "hextet-agent")?.spec.template.spec.containers[0]?.image;
  if (image !== undefined) return image;
  throw new Error("Hextet is not installed in this cluster: kubectl apply -f manifests/hextet.yaml");
}

export interface Installation {
  readonly cluster: KindCluster;
  readonly images: Images;
  readonly kubectl: Kubectl;
  readonly machines: Machines;
}

async function areRegistered(kubectl: Kubectl, names: readonly string[]): Promise<true | undefined> {
  const nodes = await kubectl.get(nodeSchema, "nodes");
  return names.every((name) => nodes.some(({ metadata }) => metadata.name === name)) || undefined;
}

/** How nodes were before; it returns when every agent is ready. */
export async function install({ cluster, images, kubectl, machines }: Installation): Promise<Snapshots> {
  await runProgram("kind", ["load", "docker-image", images.image, images.otherImage, "--name", cluster.name]);
  await kubectl.run("rollout", "status", "daemonset/kube-proxy", "--namespace=kube-system", "--timeout=180s");
  const names = await machinesOf(cluster);
  // kind does not wait for the last of them, and what is tried is tried with those that are there at its beginning.
  await eventually(`${names.join(", ")} have registered`, () => areRegistered(kubectl, names), 120_000);
  const before = await takeSnapshots(machines, names);
  await kubectl.run("apply", `--filename=${manifest}`);
  await kubectl.run("rollout", "restart", "daemonset/hextet-agent", "--namespace=kube-system");
  await kubectl.run("rollout", "status", "daemonset/hextet-agent", "--namespace=kube-system", "--timeout=180s");
  return before;
}
