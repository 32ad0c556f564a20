import { describe, expect, test } from "vitest";
import { Endpoint } from "./endpoint.ts";

describe("Endpoint.parse()", () => {
  test.for([
    ["[::]:16128", "[::]:16128"],
    ["[2001:DB8:0::1]:80", "[2001:db8::1]:80"],
    ["127.0.0.1:65535", "127.0.0.1:65535"],
    ["0.0.0.0:1", "0.0.0.0:1"],
  ] as const)("reads %s", ([text, printed]) => {
    const endpoint = Endpoint.parse(text);
    expect([`${endpoint}`, JSON.stringify(endpoint)]).toEqual([printed, `"${printed}"`]);
    expect(endpoint.equals(Endpoint.parse(printed))).toBe(true);
    expect(endpoint.equals(new Endpoint(endpoint.address, endpoint.port === 2 ? 1 : 2))).toBe(false);
  });

  test.for([
    ["::1:9469", "write [::1]:9469"],
    ["2001:db8::1:80", "write [2001:db8::1]:80"],
    [":::16128", "write [::]:16128"],
    ["::", "write an IPv6 address in brackets and a port, as in [::]:16128"],
    ["[::1]", "it has no port; write [::1]:16128"],
    ["127.0.0.1", "it has no port; write 127.0.0.1:16128"],
    [":9469", "write an address before the port: [::]:9469 for all of the host"],
    ["9469", "write an address before the port: [::]:9469 for all of the host"],
    ["[127.0.0.1]:80", "only an IPv6 address stands in brackets; write 127.0.0.1:80"],
    ["[::]:0", "its port 0 is not a number from 1 to 65535"],
    ["[::]:65536", "its port 65536 is not a number from 1 to 65535"],
    ["[::]:080", "its port 080 is not a number from 1 to 65535"],
    ["[::]:http", "as in [::]:16128"],
    ["localhost:80", '"localhost" is not an IP address'],
    ["[fe80::1%eth0]:80", "it has a zone id"],
    ["[::1:80", "as in [::]:16128"],
    ["", "as in [::]:16128"],
  ] as const)("refuses %j and says: %s", ([text, words]) => {
    expect(() => Endpoint.parse(text)).toThrow(words);
    expect(() => Endpoint.parse(text)).toThrow(SyntaxError);
  });
});
