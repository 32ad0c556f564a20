import { readlinkSync } from "node:fs";
import { test as base, describe, expect } from "vitest";
import { isGone } from "../netlink/kernel-error.ts";
import { linux } from "./linux.ts";
import { fresh, type TestNamespace } from "./test-namespace.ts";

const test = base.extend<{ pod: TestNamespace; node: TestNamespace }>({ pod: fresh, node: fresh });

describe("sysctl", () => {
  test.for(["net/ipv4/conf/all/forwarding", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/lo/accept_ra"])(
    "%s is set in one namespace and in no other",
    (name, { pod, node }) => {
      const before = linux.sysctl().get(name);
      const value = linux.sysctl(node).get(name);
      const other = value === "0" ? "1" : "0";
      linux.sysctl(pod).set(name, other);
      expect(linux.sysctl(pod).get(name)).toBe(other);
      expect(pod.run("cat", `/proc/sys/${name}`).trim()).toBe(other);
      expect(linux.sysctl(node).get(name)).toBe(value);
      expect(linux.sysctl().get(name)).toBe(before);
    },
  );

  test("a link's name may hold a dot", ({ pod }) => {
    pod.run("ip", "link", "add", "eth0.100", "type", "veth");
    linux.sysctl(pod).set("net/ipv6/conf/eth0.100/accept_dad", "0");
    expect(pod.run("cat", "/proc/sys/net/ipv6/conf/eth0.100/accept_dad")).toBe("0\n");
  });

  test("a value the kernel does not take is named", ({ pod }) => {
    expect(() => linux.sysctl(pod).set("net/ipv6/conf/lo/forwarding", "yes")).toThrow(
      `Cannot set sysctl net/ipv6/conf/lo/forwarding to yes in network namespace ${pod.path}: Invalid argument`,
    );
  });

  test("a sysctl of a link that is not there is gone", ({ pod }) => {
    const read = () => linux.sysctl(pod).get("net/ipv6/conf/eth0/accept_ra");
    expect(read).toThrow(expect.toSatisfy(isGone));
    expect(read).toThrow(
      `Cannot read sysctl net/ipv6/conf/eth0/accept_ra in network namespace ${pod.path}: No such file or directory`,
    );
  });
});

describe("namespace", () => {
  test("a namespace opened by its path is the same one", ({ pod }) => {
    using opened = linux.namespace(pod.path);
    linux.sysctl(opened).set("net/ipv6/conf/all/hop_limit", "17");
    expect(pod.run("cat", "/proc/sys/net/ipv6/conf/all/hop_limit")).toBe("17\n");
    expect(opened.path).toBe(pod.path);
  });

  test("it lives as long as it is held, also when it has no other holder", ({ node }) => {
    const pod = linux.namespace(node.path);
    node[Symbol.dispose]();
    expect(linux.sysctl(pod).get("net/ipv6/conf/lo/disable_ipv6")).toBe("0");
    pod[Symbol.dispose]();
  });

  test.for<[path: string, why: string]>([
    ["/nowhere/pod1", "No such file or directory"],
    ["/proc/self/status", "Invalid argument (it is not a network namespace)"],
    ["/proc/self/ns/uts", "Invalid argument (it is not a network namespace)"],
  ])("%s is refused: %s", ([path, why]) => {
    const open = () => linux.namespace(path);
    expect(open).toThrow(`Cannot open network namespace ${path}: ${why}`);
    expect(open).toThrow(expect.toSatisfy((error) => isGone(error) === (path === "/nowhere/pod1")));
  });

  test("one that was disposed cannot be used, and says which", ({ pod }) => {
    const { path } = pod;
    pod[Symbol.dispose]();
    expect(() => linux.sysctl(pod).get("net/ipv6/conf/all/forwarding")).toThrow(
      `Cannot read sysctl net/ipv6/conf/all/forwarding in network namespace ${path}: Bad file descriptor`,
    );
    expect(() => linux.socket("route", pod)).toThrow(`Cannot use network namespace ${path}: Bad file descriptor`);
  });

  test("the calling thread is at home after each of these", ({ pod }) => {
    const home = readlinkSync("/proc/thread-self/ns/net");
    linux.sysctl(pod).get("net/ipv6/conf/all/forwarding");
    linux.socket("route", pod)[Symbol.dispose]();
    expect(() => linux.sysctl(pod).get("net/no-such")).toThrow("Cannot read sysctl net/no-such");
    expect(readlinkSync("/proc/thread-self/ns/net")).toBe(home);
    expect(pod.run("readlink", "/proc/self/ns/net").trim()).not.toBe(home);
  });
});

describe("run", () => {
  test("a program that takes longer than a second is killed, with all it had said", async () => {
    const result = await linux.run("sh", ["-c", "echo begun; exec sleep 60"], { timeoutMs: 1000 });
    expect(result).toEqual({ code: 137, signal: "SIGKILL", timedOut: true, stdout: "begun\n", stderr: "" });
  });

  test("what the killed program had started does not hold up the answer", async () => {
    // The inner sleep outlives the shell, with the output open.
    const begun = Date.now();
    const result = await linux.run("sh", ["-c", "sleep 15; true"], { timeoutMs: 100 });
    expect(result).toMatchObject({ code: 137, timedOut: true });
    expect(Date.now() - begun).toBeLessThan(10_000);
  });
});

describe("a test's namespace", () => {
  test("another process reaches it by its path", async ({ pod }) => {
    const { stdout } = await linux.run("nsenter", [`--net=${pod.path}`, "ip", "-o", "link"]);
    expect(stdout).toMatch(/^1: lo: <LOOPBACK>/);
    expect(stdout.split("\n")).toHaveLength(2);
  });

  test("its loopback answers in both families once it is up", ({ pod }) => {
    pod.loopbackUp();
    expect(pod.run("ip", "-6", "-o", "address", "show", "dev", "lo")).toContain("inet6 ::1/128");
    expect(pod.run("ip", "-4", "-o", "address", "show", "dev", "lo")).toContain("inet 127.0.0.1/8");
  });

  test("a program that fails in it is an error with what it complained of", ({ pod }) => {
    expect(() => pod.run("ip", "link", "show", "dev", "eth0")).toThrow('Device "eth0" does not exist');
  });
});
