import { test as base, expect } from "vitest";
import { linux } from "../kernel/linux.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { attachLoopback, checkLoopback, detachLoopback } from "./loopback.ts";

const test = base.extend<{ pod: TestNamespace }>({ pod: fresh });

test("lo comes up with an address of each family, IPv6 first, which work at once", ({ pod }) => {
  const { link, addresses } = attachLoopback(linux, pod.path);
  expect(link).toMatchObject({ name: "lo", up: true });
  expect(addresses.map(String)).toEqual(["::1/128", "127.0.0.1/8"]);
  for (const address of ["::1", "127.0.0.1"]) {
    expect(pod.run("ping", "-c", "1", "-W", "1", address)).toContain("1 received");
  }
});

test("a second time changes nothing", ({ pod }) => {
  const first = attachLoopback(linux, pod.path);
  expect(attachLoopback(linux, pod.path)).toEqual(first);
});

test("check passes while lo is up, and tells when it is down", ({ pod }) => {
  attachLoopback(linux, pod.path);
  expect(() => checkLoopback(linux, pod.path)).not.toThrow();
  pod.run("ip", "link", "set", "lo", "down");
  expect(() => checkLoopback(linux, pod.path)).toThrow(
    `Link lo is down in the pod (nsenter --net=${pod.path} ip link show lo)`,
  );
});

test("without IPv6 in the pod there is the address of IPv4", ({ pod }) => {
  linux.sysctl(pod).set("net/ipv6/conf/all/disable_ipv6", "1");
  expect(attachLoopback(linux, pod.path).addresses.map(String)).toEqual(["127.0.0.1/8"]);
});

test("detach takes lo down, twice, and where there is no namespace nothing", ({ pod }) => {
  attachLoopback(linux, pod.path);
  detachLoopback(linux, pod.path);
  detachLoopback(linux, pod.path);
  expect(pod.run("ip", "link", "show", "lo")).not.toContain("UP");
  for (const path of ["/nowhere/pod1", "", undefined]) expect(() => detachLoopback(linux, path)).not.toThrow();
});
