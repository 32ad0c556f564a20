import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../config/config-error.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { CniError, type Reason, reasonCodes } from "./cni-error.ts";
import { isDefect, printError, reportOf } from "./report.ts";
import { versions } from "./versions.ts";

const { EEXIST, ENETUNREACH, EPERM } = constants.errno;

describe("printError()", () => {
  test.for(versions)("prints cniVersion, code, msg and details in this order, %s", (version) => {
    const error = new CniError("invalidConfig", "Invalid Configuration", {
      details: "Network 192.168.0.0/31 too small to allocate from.",
    });
    expect(printError(error, version)).toBe(
      `{"cniVersion":"${version}","code":7,"msg":"Invalid Configuration","details":"Network 192.168.0.0/31 too small to allocate from."}`,
    );
  });

  test("leaves details out where there are none", () => {
    expect(printError(new CniError("io", "no"), "1.1.0")).toBe('{"cniVersion":"1.1.0","code":5,"msg":"no"}');
  });
});

describe("reportOf()", () => {
  test.for<readonly [Reason, number]>([
    ["incompatibleVersion", 1],
    ["unsupportedField", 2],
    ["unknownContainer", 3],
    ["invalidEnvironment", 4],
    ["io", 5],
    ["undecodable", 6],
    ["invalidConfig", 7],
    ["tryAgainLater", 11],
    ["notAvailable", 50],
    ["notAvailableLimited", 51],
    ["kernel", 100],
    ["internal", 999],
  ])("G6 gives the reason %s the code %i", ([reason, code]) => {
    expect(reportOf(new CniError(reason, "no")).code).toBe(code);
  });

  test("G6 gives the plugin's own reasons codes from 100 on, each its own", () => {
    const codes = Object.values(reasonCodes);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.filter((code) => code > 51).every((code) => code >= 100)).toBe(true);
  });

  test("G6 keeps the code another plugin gave", () => {
    expect(reportOf(new CniError("delegateFailed", "no", { code: 11 }))).toEqual({ code: 11, msg: "no" });
  });

  test("G6 gives a fault of the configuration the code 7, and its path", () => {
    expect(reportOf(new ConfigError("ipam.mtu", "1 is too small"))).toEqual({
      code: 7,
      msg: "ipam.mtu: 1 is too small",
    });
  });

  test("gives a refusal of the kernel the code 100, its words, and what to do about it", () => {
    const error = new KernelError({ operation: "add address fd00::2/128 dev 5", errno: EPERM });
    expect(reportOf(error)).toEqual({
      code: 100,
      msg: "Cannot add address fd00::2/128 dev 5: Operation not permitted",
      details: "Run as root, with CAP_NET_ADMIN and CAP_SYS_ADMIN",
    });
  });

  test("says which modules a kernel may lack that does not know the kind of a link", () => {
    const error = new KernelError({ operation: "create link hx1", errno: constants.errno.EOPNOTSUPP });
    expect(reportOf(error).details).toBe(
      "The kernel lacks a module for this: run modprobe with veth, bridge, macvlan or vxlan, whichever it is about",
    );
  });

  test("gives a refusal for which there is no hint its words alone", () => {
    const error = new KernelError({ operation: "add route fd00::/64 via fe80::1", errno: ENETUNREACH });
    expect(reportOf(error)).toEqual({
      code: 100,
      msg: "Cannot add route fd00::/64 via fe80::1: Network is unreachable",
    });
  });

  test("gives a file that cannot be used the code 5", () => {
    const error = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
      syscall: "write",
    });
    expect(reportOf(error)).toEqual({ code: 5, msg: "ENOSPC: no space left on device, write" });
  });

  test.for([
    [new TypeError("x is undefined"), "Internal error: x is undefined"],
    ["text", "Internal error: text"],
    [undefined, "Internal error: undefined"],
    [new AggregateError([]), "Internal error: "],
  ] as const)("%#: gives anything else the code 999 and no stack", ([error, msg]) => {
    expect(reportOf(error)).toEqual({ code: 999, msg, details: "This is a defect of Hextet; the log has more" });
    expect(isDefect(error)).toBe(true);
  });

  test("the code 999 of another plugin is no defect of ours, alone or among others", () => {
    const theirs = new CniError("delegateFailed", "Plugin host-local: no", { code: 999 });
    const undoing = new SuppressedError(new TypeError("x"), theirs, "while disposing");
    expect([theirs, new AggregateError([theirs]), undoing].map(isDefect)).toEqual([false, false, false]);
    expect(isDefect(new AggregateError([theirs, new TypeError("x")]))).toBe(true);
  });

  test("a known failure is no defect", () => {
    expect(isDefect(new KernelError({ operation: "x", errno: EPERM }))).toBe(false);
  });
});

describe("several failures", () => {
  const exists = new KernelError({ operation: "create link hx1", errno: EEXIST });
  const store = new CniError("store", "Cannot release fd00::2", { details: "The disk is full" });

  test("X3 are all told, with the code of the first", () => {
    expect(reportOf(new AggregateError([store, exists]))).toEqual({
      code: 105,
      msg: "2 failures: Cannot release fd00::2; Cannot create link hx1: File already exists",
      details: "The disk is full. Somebody else has made the same; `ip` shows what is there",
    });
  });

  test("of which there is one are told as that one", () => {
    expect(reportOf(new AggregateError([store]))).toEqual(reportOf(store));
  });

  test("A5 when undoing fails too, the first failure is told and the second is a detail", () => {
    const undoing = new SuppressedError(exists, store, "while disposing");
    expect(reportOf(undoing)).toEqual({
      code: 105,
      msg: "Cannot release fd00::2",
      details: "The disk is full. Undoing it failed as well: Cannot create link hx1: File already exists",
    });
  });
});
