// npm run e2e:kind -- [options]: Hextet in real clusters, tried as users would. Ends with "N passed, N failed"; the exit code is 0 where
// nothing failed, 1 where something did, 2 where it was not run: a program is missing, or the call cannot be understood. Told to end by a
// signal it takes away what it made, and exits with 128 and the signal's number.
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { allChecks } from "./checks.ts";
import { buildImages, type Images, install, installedImage } from "./installation.ts";
import { createCluster, deleteCluster, findCluster, type KindCluster, plansOf } from "./kind.ts";
import { type Kubectl, kubectlOf } from "./kubectl.ts";
import { Machines } from "./machines.ts";
import { nodeSchema } from "./objects.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { Ended, endPrograms } from "./program.ts";
import { Report } from "./report.ts";
import { missingFor } from "./requirements.ts";
import { World, type WorldOptions } from "./world.ts";

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const missing = await missingFor(options);
  if (missing.length > 0) {
    process.stderr.write(missing.map((line) => `kind: not run: ${line}\n`).join(""));
    return 2;
  }
  const report = new Report((line) => process.stdout.write(`${line}\n`));
  const directory = await mkdtemp(join(tmpdir(), "hextet-e2e-"));
  try {
    await run(options, report, directory);
  } finally {
    if (!options.keep) await rm(directory, { recursive: true });
  }
  return report.end();
}

async function run(options: Options, report: Report, directory: string): Promise<void> {
  const { cluster: name, kubeconfig } = options;
  if (kubeconfig !== undefined) {
    const kubectl = kubectlOf(kubeconfig);
    report.title(kubeconfig);
    await tryChecks(options, report, await worldOf(kubectl));
    return;
  }
  const images = await report.attempt("the image is built", () => buildImages(options.buildArguments));
  if (images === undefined) return;
  if (name !== undefined) {
    report.title(name);
    await tryCluster(options, report, { images, cluster: await findCluster(name, directory) });
    return;
  }
  for (const plan of plansOf(options)) {
    report.title(plan.name);
    const cluster = await report.attempt("the cluster is made", () => createCluster({ plan, options, directory }));
    if (cluster === undefined) continue;
    try {
      await tryCluster(options, report, { images, cluster });
    } finally {
      if (options.keep) report.say(`kept: kubectl --kubeconfig ${cluster.kubeconfig}`);
      else await deleteCluster(cluster);
    }
  }
}

interface Target {
  readonly images: Images;
  readonly cluster: KindCluster;
}

async function tryCluster(options: Options, report: Report, { images, cluster }: Target): Promise<void> {
  const kubectl = kubectlOf(cluster.kubeconfig);
  const machines = new Machines();
  report.asksAfterFailure(kubectl);
  const before = await report.attempt("Hextet is installed", () => install({ cluster, images, kubectl, machines }));
  if (before === undefined) return;
  const own = options.cluster === undefined ? { before } : {};
  await tryChecks(options, report, await worldOf(kubectl, { machines, otherImage: images.otherImage, ...own }));
}

type Known = Pick<WorldOptions, "machines" | "before" | "otherImage">;

async function worldOf(kubectl: Kubectl, known: Known = {}): Promise<World> {
  const [image, nodes] = [await installedImage(kubectl), await kubectl.get(nodeSchema, "nodes")];
  return new World({ ...known, kubectl, image, nodes });
}

async function tryChecks({ only }: Options, report: Report, world: World): Promise<void> {
  report.asksAfterFailure(world.kubectl);
  for (const check of allChecks) {
    if (only.length > 0 && !only.some((text) => check.name.includes(text))) continue;
    if (check.needs !== undefined && world[check.needs] === undefined) report.leftOut(check);
    else await report.attempt(check.name, () => check.run(world));
  }
}

/** A terminal tells all programs of the call at once, a supervisor this one. */
function heedSignals(): void {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(name, (signal) => {
      process.stderr.write(
        `e2e:kind: ${signal}: takes away what it made; told again it ends at once and leaves that\n`,
      );
      endPrograms(signal);
    });
  }
}

heedSignals();
main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`e2e:kind: ${error instanceof Error ? error.message : String(error)}\n`);
    const isUsage = error instanceof TypeError;
    if (isUsage) process.stderr.write(`\n${usage}`);
    process.exitCode = error instanceof Ended ? 128 + constants.signals[error.signal] : isUsage ? 2 : 1;
  },
);
