// `hextetctl version`: which build this is, for a person and for a bug report.
import { readManifest } from "../../src/install/read.ts";
import type { Command } from "./command.ts";

export const versionCommand: Command = {
  name: "version",
  summary: "print the version and the build id",
  run(call) {
    const { version, buildId, architecture } = readManifest(call.build);
    call.print(`hextet ${version} build ${buildId} ${architecture}, Node ${process.versions.node}`);
    return 0;
  },
};
