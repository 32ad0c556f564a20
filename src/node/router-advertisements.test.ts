import { describe, expect, test } from "vitest";
import { type Listener, listenerFaults, mustBeRaised } from "./router-advertisements.ts";

const eth0: Listener = {
  link: "eth0",
  acceptRa: "1",
  defaultRoute: "none",
  autoconfigured: false,
  raised: false,
  expectsRouter: false,
  lostRouter: false,
};

describe("mustBeRaised()", () => {
  test.for<[why: string, more: Partial<Listener>, raised: boolean]>([
    ["its default route was advertised", { defaultRoute: "advertised" }, true],
    ["its address was made of an advertised prefix", { autoconfigured: true, defaultRoute: "other" }, true],
    ["somebody set its default route by hand", { defaultRoute: "other" }, false],
    ["nothing was ever heard on it", {}, false],
    ["a router may yet appear on the uplink", { expectsRouter: true }, true],
    ["it was made anew and has lost its route", { raised: true }, true],
    ["it was raised before, and has a default route by hand now", { raised: true, defaultRoute: "other" }, false],
    ["it listens already", { acceptRa: "2", defaultRoute: "advertised" }, false],
    ["another program listens", { acceptRa: "0", defaultRoute: "advertised" }, false],
    ["a router may yet appear, but it was told not to listen", { acceptRa: "0", expectsRouter: true }, false],
    ["somebody took it back", { acceptRa: "0", defaultRoute: "advertised", raised: true }, true],
    ["somebody took it back and the route is lost", { acceptRa: "0", raised: true }, true],
  ])("%s: %o -> %s", ([, more, raised]) => {
    expect(mustBeRaised({ ...eth0, ...more })).toBe(raised);
  });
});

test.for<[acceptRa: string, raised: boolean, faults: number]>([
  ["0", false, 1],
  ["0", true, 0],
  ["1", false, 0],
  ["2", true, 0],
])("an advertised default route with accept_ra %s, raised before: %s, is %i faults", ([acceptRa, raised, count]) => {
  const faults = listenerFaults({ ...eth0, acceptRa, raised, defaultRoute: "advertised" });
  expect(faults).toHaveLength(count);
  for (const { message } of faults) {
    expect(message).toBe(
      "The default route of eth0 comes from router advertisements that another program hears, as accept_ra is 0; " +
        "let that program go on hearing them while the node forwards (systemd-networkd: IPv6AcceptRA=yes), " +
        "or leave it to the kernel: sysctl -w net/ipv6/conf/eth0/accept_ra=2",
    );
  }
});
