import { expect, test } from "vitest";
import { parseResolvConf } from "./resolv-conf.ts";

test.for([
  ["", {}],
  ["# nameserver fd00::53\n; nameserver fd00::53\n\n   \n", {}],
  ["nameserver fd00::53\nnameserver 10.1.0.53\n", { nameservers: ["fd00::53", "10.1.0.53"] }],
  ["nameserver fe80::53%eth0 and more\r\n", { nameservers: ["fe80::53%eth0"] }],
  ["domain example.net\ndomain example.org", { domain: "example.org" }],
  ["search a.test b.test\nsearch\tc.test", { search: ["a.test", "b.test", "c.test"] }],
  ["  options ndots:5  timeout:1\noptions rotate", { options: ["ndots:5", "timeout:1", "rotate"] }],
  ["nameserver\nsearch\noptions \ndomain", {}],
  ["sortlist 10.0.0.0\nNameserver fd00::53", {}],
] as const)("%j is %j", ([text, dns]) => {
  expect(parseResolvConf(text)).toEqual(dns);
});
