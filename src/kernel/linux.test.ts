import { describe, expect, test } from "vitest";
import { KernelError } from "../netlink/kernel-error.ts";
import { linux } from "./linux.ts";

describe("run", () => {
  test("standard input goes in, output and exit code come out", async () => {
    const result = await linux.run("sh", ["-c", "cat; echo wrong >&2; exit 3"], { stdin: "fd00::1\n" });
    expect(result).toEqual({ code: 3, stdout: "fd00::1\n", stderr: "wrong\n" });
  });

  test("a program that does not read its input is no fault", async () => {
    const result = await linux.run("true", [], { stdin: "x".repeat(1_000_000) });
    expect(result).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("a character on the border of two chunks stays whole", async () => {
    const text = "ü".repeat(100_000);
    const { stdout } = await linux.run("sh", ["-c", "printf x; cat"], { stdin: text });
    expect(stdout).toBe(`x${text}`);
  });

  test("the environment is the given one and nothing else", async () => {
    const { stdout } = await linux.run("/usr/bin/env", [], { env: { CNI_COMMAND: "ADD" } });
    expect(stdout).toBe("CNI_COMMAND=ADD\n");
  });

  test("arguments are not read by a shell", async () => {
    expect((await linux.run("echo", ["$HOME", "a  b"])).stdout).toBe("$HOME a  b\n");
  });

  test("a program that is not there is named", async () => {
    const failure = linux.run("no-such-program", []);
    await expect(failure).rejects.toBeInstanceOf(KernelError);
    await expect(failure).rejects.toThrow("Cannot run no-such-program: No such file or directory");
  });

  test("a signal is told as shells do, and by its name", async () => {
    const result = await linux.run("sh", ["-c", "kill -TERM $$"]);
    expect(result).toEqual({ code: 143, signal: "SIGTERM", stdout: "", stderr: "" });
  });
});

describe("sysctl", () => {
  test("a value comes without its newline", () => {
    expect(linux.sysctl().get("kernel/ostype")).toBe("Linux");
  });

  test("a sysctl that is not there is named", () => {
    expect(() => linux.sysctl().get("net/ipv6/conf/no-such-link/forwarding")).toThrow(
      "Cannot read sysctl net/ipv6/conf/no-such-link/forwarding: No such file or directory",
    );
  });

  test.for(["../../etc/passwd", "net//ipv6", "/net", ""])("%j is no name of a sysctl", (name) => {
    expect(() => linux.sysctl().get(name)).toThrow(
      `${JSON.stringify(name)} is not a sysctl: write it as in net/ipv6/conf/all/forwarding`,
    );
  });
});
