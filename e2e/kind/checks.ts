// All checks, in the order in which they are tried: what is simple first, what ends the installation last.
import type { Check } from "./check.ts";
import { addressChecks } from "./checks/addresses.ts";
import { badInputChecks } from "./checks/bad-input.ts";
import { policyChecks } from "./checks/policies.ts";
import { prefixChecks } from "./checks/prefixes.ts";
import { reachChecks } from "./checks/reach.ts";
import { removalChecks } from "./checks/removal.ts";
import { requestChecks } from "./checks/requests.ts";
import { upheavalChecks } from "./checks/upheaval.ts";

export const allChecks: readonly Check[] = [
  ...addressChecks,
  ...reachChecks,
  ...policyChecks,
  ...requestChecks,
  ...upheavalChecks,
  ...badInputChecks,
  ...prefixChecks,
  ...removalChecks,
];
