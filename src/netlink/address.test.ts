import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address, bitsOf } from "../ip/address.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import {
  addAddress,
  decodeAddress,
  type LinkAddress,
  listAddresses,
  removeAddress,
  replaceAddress,
} from "./address.ts";
import { captured, sent } from "./captured.ts";
import { hex } from "./hex.ts";
import type { Request } from "./request.ts";

describe("requests are those of ip", () => {
  test.for<[command: string, request: Request, bytes: string]>([
    [
      "ip -6 addr add fd00::1/64 dev hx1 nodad noprefixroute",
      addAddress({ link: 100, address: InterfaceAddress.parse("fd00::1/64"), noDad: true, noPrefixRoute: true }),
      `
      14 00 05 06  # RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  64 00 00 00  # struct ifaddrmsg
      14 00 02 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # IFA_LOCAL fd00::1
      08 00 08 00  02 02 00 00  # IFA_FLAGS 514
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # IFA_ADDRESS fd00::1`,
    ],
    [
      "ip -6 addr add fd00::2 peer fd00::3/128 dev hx1",
      addAddress({ link: 100, address: InterfaceAddress.parse("fd00::2/128"), peer: Address.parse("fd00::3") }),
      `
      14 00 05 06  # RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 80 00 00  64 00 00 00  # struct ifaddrmsg
      14 00 02 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 02  # IFA_LOCAL fd00::2
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 03  # IFA_ADDRESS fd00::3`,
    ],
    [
      "ip -6 addr add fd00::a/64 dev hx1 mngtmpaddr",
      addAddress({ link: 100, address: InterfaceAddress.parse("fd00::a/64"), managesTemporary: true }),
      `
      14 00 05 06  # RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  64 00 00 00  # struct ifaddrmsg
      14 00 02 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 0a  # IFA_LOCAL fd00::a
      08 00 08 00  00 01 00 00  # IFA_FLAGS 256
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 0a  # IFA_ADDRESS fd00::a`,
    ],
    [
      "ip addr add 10.1.0.2/24 dev hx1, which has no duplicate detection to leave out",
      addAddress({ link: 100, address: InterfaceAddress.parse("10.1.0.2/24"), noDad: true }),
      `
      14 00 05 06  # RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 18 00 00  64 00 00 00  # struct ifaddrmsg
      08 00 02 00  0a 01 00 02  # IFA_LOCAL 10.1.0.2
      08 00 01 00  0a 01 00 02  # IFA_ADDRESS 10.1.0.2`,
    ],
    [
      "ip addr add 10.1.0.1/24 label hx1:0 brd + dev hx1 scope link",
      addAddress({
        link: 100,
        address: InterfaceAddress.parse("10.1.0.1/24"),
        label: "hx1:0",
        broadcast: Address.parse("10.1.0.255"),
        scope: 253,
      }),
      `
      14 00 05 06  # RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 18 00 fd  64 00 00 00  # struct ifaddrmsg
      08 00 02 00  0a 01 00 01  # IFA_LOCAL 10.1.0.1
      0a 00 03 00  68 78 31 3a  30 00 00 00  # IFA_LABEL hx1:0
      08 00 01 00  0a 01 00 01  # IFA_ADDRESS 10.1.0.1
      08 00 04 00  0a 01 00 ff  # IFA_BROADCAST 10.1.0.255`,
    ],
    [
      "ip addr add 10.2.0.1 noprefixroute peer 10.2.0.2/32 dev hx1",
      addAddress({
        link: 100,
        address: InterfaceAddress.parse("10.2.0.1/32"),
        peer: Address.parse("10.2.0.2"),
        noPrefixRoute: true,
      }),
      `
      14 00 05 06  # RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REQUEST | NLM_F_ACK
      02 20 00 00  64 00 00 00  # struct ifaddrmsg
      08 00 02 00  0a 02 00 01  # IFA_LOCAL 10.2.0.1
      08 00 08 00  00 02 00 00  # IFA_FLAGS 512, which ip puts last here and before the next elsewhere
      08 00 01 00  0a 02 00 02  # IFA_ADDRESS 10.2.0.2`,
    ],
    [
      "ip -6 addr replace fd00::9/64 dev hx1 valid_lft 1000 preferred_lft 500",
      replaceAddress({
        link: 100,
        address: InterfaceAddress.parse("fd00::9/64"),
        validSeconds: 1000,
        preferredSeconds: 500,
      }),
      `
      14 00 05 05  # RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  64 00 00 00  # struct ifaddrmsg
      14 00 02 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 09  # IFA_LOCAL fd00::9
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 09  # IFA_ADDRESS fd00::9
      14 00 06 00  f4 01 00 00  e8 03 00 00  00 00 00 00  00 00 00 00  # IFA_CACHEINFO`,
    ],
    [
      "ip addr del fd00::1/64 dev hx1",
      removeAddress({ link: 100, address: InterfaceAddress.parse("fd00::1/64") }),
      `
      15 00 05 00  # RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK
      0a 40 00 00  64 00 00 00  # struct ifaddrmsg
      14 00 02 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # IFA_LOCAL fd00::1
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # IFA_ADDRESS fd00::1`,
    ],
    [
      "ip addr del 10.1.0.1/24 dev hx1",
      removeAddress({ link: 100, address: InterfaceAddress.parse("10.1.0.1/24") }),
      `
      15 00 05 00  # RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK
      02 18 00 00  64 00 00 00  # struct ifaddrmsg
      08 00 02 00  0a 01 00 01  # IFA_LOCAL 10.1.0.1
      08 00 01 00  0a 01 00 01  # IFA_ADDRESS 10.1.0.1`,
    ],
    [
      "ip addr del 10.2.0.1 peer 10.2.0.2/32 dev hx1",
      removeAddress({ link: 100, address: InterfaceAddress.parse("10.2.0.1/32"), peer: Address.parse("10.2.0.2") }),
      `
      15 00 05 00  # RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK
      02 20 00 00  64 00 00 00  # struct ifaddrmsg
      08 00 02 00  0a 02 00 01  # IFA_LOCAL 10.2.0.1
      08 00 01 00  0a 02 00 02  # IFA_ADDRESS 10.2.0.2`,
    ],
  ])("%s", ([, request, bytes]) => {
    expect(sent(request)).toEqual(captured(bytes));
  });

  test.for<[what: string, request: Request, bytes: string]>([
    ["all addresses", listAddresses(), "16 00 01 03  00 00 00 00 00 00 00 00"],
    ["those of IPv6 on link 100", listAddresses({ family: "v6", link: 100 }), "16 00 01 03  0a 00 00 00 64 00 00 00"],
    [
      "those of IPv4 in namespace 0",
      listAddresses({ family: "v4", namespaceId: 0 }),
      "16 00 01 03  02 00 00 00 00 00 00 00  08 00 0a 00 00 00 00 00 # IFA_TARGET_NETNSID",
    ],
  ])("a list of %s has no more than the header of ip, and strictly what it filters by", ([, request, bytes]) => {
    expect(sent(request, "dump")).toEqual(hex(bytes));
  });
});

describe("decodeAddress", () => {
  test.for<[what: string, body: string, address: LinkAddress]>([
    [
      "an IPv4 address with a label",
      `
      02 18 80 00  64 00 00 00  # struct ifaddrmsg
      08 00 01 00  0a 01 00 01  # IFA_ADDRESS 10.1.0.1
      08 00 02 00  0a 01 00 01  # IFA_LOCAL 10.1.0.1
      0a 00 03 00  68 78 31 3a  30 00 00 00  # IFA_LABEL hx1:0
      08 00 08 00  80 00 00 00  # IFA_FLAGS 128
      14 00 06 00  ff ff ff ff  ff ff ff ff  1c ce 06 00  1c ce 06 00  # IFA_CACHEINFO`,
      {
        link: 100,
        address: InterfaceAddress.parse("10.1.0.1/24"),
        label: "hx1:0",
        scope: 0,
        tentative: false,
        duplicate: false,
        permanent: true,
        temporary: false,
        managesTemporary: false,
        noPrefixRoute: false,
      },
    ],
    [
      "an IPv4 address with a peer and without a prefix route",
      `
      02 20 80 00  64 00 00 00  # struct ifaddrmsg
      08 00 01 00  0a 02 00 02  # IFA_ADDRESS 10.2.0.2
      08 00 02 00  0a 02 00 01  # IFA_LOCAL 10.2.0.1
      08 00 03 00  68 78 31 00  # IFA_LABEL hx1
      08 00 08 00  80 02 00 00  # IFA_FLAGS 640
      14 00 06 00  ff ff ff ff  ff ff ff ff  1c ce 06 00  1c ce 06 00  # IFA_CACHEINFO`,
      {
        link: 100,
        address: InterfaceAddress.parse("10.2.0.1/32"),
        peer: Address.parse("10.2.0.2"),
        label: "hx1",
        scope: 0,
        tentative: false,
        duplicate: false,
        permanent: true,
        temporary: false,
        managesTemporary: false,
        noPrefixRoute: true,
      },
    ],
    [
      "an IPv6 address that temporary ones are made of",
      `
      0a 40 c0 00  64 00 00 00  # struct ifaddrmsg
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 0a  # IFA_ADDRESS fd00::a
      14 00 06 00  ff ff ff ff  ff ff ff ff  f8 cd 06 00  f8 cd 06 00  # IFA_CACHEINFO
      08 00 08 00  c0 01 00 00  # IFA_FLAGS 448`,
      {
        link: 100,
        address: InterfaceAddress.parse("fd00::a/64"),
        scope: 0,
        tentative: true,
        duplicate: false,
        permanent: true,
        temporary: false,
        managesTemporary: true,
        noPrefixRoute: false,
      },
    ],
    [
      "an IPv6 address with lifetimes",
      `
      0a 40 40 00  64 00 00 00  # struct ifaddrmsg
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 09  # IFA_ADDRESS fd00::9
      14 00 06 00  f4 01 00 00  e8 03 00 00  e6 cd 06 00  ef cd 06 00  # IFA_CACHEINFO
      08 00 08 00  40 00 00 00  # IFA_FLAGS 64`,
      {
        link: 100,
        address: InterfaceAddress.parse("fd00::9/64"),
        validSeconds: 1000,
        preferredSeconds: 500,
        scope: 0,
        tentative: true,
        duplicate: false,
        permanent: false,
        temporary: false,
        managesTemporary: false,
        noPrefixRoute: false,
      },
    ],
    [
      "an IPv6 address with a peer",
      `
      0a 80 c0 00  64 00 00 00  # struct ifaddrmsg
      14 00 02 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 02  # IFA_LOCAL fd00::2
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 03  # IFA_ADDRESS fd00::3
      14 00 06 00  ff ff ff ff  ff ff ff ff  cc cd 06 00  cc cd 06 00  # IFA_CACHEINFO
      08 00 08 00  c0 00 00 00  # IFA_FLAGS 192`,
      {
        link: 100,
        address: InterfaceAddress.parse("fd00::2/128"),
        peer: Address.parse("fd00::3"),
        scope: 0,
        tentative: true,
        duplicate: false,
        permanent: true,
        temporary: false,
        managesTemporary: false,
        noPrefixRoute: false,
      },
    ],
    [
      "a link-local address that duplicate detection is still at",
      `
      0a 40 c0 fd  64 00 00 00  # struct ifaddrmsg
      14 00 01 00  fe 80 00 00  00 00 00 00  00 00 00 ff  fe 00 00 01  # IFA_ADDRESS fe80::ff:fe00:1
      14 00 06 00  ff ff ff ff  ff ff ff ff  98 cd 06 00  98 cd 06 00  # IFA_CACHEINFO
      08 00 08 00  c0 00 00 00  # IFA_FLAGS 192
      05 00 0b 00  03 00 00 00  # IFA_PROTO 3`,
      {
        link: 100,
        address: InterfaceAddress.parse("fe80::ff:fe00:1/64"),
        scope: 253,
        tentative: true,
        duplicate: false,
        permanent: true,
        temporary: false,
        managesTemporary: false,
        noPrefixRoute: false,
      },
    ],
  ])("%s is read", ([, body, address]) => {
    expect(decodeAddress(hex(body))).toEqual(address);
  });

  test("an address that another host holds too is told apart from one that is being asked for", () => {
    const failed = hex(`
      0a 40 c8 00  64 00 00 00  # struct ifaddrmsg
      14 00 01 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # IFA_ADDRESS fd00::1
      08 00 08 00  c8 00 00 00  # IFA_FLAGS IFA_F_PERMANENT | IFA_F_TENTATIVE | IFA_F_DADFAILED`);
    expect(decodeAddress(failed)).toMatchObject({ tentative: true, duplicate: true });
  });

  test("an address of another family is passed over", () => {
    expect(decodeAddress(hex("07 40 c0 00  64 00 00 00  08 00 01 00  0a 01 00 01"))).toBeUndefined();
  });
});

describe("what it says after Cannot", () => {
  const address = InterfaceAddress.parse("fd00::1/64");
  test.for<[operation: string, request: Request]>([
    ["add address fd00::1/64 on link 5", addAddress({ link: 5, address })],
    ["replace address fd00::1/64 on link 5", replaceAddress({ link: 5, address })],
    [
      "add address fd00::1/64 with peer fd00::2 on link 5",
      addAddress({ link: 5, address, peer: Address.parse("fd00::2") }),
    ],
    ["remove address fd00::1/64 from link 5", removeAddress({ link: 5, address })],
    ["list addresses of link 5", listAddresses({ link: 5 })],
    ["list addresses", listAddresses()],
  ])("%s", ([operation, request]) => {
    expect(request.operation).toBe(operation);
  });
});

test("any address comes back as it was", () => {
  const seconds = fc.nat(0xfffffffe);
  const wanted = fc.constantFrom("v4" as const, "v6" as const).chain((family) =>
    fc.record(
      {
        link: fc.integer({ min: 1, max: 0x7fffffff }),
        address: fc
          .tuple(fc.bigInt(1n, (1n << BigInt(bitsOf(family))) - 1n), fc.nat(bitsOf(family)))
          .map(([value, length]) => new InterfaceAddress(Address.of(family, value), length)),
        peer: fc.constant(Address.of(family, 0n)),
        scope: fc.nat(255),
        label: fc.stringMatching(/^[a-z:0-9]{1,15}$/),
        noPrefixRoute: fc.boolean(),
        managesTemporary: fc.boolean(),
        validSeconds: seconds,
      },
      { requiredKeys: ["link", "address"], noNullPrototype: true },
    ),
  );
  fc.assert(
    fc.property(wanted, (address) => {
      const read = decodeAddress(addAddress(address).body);
      // Who gives a lifetime and no preferred one prefers it as long as it is valid.
      const preferred = address.validSeconds === undefined ? {} : { preferredSeconds: address.validSeconds };
      expect(read).toMatchObject({ ...address, ...preferred });
    }),
  );
});
