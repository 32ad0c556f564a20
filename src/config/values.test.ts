import { describe, expect, test } from "vitest";
import { parse } from "./parse.ts";
import { faultOfInterfaceName, interfaceAddress, interfaceName } from "./values.ts";

describe("interfaceName()", () => {
  test.for(["e", "eth0", "a.b", "x-1_2", "fifteen-letters", "é", "..."])("takes %j", (name) => {
    expect(parse(interfaceName(), name)).toBe(name);
  });

  test.for([
    ["", "it is empty"],
    ["sixteen-letters-", "it has 16 bytes"],
    ["ééééééee", undefined],
    ["éééééééé", "it has 16 bytes"],
    [".", "directory"],
    ["..", "directory"],
    ["all", "settings of all links"],
    ["default", "settings of all links"],
    ["a/b", "/ or :"],
    ["eth0:1", "/ or :"],
    ["a b", "white space"],
    ["a\t", "white space"],
    ["a\n", "white space"],
    ["a\u00a0", "white space"],
    ["à", "white space"],
    ["a\u0000", "white space"],
    ["eth%d", "%"],
  ] as const)("finds in %j the fault %j", ([name, words]) => {
    if (words === undefined) expect(faultOfInterfaceName(name)).toBeUndefined();
    else expect(faultOfInterfaceName(name)).toContain(words);
  });
});

describe("interfaceAddress()", () => {
  test.for([
    ["2001:db8::1/64", "2001:db8::1/64"],
    ["192.0.2.1/24", "192.0.2.1/24"],
  ] as const)("keeps the host bits of %s", ([text, printed]) => {
    expect(parse(interfaceAddress(), text).toString()).toBe(printed);
  });

  test("asks for the prefix length of 2001:db8::1", () => {
    expect(() => parse(interfaceAddress(), "2001:db8::1", "ips[0]")).toThrow('ips[0]: "2001:db8::1" has no prefix');
  });
});
