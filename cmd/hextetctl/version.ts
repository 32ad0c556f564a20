// `hextetctl version`: which build this is, for a person and for a bug report.
import { readManifest } from "../../src/install/read.ts";
import type { Command } from "./command.ts";
import { formatOf, outputOption, present } from "./output.ts";

export const versionCommand: Command = {
  name: "version",
  summary: "print the version and the build id",
  options: { output: outputOption },
  examples: [
    ["version", "for a report; agent and programs of one build have the same id"],
    ["version -o json", "for a program"],
  ],
  run(call) {
    formatOf(call);
    const { version, buildId, architecture } = readManifest(call.build);
    const node = process.versions.node;
    present(call, {
      value: { version, buildId, architecture, node },
      text: () => `hextet ${version} build ${buildId} ${architecture}, Node ${node}`,
    });
    return 0;
  },
};
