import { describe, expect, test } from "vitest";
import { ConfigError } from "../../config/config-error.ts";
import { defaultCooldownSeconds, type IpamInput, parseIpam } from "./config.ts";
import { ipamWarnings } from "./config-warnings.ts";

/** Range sets as text: `first-last of prefix via gateway`. */
function rangesIn(section: object, input?: IpamInput): readonly (readonly string[])[] {
  const { rangeSets } = parseIpam(section, input);
  return rangeSets.map((set) =>
    set.map(({ range, gateway }) => `${range} of ${range.prefix}${gateway === undefined ? "" : ` via ${gateway}`}`),
  );
}

function faultsOf(section: unknown, input?: IpamInput): readonly string[] {
  try {
    parseIpam(section, input);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { cause } = error;
    return cause instanceof AggregateError ? cause.errors.map((each: Error) => each.message) : [error.message];
  }
  return [];
}

const v4 = { subnet: "10.1.0.0/24" };
const v6 = { subnet: "fd00::/64" };

describe("ranges as host-local has them", () => {
  test.for([
    [v4, ["10.1.0.1-10.1.0.254 of 10.1.0.0/24 via 10.1.0.1"]],
    [v6, ["fd00::1-fd00::ffff:ffff:ffff:ffff of fd00::/64 via fd00::1"]],
    [{ ...v4, rangeStart: "10.1.0.10" }, ["10.1.0.10-10.1.0.254 of 10.1.0.0/24 via 10.1.0.1"]],
    [{ ...v4, rangeEnd: "10.1.0.20" }, ["10.1.0.1-10.1.0.20 of 10.1.0.0/24 via 10.1.0.1"]],
    [{ ...v4, rangeStart: "10.1.0.0", rangeEnd: "10.1.0.255" }, ["10.1.0.0-10.1.0.255 of 10.1.0.0/24 via 10.1.0.1"]],
    [{ ...v6, rangeStart: "fd00::10", rangeEnd: "fd00::20" }, ["fd00::10-fd00::20 of fd00::/64 via fd00::1"]],
    [{ ...v4, gateway: "10.1.0.254" }, ["10.1.0.1-10.1.0.254 of 10.1.0.0/24 via 10.1.0.254"]],
    [{ ...v4, gateway: "192.0.2.1" }, ["10.1.0.1-10.1.0.254 of 10.1.0.0/24 via 192.0.2.1"]],
    [{ ...v4, gateway: "fe80::1" }, ["10.1.0.1-10.1.0.254 of 10.1.0.0/24 via fe80::1"]],
    [{ ...v6, gateway: "fe80::1" }, ["fd00::1-fd00::ffff:ffff:ffff:ffff of fd00::/64 via fe80::1"]],
    [{ ...v4, gateway: "", rangeStart: "", rangeEnd: "" }, ["10.1.0.1-10.1.0.254 of 10.1.0.0/24 via 10.1.0.1"]],
    [{ subnet: "10.1.0.0/30" }, ["10.1.0.1-10.1.0.2 of 10.1.0.0/30 via 10.1.0.1"]],
    [{ subnet: "fd00::/126" }, ["fd00::1-fd00::3 of fd00::/126 via fd00::1"]],
  ] as const)("%j is %j", ([section, ranges]) => {
    expect(rangesIn(section)).toEqual([ranges]);
  });

  // host-local refuses these; see range-entry.ts for what they are here.
  test.for([
    [{ subnet: "10.1.0.0/31" }, "10.1.0.0-10.1.0.1 of 10.1.0.0/31 via 10.1.0.0"],
    [{ subnet: "fd00::/127" }, "fd00::-fd00::1 of fd00::/127 via fd00::"],
    [{ subnet: "10.1.0.7/32" }, "10.1.0.7-10.1.0.7 of 10.1.0.7/32"],
    [{ subnet: "fd00::7/128" }, "fd00::7-fd00::7 of fd00::7/128"],
    [{ subnet: "10.1.0.7/32", gateway: "10.1.0.1" }, "10.1.0.7-10.1.0.7 of 10.1.0.7/32 via 10.1.0.1"],
  ] as const)("%j has an address to lease: %s", ([section, range]) => {
    expect(rangesIn(section)).toEqual([[range]]);
  });

  test("each member of ranges is a set, subnet is one before them, and the runtime's ipRanges come first", () => {
    const section = { ...v4, ranges: [[v6], [{ subnet: "10.2.0.0/24" }, { subnet: "10.3.0.0/24" }]] };
    const prefixes = parseIpam(section, { ipRanges: [[{ subnet: "fd01::/64" }]] }).rangeSets.map((set) =>
      set.map(({ range }) => String(range.prefix)),
    );
    expect(prefixes).toEqual([["fd01::/64"], ["10.1.0.0/24"], ["fd00::/64"], ["10.2.0.0/24", "10.3.0.0/24"]]);
  });

  test("what the runtime hands over is enough", () => {
    expect(rangesIn({}, { ipRanges: [[v4]] })).toEqual([["10.1.0.1-10.1.0.254 of 10.1.0.0/24 via 10.1.0.1"]]);
  });

  test("two ranges of one subnet that do not meet are a set", () => {
    const [low, high] = [
      { ...v4, rangeEnd: "10.1.0.9" },
      { ...v4, rangeStart: "10.1.0.10" },
    ];
    expect(rangesIn({ ranges: [[low, high]] })[0]).toHaveLength(2);
    expect(faultsOf({ ranges: [[low], [{ ...v4, rangeStart: "10.1.0.9" }]] })).toEqual([
      "ipam.ranges[1][0]: the range 10.1.0.9-10.1.0.254 overlaps 10.1.0.1-10.1.0.9 of ipam.ranges[0][0]; let an address be in one range alone",
    ]);
  });
});

describe("the section's other keys", () => {
  test("have defaults", () => {
    expect(parseIpam(v6)).toMatchObject({
      assign: "sequential",
      exclude: [],
      cooldownSeconds: defaultCooldownSeconds,
      dataDir: "/var/lib/hextet",
    });
    expect(parseIpam({ ...v6, dataDir: "", resolvConf: "" })).toMatchObject({ dataDir: "/var/lib/hextet" });
    expect(Object.keys(parseIpam({ ...v6, resolvConf: "" }))).not.toContain("resolvConf");
  });

  test("are read", () => {
    const section = {
      ranges: [[v6], [v4]],
      assign: "stable",
      exclude: ["10.1.0.7", "fd00::/120"],
      cooldownSeconds: 0,
      annotations: ["assign"],
      dataDir: "/srv/leases",
      resolvConf: "/etc/resolv.conf",
    };
    const { exclude, rangeSets: _, ...rest } = parseIpam(section);
    expect(rest).toEqual({
      assign: "stable",
      cooldownSeconds: 0,
      annotations: ["assign"],
      dataDir: "/srv/leases",
      resolvConf: "/etc/resolv.conf",
    });
    expect(exclude.map(String)).toEqual(["10.1.0.7/32", "fd00::/120"]);
  });

  test("routes are read with all that version 1.1.0 knows, and may have host bits", () => {
    const routes = [
      { dst: "::/0" },
      { dst: "10.1.2.3/8", gw: "10.1.0.9", mtu: 1400, advmss: 1360, priority: 7, table: 100, scope: 253 },
      { dst: "0.0.0.0/0", gw: "fe80::9" },
      { dst: "fd09::/64", gw: "" },
    ];
    const read = parseIpam({ ...v6, routes }).routes ?? [];
    expect(JSON.parse(JSON.stringify(read))).toEqual([
      { destination: "::/0" },
      { destination: "10.0.0.0/8", gateway: "10.1.0.9", mtu: 1400, advmss: 1360, priority: 7, table: 100, scope: 253 },
      { destination: "0.0.0.0/0", gateway: "fe80::9" },
      { destination: "fd09::/64" },
    ]);
  });

  test("the value is frozen", () => {
    const config = parseIpam({ ...v6, exclude: ["fd00::9"], routes: [{ dst: "::/0" }] });
    const parts = [
      config,
      config.rangeSets,
      config.rangeSets[0],
      config.rangeSets[0]?.[0],
      config.exclude,
      config.routes,
    ];
    expect(parts.map(Object.isFrozen)).toEqual(parts.map(() => true));
  });
});

describe("faults", () => {
  test.for([
    [undefined, ["ipam: this is not an object; write one with a subnet or with ranges"]],
    [[], ["ipam: this is not an object; write one with a subnet or with ranges"]],
    [
      {},
      [expect.stringMatching(/^ipam: there is no range to lease from; set subnet, or ranges, as in "ranges": \[\[/)],
    ],
    [{ ranges: [] }, [expect.stringMatching(/^ipam: there is no range to lease from/)]],
    [{ ranges: [[]] }, ["ipam.ranges[0]: this range set is empty; give it a range or leave it out"]],
    [{ ranges: v6 }, ['ipam.ranges: this is not a list; write it as in [[{ "subnet": "fd00::/64" }]]']],
    [{ ranges: [v6] }, ['ipam.ranges[0]: this is not a list; write it as in [[{ "subnet": "fd00::/64" }]]']],
    [{ ranges: [["fd00::/64"]] }, [expect.stringMatching(/^ipam.ranges\[0\]\[0\]: "fd00::\/64" is not an object/)]],
    [{ ranges: [[{}]] }, ["ipam.ranges[0][0].subnet: it is missing"]],
    [{ subnet: "fd00::1/64" }, ["ipam.subnet: fd00::1/64 has host bits set; write fd00::/64"]],
    [{ subnet: "10.1.0.0" }, ['ipam.subnet: "10.1.0.0" has no prefix length; write it as in 2001:db8::1/64']],
    [{ subnet: 6 }, [expect.stringMatching(/^ipam.subnet: 6 is not a string/)]],
    [
      { subnet: "ff05::/16" },
      ["ipam.subnet: ff05::/16 is of multicast addresses, which no pod can have; write another"],
    ],
    [
      { subnet: "127.0.0.0/8" },
      ["ipam.subnet: 127.0.0.0/8 is of loopback addresses, which no pod can have; write another"],
    ],
    [
      { ...v4, rangeStart: "10.1.1.1" },
      ["ipam.rangeStart: 10.1.1.1 lies outside 10.1.0.0/24; write one from 10.1.0.0 to 10.1.0.255"],
    ],
    [
      { ...v4, rangeEnd: "fd00::1" },
      ["ipam.rangeEnd: fd00::1 lies outside 10.1.0.0/24; write one from 10.1.0.0 to 10.1.0.255"],
    ],
    [
      { ...v4, rangeStart: "10.1.0.9", rangeEnd: "10.1.0.8" },
      ["ipam.rangeEnd: the range 10.1.0.9 to 10.1.0.8 ends before it starts; write the lower one as rangeStart"],
    ],
    [
      { ...v4, rangeStart: "10.1.0.255" },
      ["ipam.rangeStart: the range 10.1.0.255 to 10.1.0.254 ends before it starts; write the lower one as rangeStart"],
    ],
    [
      { ...v6, gateway: "10.1.0.1" },
      ["ipam.gateway: 10.1.0.1 cannot be the gateway of fd00::/64; write an IPv6 address"],
    ],
    [{ ...v6, gateway: "ff02::1" }, ["ipam.gateway: ff02::1 is no host's address; write the router's"]],
    [
      { subnet: "10.1.0.7/32", gateway: "10.1.0.7" },
      ["ipam: no address is left of 10.1.0.7-10.1.0.7 after the gateway and what is excluded; make the range larger"],
    ],
    [
      { ...v4, exclude: ["10.1.0.0/25", "10.1.0.128/25"] },
      ["ipam: no address is left of 10.1.0.1-10.1.0.254 after the gateway and what is excluded; make the range larger"],
    ],
    [
      { ranges: [[v6, v4]] },
      ["ipam.ranges[0][1].subnet: 10.1.0.0/24 is not of the family of its set, IPv6; put it into a set of its own"],
    ],
    [
      { ...v6, ranges: [[{ subnet: "fd00::/65" }]] },
      [
        expect.stringMatching(
          /^ipam.ranges\[0\]\[0\]: the range fd00::1-.* overlaps fd00::1-.* of ipam; let an address/,
        ),
      ],
    ],
    [
      { ...v6, assign: "stabel" },
      [
        'ipam.assign: "stabel" is not "sequential" or "random" or "stable" or "eui64" or "embed-ipv4"; did you mean stable',
      ],
    ],
    [{ ...v6, exclude: ["fd00::1/64"] }, ["ipam.exclude[0]: fd00::1/64 has host bits set; write fd00::/64"]],
    [{ ...v6, exclude: "fd00::9" }, [expect.stringMatching(/^ipam.exclude: "fd00::9" is not a list/)]],
    [{ ...v6, cooldownSeconds: -1 }, ["ipam.cooldownSeconds: -1 is not a whole number from 0 to 86400"]],
    [{ ...v6, dataDir: "leases" }, ['ipam.dataDir: "leases" is not an absolute path; begin it with /']],
    [{ ...v6, routes: [{ gw: "fd00::1" }] }, ["ipam.routes[0].dst: it is missing"]],
    [
      { ...v6, routes: [{ dst: "::/0", gw: "10.1.0.1" }] },
      ["ipam.routes[0]: an IPv6 destination cannot have an IPv4 gateway; write an IPv6 address as gw"],
    ],
    [
      { ...v6, routes: [{ dst: "::/0", scope: 256 }] },
      ["ipam.routes[0].scope: 256 is not a whole number from 0 to 255"],
    ],
    [
      { subnet: "fd00::/80", assign: "eui64" },
      ["ipam.assign: eui64 makes 64 bits of the address, and fd00::/80 leaves 48; use a /64"],
    ],
    [
      { ...v6, rangeStart: "fd00::100", assign: "eui64" },
      ["ipam.assign: eui64 takes addresses from all of fd00::/64; leave out rangeStart and rangeEnd"],
    ],
    [
      { ...v6, assign: "embed-ipv4" },
      ["ipam.assign: embed-ipv4 needs a pod's IPv4 address; add an IPv4 range, or choose another mode"],
    ],
    [
      { ranges: [[{ subnet: "fd00::/112" }], [v4]], assign: "embed-ipv4" },
      ["ipam.assign: embed-ipv4 takes the low 32 bits, and fd00::/112 leaves 16; use a /96 or shorter"],
    ],
    [
      { ranges: [[{ ...v6, rangeEnd: "fd00::ffff" }], [v4]], assign: "embed-ipv4" },
      [
        "ipam.assign: embed-ipv4 makes addresses from fd00::a01:1 to fd00::a01:fe, and fd00::1-fd00::ffff does not hold them all; leave out rangeStart and rangeEnd",
      ],
    ],
  ] as const)("%j", ([section, faults]) => {
    expect(faultsOf(section)).toEqual(faults);
  });

  test("of all kinds are reported together, each with its path", () => {
    const section = {
      assign: "rnd",
      subnet: "10.1.0.1/24",
      ranges: [[{ subnet: "fd00::/64", gateway: "x" }], [v6, { ...v6, rangeStart: "fd01::" }], [v6, v4], []],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "nowhere" }],
      exclude: ["10.1.0.7", 6],
    };
    const paths = faultsOf(section, { ipRanges: [[{}]] }).map((message) => message.split(": ")[0] ?? "");
    expect(paths.toSorted()).toEqual([
      "ipam.assign",
      "ipam.exclude[1]",
      "ipam.ranges[0][0].gateway",
      "ipam.ranges[1][1].rangeStart",
      "ipam.ranges[2][0]",
      "ipam.ranges[2][1].subnet",
      "ipam.ranges[3]",
      "ipam.routes[1].dst",
      "ipam.subnet",
      "runtimeConfig.ipRanges[0][0].subnet",
    ]);
  });

  test("in one error that prints them all", () => {
    expect(() => parseIpam({ subnet: "fd00::1/64", cooldownSeconds: "5" })).toThrow(
      /^2 faults: ipam.cooldownSeconds: "5" is not a number.*; ipam.subnet: fd00::1\/64 has host bits set; write fd00::\/64$/,
    );
  });
});

describe("warnings", () => {
  test.for([
    [{ ...v6, type: "hextet" }, []],
    [{ ...v6, subnets: 1 }, ["ipam.subnets: this key is unknown; did you mean subnet"]],
    [
      { ranges: [[{ ...v6, rangestart: "fd00::9" }]] },
      ["ipam.ranges[0][0].rangestart: this key is unknown; did you mean rangeStart"],
    ],
    [
      { ...v6, routes: [{ dst: "::/0", gateway: "" }] },
      [expect.stringMatching(/^ipam.routes\[0\].gateway: .* known are /)],
    ],
    [
      { ranges: [[v4]], gateway: "10.1.0.9" },
      ["ipam.gateway: this key means nothing without subnet beside it; put both into a range of ranges"],
    ],
    [{ ...v4, exclude: ["10.2.0.0/24", "10.1.0.9"] }, ["ipam.exclude[0]: 10.2.0.0/24 is in none of the ranges"]],
    [{ ...v4, exclude: ["10.0.0.0/30", "fd00::/8"], rangeStart: "10.1.0.9" }, [expect.anything(), expect.anything()]],
    [
      { ...v4, assign: "random" },
      ["ipam.assign: random is for IPv6, and there are IPv4 ranges alone; they are assigned sequentially"],
    ],
    [{ ...v4, assign: "stable" }, []],
    [{ ranges: [[v4], [v6]], assign: "random" }, []],
  ] as const)("%j: %j", ([section, warnings]) => {
    expect(ipamWarnings(section, parseIpam(section))).toEqual(warnings);
  });
});
