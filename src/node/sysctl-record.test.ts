import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import type { Sysctl } from "../kernel/kernel.ts";
import { SampleSysctl } from "./sample-sysctl.ts";
import { SysctlRecord } from "./sysctl-record.ts";

const test = base.extend<{ directory: string }>({
  // oxlint-disable-next-line no-empty-pattern
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "hextet-sysctl-"));
    await use(directory);
    rmSync(directory, { recursive: true });
  },
});

const forwarding = "net/ipv6/conf/all/forwarding";
const acceptRa = "net/ipv6/conf/eth0/accept_ra";
const node = () => new SampleSysctl({ [forwarding]: "0", [acceptRa]: "1" });
const written = (directory: string) => JSON.parse(readFileSync(join(directory, "sysctls.json"), "utf8"));

describe("SysctlRecord", () => {
  test("is on the disk before the change is made", ({ directory }) => {
    const values = node();
    const seen: unknown[] = [];
    const sysctl: Sysctl = {
      get: (name) => values.get(name),
      set(name, value) {
        seen.push(written(directory));
        values.set(name, value);
      },
    };
    SysctlRecord.open(directory, sysctl).set(sysctl, forwarding, "1");
    expect(seen).toEqual([{ boot: "boot-1", changed: [{ name: forwarding, before: "0", set: "1" }] }]);
    expect(readdirSync(directory)).toEqual(["sysctls.json"]);
  });

  test("replaces a symbolic link in its way, which leads to what it led to", ({ directory }) => {
    const victim = join(directory, "victim");
    writeFileSync(victim, "precious");
    symlinkSync(victim, join(directory, "sysctls.json.new"));
    const values = node();
    SysctlRecord.open(directory, values).set(values, forwarding, "1");
    expect(readFileSync(victim, "utf8")).toBe("precious");
    expect(written(directory)).toMatchObject({ changed: [{ name: forwarding }] });
  });

  test("makes no change that it cannot record", ({ directory }) => {
    const sysctl = node();
    writeFileSync(join(directory, "state"), "");
    const record = SysctlRecord.open(join(directory, "missing"), sysctl);
    writeFileSync(join(directory, "missing"), "");
    expect(() => record.set(sysctl, forwarding, "1")).toThrow(
      `Cannot record sysctls in ${join(directory, "missing", "sysctls.json")}, and so change none: `,
    );
    expect(sysctl.writes).toEqual([]);
  });

  test("keeps the first value it saw, over later changes and a restart", ({ directory }) => {
    const sysctl = node();
    SysctlRecord.open(directory, sysctl).set(sysctl, acceptRa, "2");
    sysctl.values.set(acceptRa, "0");
    SysctlRecord.open(directory, sysctl).set(sysctl, acceptRa, "2");
    expect(SysctlRecord.open(directory, sysctl).find(acceptRa)).toEqual({ name: acceptRa, before: "1", set: "2" });
  });

  test("restores the last change first, and then is gone", ({ directory }) => {
    const sysctl = node();
    const record = SysctlRecord.open(directory, sysctl);
    record.set(sysctl, acceptRa, "2");
    record.set(sysctl, forwarding, "1");
    sysctl.writes.length = 0;
    expect(SysctlRecord.open(directory, sysctl).restore(sysctl)).toEqual([
      { name: forwarding, before: "0", outcome: "restored" },
      { name: acceptRa, before: "1", outcome: "restored" },
    ]);
    expect(sysctl.writes).toEqual([`${forwarding}=0`, `${acceptRa}=1`]);
    expect(existsSync(join(directory, "sysctls.json"))).toBe(false);
    expect(SysctlRecord.open(directory, sysctl).restore(sysctl)).toEqual([]);
  });

  test("leaves alone what somebody else has set since, and passes over links that are gone", ({ directory }) => {
    const sysctl = node();
    const record = SysctlRecord.open(directory, sysctl);
    record.set(sysctl, acceptRa, "2");
    record.set(sysctl, forwarding, "1");
    sysctl.values.set(forwarding, "2");
    sysctl.values.delete(acceptRa);
    sysctl.writes.length = 0;
    expect(record.restore(sysctl)).toEqual([
      { name: forwarding, before: "0", outcome: "kept" },
      { name: acceptRa, before: "1", outcome: "gone" },
    ]);
    expect(sysctl.writes).toEqual([]);
  });

  test("what cannot be restored stays recorded, and the rest is restored all the same", ({ directory }) => {
    const sysctl = node();
    const record = SysctlRecord.open(directory, sysctl);
    record.set(sysctl, acceptRa, "2");
    record.set(sysctl, forwarding, "1");
    sysctl.refused.set(forwarding, "EROFS");
    expect(() => record.restore(sysctl)).toThrow(`Cannot set sysctl ${forwarding} to 0: Read-only file system`);
    expect(sysctl.get(acceptRa)).toBe("1");
    expect(written(directory).changed).toEqual([{ name: forwarding, before: "0", set: "1" }]);
  });

  test("an earlier boot's record has nothing to restore", ({ directory }) => {
    const sysctl = node();
    SysctlRecord.open(directory, sysctl).set(sysctl, forwarding, "1");
    const rebooted = new SampleSysctl({ "kernel/random/boot_id": "boot-2", [forwarding]: "1", [acceptRa]: "1" });
    const record = SysctlRecord.open(directory, rebooted);
    expect(record.restore(rebooted)).toEqual([]);
    record.set(rebooted, acceptRa, "2");
    expect(written(directory)).toEqual({ boot: "boot-2", changed: [{ name: acceptRa, before: "1", set: "2" }] });
  });

  test.for<[text: string, why: string]>([
    ["", "Unexpected end of JSON input"],
    ['{"boot": "boot-1"', "after property value"],
    ['{"boot": "boot-1", "changed": [{"name": 1}]}', "Invalid type"],
  ])("a record that holds %j is set aside, and says so", ([text, why], { directory }) => {
    const path = join(directory, "sysctls.json");
    writeFileSync(path, text);
    const { fault, changed } = SysctlRecord.open(directory, node());
    expect(changed).toEqual([]);
    expect(fault).toMatch(`Cannot read ${path}: `);
    expect(fault).toContain(why);
    expect(fault).toContain(`it is set aside as ${path}.unreadable`);
    expect(readFileSync(`${path}.unreadable`, "utf8")).toBe(text);
  });
});
