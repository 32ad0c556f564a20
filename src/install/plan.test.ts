import { describe, expect, test } from "vitest";
import { type Entry, type Installation, InstallError, type Version } from "./installation.ts";
import { type Manifest, parseManifest, printManifest } from "./manifest.ts";
import { planInstall, planUninstall, type Step } from "./plan.ts";

const [old, older, wanted] = ["a".repeat(16), "b".repeat(16), "c".repeat(16)] as const;
const manifest: Manifest = { version: "1.2.3", buildId: wanted, architecture: "x64", files: [] };
const names = ["hextet", "hextet-agent", "hextet-ipam", "hextetctl", "loopback"];

function version(name: string, more: Partial<Version> = {}): Version {
  return { name, buildId: name.slice(0, 16), whole: true, inUse: false, files: [], ...more };
}

/** What is installed: by default nothing, with no file in the way. */
function installation(more: Partial<Installation> = {}, entries: Readonly<Record<string, Entry>> = {}): Installation {
  return {
    directory: "/opt/cni/bin",
    present: more.versions !== undefined,
    versions: [],
    names: new Map(names.map((name) => [name, entries[name] ?? (more.versions === undefined ? "absent" : "ours")])),
    replaced: [],
    leftovers: [],
    ...more,
  };
}

function plan(have: Installation, loopback = false): readonly string[] {
  return planInstall({ manifest, architecture: "x64", loopback }, have).map(print);
}

function print(step: Step): string {
  if (step.do === "stage") return `stage ${step.version}`;
  if (step.do === "link") return `${step.path} -> ${step.target}`;
  return `${step.do} ${"name" in step ? step.name : step.path}`;
}

const links = names.map((name) => `${name} -> .hextet/current/bin/hextet`);

describe("planInstall()", () => {
  test("puts all programs into an empty directory, the version before its links, the link current before the names", () => {
    expect(plan(installation())).toEqual([`stage ${wanted}`, `.hextet/current -> ${wanted}`, ...links]);
  });

  test("does nothing where the build is installed", () => {
    expect(plan(installation({ versions: [version(wanted)], current: wanted }))).toEqual([]);
  });

  test("upgrades by one link, after noting the version before, and keeps that one", () => {
    expect(plan(installation({ versions: [version(old)], current: old }))).toEqual([
      `stage ${wanted}`,
      `.hextet/previous -> ${old}`,
      `.hextet/current -> ${wanted}`,
    ]);
  });

  test("removes what is neither current nor previous, unless a process runs from it", () => {
    const versions = [version(older), version(old), version("d".repeat(16), { inUse: true })];
    expect(plan(installation({ versions, current: old, previous: older })).at(-1)).toBe(`remove .hextet/${older}`);
    const again = [version(wanted), version(old), version(older)];
    expect(plan(installation({ versions: again, current: wanted, previous: old }))).toEqual([
      `remove .hextet/${older}`,
    ]);
  });

  test("goes back to a version that is still there without copying it", () => {
    expect(plan(installation({ versions: [version(old), version(wanted)], current: old, previous: wanted }))).toEqual([
      `.hextet/previous -> ${old}`,
      `.hextet/current -> ${wanted}`,
    ]);
  });

  test("gives a damaged version of the same build another name, and the next damaged one a third", () => {
    const damaged = version(wanted, { whole: false });
    expect(plan(installation({ versions: [damaged], current: wanted }))).toEqual([
      `stage ${wanted}.2`,
      `.hextet/previous -> ${wanted}`,
      `.hextet/current -> ${wanted}.2`,
    ]);
    const versions = [damaged, version(`${wanted}.2`, { whole: false })];
    expect(plan(installation({ versions, current: `${wanted}.2` }))[0]).toBe(`stage ${wanted}.3`);
  });

  test("clears away what an interrupted installation left, first", () => {
    const have = installation({ versions: [version(old)], current: old, leftovers: [".hextet/.tmp-x"] });
    expect(plan(have)[0]).toBe("remove .hextet/.tmp-x");
  });

  test("survives a link current that points to nothing", () => {
    expect(plan(installation({ versions: [], current: old }))).toContain(`.hextet/current -> ${wanted}`);
    expect(plan(installation({ versions: [], current: old }))).not.toContain(`.hextet/previous -> ${old}`);
  });

  test.for([
    ["absent", false, ["loopback -> .hextet/current/bin/hextet"]],
    ["file", false, []],
    ["file", true, ["set-aside loopback", "loopback -> .hextet/current/bin/hextet"]],
    ["ours", false, []],
    ["ours", true, []],
  ] as const)("does with a loopback that is %s, asked for: %j, this: %j", ([entry, loopback, steps]) => {
    const have = installation({ versions: [version(wanted)], current: wanted }, { loopback: entry });
    expect(plan(have, loopback)).toEqual(steps);
  });

  test.for(["hextet", "hextet-agent", "hextet-ipam", "hextetctl"])(
    "refuses a file named %s that is not ours, and a directory",
    (name) => {
      expect(() => plan(installation({}, { [name]: "file" }))).toThrow(
        new InstallError(
          `Cannot install ${name}: /opt/cni/bin/${name} is a file that is not ours; move it away and repeat`,
        ),
      );
      expect(() => plan(installation({}, { [name]: "directory" }))).toThrow(`${name} is a directory; move it away`);
    },
  );

  test("refuses a build for another architecture", () => {
    expect(() => planInstall({ manifest, architecture: "arm64", loopback: false }, installation())).toThrow(
      "it is built for x64 and this machine is arm64",
    );
  });
});

describe("planUninstall()", () => {
  test("removes the names first, then everything else at once", () => {
    const have = installation({ versions: [version(old)], current: old });
    expect(planUninstall(have).map(print)).toEqual([...names.map((name) => `remove ${name}`), "remove .hextet"]);
  });

  test.for(["ours", "absent"] as const)("gives the host its loopback back where the name is %s", (entry) => {
    const have = installation({ versions: [version(old)], current: old, replaced: ["loopback"] }, { loopback: entry });
    expect(planUninstall(have).map(print)).toContain("restore loopback");
  });

  test("leaves alone what is not ours", () => {
    const foreign = { hextet: "file", "hextet-ipam": "directory", loopback: "file" } as const;
    const entries = { ...foreign, hextetctl: "absent", "hextet-agent": "absent" } as const;
    expect(planUninstall(installation({ versions: [], replaced: ["loopback"] }, entries)).map(print)).toEqual([
      "remove .hextet",
    ]);
  });

  test("has nothing to do where nothing is installed", () => {
    expect(planUninstall(installation())).toEqual([]);
  });
});

describe("a manifest", () => {
  test("is read as it was printed", () => {
    const files = [{ path: "lib/ld-linux-x86-64.so.2", size: 1, sha256: "00", executable: true }];
    expect(parseManifest(printManifest({ ...manifest, files }))).toEqual({ ...manifest, files });
  });

  test.for(["../etc/passwd", "lib/../../x", "/bin/sh", "lib/a/b", "lib/", "lib/.."])(
    "does not name a file %j outside of bin and lib",
    (path) => {
      const files = [{ path, size: 1, sha256: "00", executable: true }];
      expect(() => parseManifest(printManifest({ ...manifest, files }))).toThrow("Invalid format");
    },
  );
});
