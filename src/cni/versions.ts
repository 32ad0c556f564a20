// The versions of the specification that are spoken here, and what each of them can say. 0.1.0 and 0.2.0 are not spoken:
// their result holds one address of each family and no interfaces, and no supported runtime asks for them.
import { CniError } from "./cni-error.ts";

export const versions = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;
export type Version = (typeof versions)[number];

export const newest: Version = "1.1.0";

export const verbs = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] as const;
export type Verb = (typeof verbs)[number];

/** The version in which each verb appeared, as far as it was not there from the start. */
const since = { ADD: "0.3.0", DEL: "0.3.0", VERSION: "0.3.0", CHECK: "0.4.0", GC: "1.1.0", STATUS: "1.1.0" } as const;

export function isVersion(value: unknown): value is Version {
  return versions.some((version) => version === value);
}

export function isAtLeast(version: Version, least: Version): boolean {
  return versions.indexOf(version) >= versions.indexOf(least);
}

export function hasVerb(version: Version, verb: Verb): boolean {
  return isAtLeast(version, since[verb]);
}

/** A configuration's `cniVersion`; a configuration without one is of version 0.1.0, as the reference library has it. */
export function readVersion(value: unknown): Version {
  const asked = value ?? "0.1.0";
  if (isVersion(asked)) return asked;
  if (typeof asked !== "string" || !/^\d+(\.\d+){0,2}$/.test(asked)) {
    throw new CniError(
      "undecodable",
      `cniVersion: ${JSON.stringify(asked)} is not a version; write it as in "${newest}"`,
    );
  }
  const name = value === undefined ? "cniVersion is missing, which means 0.1.0" : `cniVersion ${asked}`;
  throw new CniError("incompatibleVersion", `${name}: this version is not supported`, {
    details: `Supported are ${versions.join(", ")}`,
  });
}

export function requireVerb(version: Version, verb: Verb): void {
  if (hasVerb(version, verb)) return;
  throw new CniError("incompatibleVersion", `cniVersion ${version} has no ${verb}`, {
    details: `${verb} came with ${since[verb]}; set cniVersion to that or a later one`,
  });
}

/** The newest version, up to this one, that is in the other's list too. */
export function highestCommon(version: Version, theirs: readonly unknown[]): Version | undefined {
  return versions.findLast((ours) => isAtLeast(version, ours) && theirs.includes(ours));
}
