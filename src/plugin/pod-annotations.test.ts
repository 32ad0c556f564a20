import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readRequest } from "../cni/request.ts";
import { podAnnotationsCapability } from "../cni/runtime-config.ts";
import { ConfigError } from "../config/config-error.ts";
import { parseIpam } from "../ipam/config/config.ts";
import { refuseWishes, wishesOf } from "./pod-annotations.ts";

type Annotations = Readonly<Record<string, string>>;

const subnets = { v4: ["10.1.0.0/24"], v6: ["2001:db8:0:1::/64"], dual: ["2001:db8:0:1::/64", "10.1.0.0/24"] } as const;
type Families = keyof typeof subnets;
const ipamFor = (families: Families, more: object = {}) =>
  parseIpam({ ranges: subnets[families].map((subnet) => [{ subnet }]), ...more });

/** An ADD as containerd's and CRI-O's libcni make it. */
function asking(annotations: Annotations, { args = "", interfaceName = "eth0" } = {}) {
  const runtimeConfig = { [podAnnotationsCapability]: annotations };
  const request = readRequest({
    environment: {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "c1",
      CNI_NETNS: "/run/netns/a",
      CNI_IFNAME: interfaceName,
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0;${args}`,
      CNI_PATH: "/opt/cni/bin",
    },
    stdin: JSON.stringify({ cniVersion: "1.0.0", name: "hextet", type: "hextet", runtimeConfig }),
  });
  if (request.verb !== "ADD") throw new Error("This is no ADD");
  return request;
}

function heard(annotations: Annotations, families: Families = "dual", more: Parameters<typeof asking>[1] = {}) {
  const { ips, assign, remarks } = wishesOf(asking(annotations, more), ipamFor(families));
  return { ips: ips.map(({ address }) => String(address)), assign, remarks };
}

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "heard";
}

const nothing = { ips: [], assign: undefined, remarks: [] };

describe("wishesOf()", () => {
  test.for([
    ["v4", "10.1.0.25", ["10.1.0.25"]],
    ["v6", "2001:db8:0:1::25", ["2001:db8:0:1::25"]],
    ["dual", "2001:db8:0:1::25,10.1.0.25", ["2001:db8:0:1::25", "10.1.0.25"]],
    ["dual", " 10.1.0.25 , 2001:DB8:0:1:0::25\n", ["10.1.0.25", "2001:db8:0:1::25"]],
    ["dual", "10.1.0.25,10.1.0.25", ["10.1.0.25"]],
    ["dual", "10.1.0.25", ["10.1.0.25"]],
  ] as const)("%s: hextet.dev/ips %j asks for %j", ([families, text, ips]) => {
    expect(heard({ "hextet.dev/ips": text }, families)).toEqual({ ...nothing, ips });
  });

  test("asks as one who keeps cool-downs, and says where", () => {
    const [wish] = wishesOf(asking({ "hextet.dev/ips": "10.1.0.25" }), ipamFor("v4")).ips;
    expect(wish).toMatchObject({ keepsCooldown: true, from: "annotation hextet.dev/ips" });
  });

  test.for(["sequential", "random", "stable", "eui64", "embed-ipv4"])("hextet.dev/assign %s is heard", (assign) => {
    expect(heard({ "hextet.dev/assign": ` ${assign}\n` })).toEqual({ ...nothing, assign });
  });

  test("hears both, and nothing of annotations that are others'", () => {
    const others = { "kubernetes.io/ingress-bandwidth": "8M", "hextet.device/ips": "x", hextet: "x" };
    const both = { "hextet.dev/ips": "10.1.0.25", "hextet.dev/assign": "stable" };
    expect(heard(others)).toEqual(nothing);
    expect(heard({ ...others, ...both })).toEqual({ ips: ["10.1.0.25"], assign: "stable", remarks: [] });
  });

  test("is about the interface whose addresses are the pod's", () => {
    expect(heard({ "hextet.dev/ips": "nonsense" }, "dual", { interfaceName: "net1" })).toEqual(nothing);
  });

  test("leaves what the runtime itself asks for as it is, and says so", () => {
    const annotation = { "hextet.dev/ips": "10.1.0.25" };
    const why = "CNI_ARGS IP asks for addresses, and comes first";
    expect(heard(annotation, "dual", { args: "IP=10.1.0.9" })).toEqual({
      ...nothing,
      remarks: [{ annotation: "hextet.dev/ips", why }],
    });
  });

  test("warns of a mode that means nothing here", () => {
    const why = "random is for IPv6, and there are IPv4 ranges alone; they are assigned sequentially";
    expect(heard({ "hextet.dev/assign": "random" }, "v4").remarks).toEqual([{ annotation: "hextet.dev/assign", why }]);
  });

  test.for([
    ["hextet.dev/ip", "it is unknown; did you mean hextet.dev/ips"],
    ["hextet.dev/asign", "it is unknown; did you mean hextet.dev/assign"],
    ["hextet.dev/colour", "it is unknown; there are hextet.dev/ips and hextet.dev/assign"],
  ] as const)("warns of %s: %s", ([annotation, why]) => {
    expect(heard({ [annotation]: "x" }).remarks).toEqual([{ annotation, why }]);
  });

  test("warns of a few unknown ones, however many and long they are", () => {
    const many = Object.fromEntries(
      Array.from({ length: 500 }, (_, at) => [`hextet.dev/${at}${"x".repeat(5000)}`, "x"]),
    );
    expect(JSON.stringify(heard(many).remarks).length).toBeLessThan(2000);
  });
});

describe("a wish that cannot be", () => {
  const commas = "addresses stand with commas between them, as in 2001:db8:0:1::25,10.1.0.25";
  const ascii = "it has characters that are neither letters, digits nor punctuation of ASCII; leave them out";
  test.for([
    ["ips", "10.1.0", `"10.1.0" is not an IP address: write four decimal numbers, as in 192.0.2.1; ${commas}`],
    ["ips", "2001:db8::zz", `"2001:db8::zz" is not an IP address: write it as in 2001:db8::1; ${commas}`],
    ["ips", "10.1.0.25;", `"10.1.0.25;" is not an IP address: write four decimal numbers, as in 192.0.2.1; ${commas}`],
    [
      "ips",
      "10.1.0.25/24",
      `"10.1.0.25/24" is not an IP address: it has a prefix length; leave out everything from the / on; ${commas}`,
    ],
    ["ips", "10.1.0.25,", `"" is not an IP address: write four decimal numbers, as in 192.0.2.1; ${commas}`],
    ["ips", " ", "it is empty; take it out to ask for nothing"],
    ["ips", "x".repeat(257), "it is 257 characters long; write at most 256"],
    ["ips", "10.1.0.25\n10.1.0.26", ascii],
    ["ips", "10.1.0.25\u001b[31m", ascii],
    ["assign", "stab\u202ele", ascii],
    [
      "assign",
      "stabel",
      '"stabel" is unknown; did you mean stable? There are sequential, random, stable, eui64, embed-ipv4',
    ],
    ["assign", "dhcp", '"dhcp" is unknown; write sequential, random, stable, eui64, embed-ipv4'],
  ] as const)("hextet.dev/%s %j is refused: %s", ([key, text, why]) => {
    const refusal = refusalOf(() => heard({ [`hextet.dev/${key}`]: text }));
    expect(refusal).toBe(`annotation hextet.dev/${key}: ${why}`);
  });

  test("is refused with all others", () => {
    const refusal = refusalOf(() => heard({ "hextet.dev/ips": "", "hextet.dev/assign": "" }));
    expect(refusal).toBe(
      "2 faults: annotation hextet.dev/ips: it is empty; take it out to ask for nothing; annotation hextet.dev/assign: it is empty; take it out to ask for nothing",
    );
  });

  test("is one that the ranges have no room for", () => {
    const narrow = parseIpam({ subnet: "2001:db8::/80" });
    const refused = (assign: string) => refusalOf(() => wishesOf(asking({ "hextet.dev/assign": assign }), narrow));
    expect(refused("eui64")).toContain("annotation hextet.dev/assign: eui64 makes 64 bits of the address");
    expect(refused("embed-ipv4")).toContain("annotation hextet.dev/assign: embed-ipv4 needs a pod's IPv4 address");
  });

  test("is one that the network does not allow, whatever it says", () => {
    const ipam = ipamFor("dual", { annotations: ["assign"] });
    const refused = (annotations: Annotations) => refusalOf(() => wishesOf(asking(annotations), ipam));
    const why = "network hextet does not allow it (ipam.annotations); take it out";
    expect(refused({ "hextet.dev/ips": "\u0000" })).toBe(`annotation hextet.dev/ips: ${why}`);
    expect(refused({ "hextet.dev/assign": "stable" })).toBe("heard");
  });

  test("is any where somebody else gives the addresses", () => {
    const refused = (annotations: Annotations) => refusalOf(() => refuseWishes(asking(annotations), "host-local"));
    const why = "host-local gives the addresses of network hextet, and hears no annotation; take it out";
    expect(refused({ "hextet.dev/assign": "stable" })).toBe(`annotation hextet.dev/assign: ${why}`);
    expect(refused({ "hextet.dev/colour": "red" })).toBe("heard");
  });

  test("is told in one line of printable ASCII that an event of Kubernetes holds, whatever it is", () => {
    const nasty = fc.constantFrom('"', "\\", ",", ":", "f", ".", "1", "\0", "\n", "\u001b", "\u202e", "é");
    const text = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: nasty, maxLength: 300 }));
    const [request, ipam] = [asking({}), ipamFor("dual")];
    const isTold = (ips: string, assign: string) => {
      const podAnnotations = { "hextet.dev/ips": ips, "hextet.dev/assign": assign };
      const refusal = refusalOf(() =>
        wishesOf({ ...request, config: { ...request.config, runtimeConfig: { podAnnotations } } }, ipam),
      );
      return /^[ -~]+$/.test(refusal) && refusal.length < 700;
    };
    fc.assert(fc.property(text, text, isTold));
  });
});
