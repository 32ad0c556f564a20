// Runs a build before it is put to use. It fails where the machine is another one than the build is for, where the directory
// is mounted noexec, and where a file is missing: all before a pod could meet it.
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../kernel/system-error.ts";
import { InstallError } from "./installation.ts";

const patienceMs = 30_000; // a cold disk has to read some 40 MB first

/** Throws where the build in this directory does not answer the CNI command VERSION. */
export function prove(directory: string): void {
  const program = join(directory, "bin/hextet");
  if (machineOf(program) !== machineOf("/proc/self/exe")) {
    throw new InstallError(
      `Cannot use this build: ${program} is built for another machine than this one (${process.arch})`,
    );
  }
  // Nobody can listen there, so it is the runtime that answers, and no agent.
  const env = { CNI_COMMAND: "VERSION", HEXTET_SOCKET: "/" };
  const result = spawnSync(program, { env, input: '{"cniVersion":"1.1.0"}', timeout: patienceMs, encoding: "utf8" });
  if (result.status === 0 && result.stdout.includes('"supportedVersions"')) return;
  throw new InstallError(`Cannot use this build: ${program} does not run here: ${reasonOf(result)}`);
}

function reasonOf({ error, status, signal, stdout, stderr }: ReturnType<typeof spawnSync>): string {
  if (codeOf(error) === "EACCES")
    return "permission denied; is the file system mounted noexec? Give another directory with --bin-dir";
  if (error !== undefined) return error.message;
  return `exit code ${status ?? signal}, ${JSON.stringify(`${stdout}${stderr}`.trim())}`;
}

/** The field e_machine of an ELF header. The kernel would refuse the program too, but the C library then takes it for a script. */
function machineOf(path: string): number {
  const header = Buffer.alloc(20);
  const fd = openSync(path, "r");
  readSync(fd, header);
  closeSync(fd);
  return header.readUInt16LE(18);
}
