import { expect, test } from "vitest";
import { bridgeMacOf, hostLinkOf, hostMacOf, podMacOf } from "./identity.ts";

const attachment = { network: "pods", containerId: "4f2c", interfaceName: "eth0" };
const others = [
  { ...attachment, network: "pod" },
  { ...attachment, containerId: "4f2d" },
  { ...attachment, interfaceName: "eth1" },
  // The same text when joined without a mark between the parts.
  { network: "pods4", containerId: "f2c", interfaceName: "eth0" },
];

test("a host link's name is hx and 13 hexadecimal digits, the longest the kernel takes", () => {
  expect(hostLinkOf(attachment)).toBe("hxaf1a4c9580200");
});

test("attachments that differ in one part share neither a name nor a MAC", () => {
  const all = [attachment, ...others];
  const values = all.flatMap((one) => [hostLinkOf(one), podMacOf(one).toString(), hostMacOf(one).toString()]);
  expect(new Set(values).size).toBe(3 * all.length);
});

test("derived MACs are unicast and locally administered", () => {
  const macs = [podMacOf(attachment), hostMacOf(attachment), bridgeMacOf("hextet0", "b1")];
  for (const mac of macs) expect((mac.bytes()[0] ?? 0) & 0x03).toBe(0x02);
});

test("the host end's MAC is higher than any a bridge may have by itself", () => {
  expect(hostMacOf(attachment).toString()).toMatch(/^fe:/);
});

test("a bridge has another MAC in another boot and under another name", () => {
  const macs = [bridgeMacOf("hextet0", "b1"), bridgeMacOf("hextet0", "b2"), bridgeMacOf("hextet1", "b1")].map(String);
  expect(new Set(macs).size).toBe(3);
});
