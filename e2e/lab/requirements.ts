// What a lab needs of the machine it runs on, asked before anything is made, so that a missing program is told with its package
// instead of failing half way.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { environment } from "./namespaces.ts";
import type { Topology } from "./topology.ts";

/** Something a person can put right; its message says how. */
export class LabError extends Error {
  override readonly name = "LabError";
}

/** Program and Debian package. */
const always = {
  hostname: "hostname",
  ip: "iproute2",
  mount: "mount",
  nsenter: "util-linux",
  ping: "iputils-ping",
  setsid: "util-linux",
  unshare: "util-linux",
} as const;
const forAdvertisements = { radvd: "radvd" } as const;
/** Of the host; each is covered by one of the machine's own. */
const directories = ["/etc", "/opt", "/run", "/var/lib"];

export function requirePrograms({ router }: Topology): void {
  const wanted = { ...always, ...(router.advertises === undefined ? {} : forAdvertisements) };
  const missing = Object.entries(wanted).filter(([program]) => !isInstalled(program));
  if (missing.length > 0) {
    const packages = new Set(missing.map(([, each]) => each));
    const programs = missing.map(([program]) => program).join(", ");
    throw new LabError(`The lab needs ${programs}: on Debian run apt-get install ${[...packages].join(" ")}`);
  }
  const absent = directories.filter((directory) => !existsSync(directory));
  if (absent.length > 0)
    throw new LabError(`The lab covers ${absent.join(", ")}, which this machine lacks: make it, empty`);
}

function isInstalled(program: string): boolean {
  const path = environment()["PATH"] ?? "";
  return path.split(":").some((directory) => existsSync(join(directory, program)));
}
