import { test as base, expect } from "vitest";
import { type Family, families } from "../ip/address.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { openSocket } from "../netlink/native.ts";
import { type LoggedPacket, watchPackets } from "../netlink/packet-log.ts";
import { type DeniedFlow, decodeFlow } from "./denied-flow.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });
const stacks: [name: string, families: readonly Family[]][] = [
  ["IPv4-only", ["v4"]],
  ["IPv6-only", ["v6"]],
  ["dual-stack", families],
];
const loopback = { v6: "::1", v4: "127.0.0.1" } as const;

/** A SYN and a datagram of two fragments, which are refused, and an echo, which is answered. */
function send(node: TestNamespace, to: string): void {
  const commands = [`: > /dev/tcp/${to}/80`, `printf %02000d 0 > /dev/udp/${to}/53`, `ping -c1 -W1 ${to}`];
  node.run("bash", "-c", `${commands.join("; ")}; :`);
}

/** What is told of that; the ports that the kernel chose are left out. */
function told(family: Family) {
  const ends = { family, source: loopback[family], destination: loopback[family] };
  const [unreachable, port, request, reply] = family === "v6" ? [1, 4, 128, 129] : [3, 3, 8, 0];
  return [
    { ...ends, protocol: "tcp", destinationPort: 80 },
    { ...ends, protocol: "tcp", sourcePort: 80 },
    { ...ends, protocol: "udp", destinationPort: 53 },
    { ...ends, protocol: "udp", laterFragment: true },
    { ...ends, protocol: "icmp", icmpType: unreachable, icmpCode: port },
    { ...ends, protocol: "icmp", icmpType: request, icmpCode: 0 },
    { ...ends, protocol: "icmp", icmpType: reply, icmpCode: 0 },
  ];
}

function withoutChosenPort({ sourcePort = 0, destinationPort = 0, ...rest }: DeniedFlow): object {
  const ports = {
    ...(sourcePort in services && { sourcePort }),
    ...(destinationPort in services && { destinationPort }),
  };
  return { ...rest, source: `${rest.source}`, destination: `${rest.destination}`, ...ports };
}
const services = { 53: "domain", 80: "http" };

test.for(stacks)("what real programs send is read, %s", async ([, stack], { node }) => {
  const flows: DeniedFlow[] = [];
  node.loopbackUp().run("ip", "link", "set", "lo", "mtu", "1280");
  const hook = "{ type filter hook prerouting priority -500; }";
  node.run("nft", `add table inet t; add chain inet t c ${hook}; add rule inet t c log group 7`);
  using socket = openSocket("netfilter", { namespace: node });
  const onPacket = ({ payload }: LoggedPacket) => {
    const flow = decodeFlow(payload);
    if (flow !== undefined) flows.push(flow);
  };
  const onError = (error: Error) => expect.fail(error.message);
  watchPackets(
    socket,
    { group: 7, delayMs: 10 },
    { onPacket, onError, onLost: (count) => expect.fail(`${count} lost`) },
  );
  for (const family of stack) send(node, loopback[family]);
  const expected = stack.flatMap(told);
  while (flows.length < expected.length) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(flows.map(withoutChosenPort)).toEqual(expected);
});
