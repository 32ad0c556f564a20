// All checks, in the order in which a person should read them: what the rest depends on comes first.
import { addressChecks } from "./checks/addresses.ts";
import { filterChecks } from "./checks/filter.ts";
import { forwardingChecks } from "./checks/forwarding.ts";
import { leaseChecks } from "./checks/leases.ts";
import { machineChecks } from "./checks/machine.ts";
import { pathChecks } from "./checks/paths.ts";
import { routeChecks } from "./checks/routes.ts";
import { lastChecks, runtimeChecks } from "./checks/runtime.ts";
import type { Check } from "./finding.ts";

export const checks: readonly Check[] = [
  ...runtimeChecks,
  ...machineChecks,
  ...addressChecks,
  ...forwardingChecks,
  ...routeChecks,
  ...pathChecks,
  ...filterChecks,
  ...leaseChecks,
  ...lastChecks,
];
