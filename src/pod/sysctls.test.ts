import { describe, expect, test } from "vitest";
import { setSysctls } from "./sysctls.ts";

function sysctlsThatHave(values: Readonly<Record<string, string>>) {
  const written: string[] = [];
  const sysctl = {
    get: (name: string) => values[name] ?? expect.unreachable(`${name} was read`),
    set: (name: string, value: string) => void written.push(`${name}=${value}`),
  };
  return { written, sysctl };
}

describe("setSysctls()", () => {
  test.for([
    ["0", []],
    ["1", ["net/ipv6/conf/eth0/disable_ipv6=0"]],
  ] as const)(
    "writes disable_ipv6, which takes the lock for links, only where it is not so: it is %s",
    ([is, expected]) => {
      const { written, sysctl } = sysctlsThatHave({ "net/ipv6/conf/eth0/disable_ipv6": is });
      setSysctls(sysctl, { "net/ipv6/conf/eth0/disable_ipv6": "0" });
      expect(written).toEqual(expected);
    },
  );

  test("writes others without a look at them", () => {
    const { written, sysctl } = sysctlsThatHave({});
    setSysctls(sysctl, { "net/ipv6/conf/eth0/accept_ra": "0" });
    expect(written).toEqual(["net/ipv6/conf/eth0/accept_ra=0"]);
  });
});
