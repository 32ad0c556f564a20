// The commands of hextetctl, in the order of its help; docs/hextetctl.md describes each, and a test compares the two.
import { captureCommand } from "./capture.ts";
import { cleanupCommand } from "./cleanup.ts";
import type { Command } from "./command.ts";
import { completionCommand } from "./completion.ts";
import { doctorCommand } from "./doctor.ts";
import { explainPathCommand } from "./explain-path.ts";
import { explainPolicyCommand } from "./explain-policy.ts";
import { installCommand, uninstallCommand } from "./install.ts";
import { labCommand } from "./lab.ts";
import { leasesCheckCommand, leasesCommand, leasesReleaseCommand } from "./leases.ts";
import { meshCommand } from "./mesh.ts";
import { nodesCommand } from "./nodes.ts";
import { podsCommand } from "./pods.ts";
import { readyCommand } from "./ready.ts";
import { statusCommand } from "./status.ts";
import { versionCommand } from "./version.ts";

export const commands: readonly Command[] = [
  statusCommand,
  readyCommand,
  doctorCommand,
  podsCommand,
  nodesCommand,
  leasesCommand,
  leasesCheckCommand,
  leasesReleaseCommand,
  explainPolicyCommand,
  explainPathCommand,
  meshCommand,
  captureCommand,
  installCommand,
  uninstallCommand,
  cleanupCommand,
  labCommand,
  completionCommand,
  versionCommand,
];
