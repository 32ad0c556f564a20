// The answer to ADD, from what was attached and what addresses came with. Pure.
import type { Dns, Result, ResultAddress, ResultInterface } from "../cni/result.ts";
import type { Link } from "../netlink/link.ts";
import type { Attached } from "../pod/attach.ts";
import type { PodAddress } from "../pod/pod-network.ts";

const nothing: Result = { interfaces: [], ips: [], routes: [] };

/** Appends what this plugin made to what earlier ones of the chain did; their indexes stay as they are. */
export function resultOf(attached: Attached, netns: string, dns?: Dns, previous: Result = nothing): Result {
  const { network, pod, host, bridge } = attached;
  const ours = [
    ...[bridge, host].flatMap((link) => (link === undefined ? [] : [interfaceOf(link)])),
    { ...interfaceOf(pod), name: network.attachment.interfaceName, sandbox: netns },
  ];
  const podIndex = previous.interfaces.length + ours.length - 1;
  const described = dns ?? previous.dns;
  return {
    ...previous,
    interfaces: [...previous.interfaces, ...ours],
    ips: [...previous.ips, ...network.addresses.map((address) => addressOf(address, podIndex))],
    routes: [...previous.routes, ...network.routes],
    ...(described === undefined ? {} : { dns: described }),
  };
}

function interfaceOf({ name, mac, mtu }: Link): ResultInterface {
  return { name, ...(mac === undefined ? {} : { mac }), mtu };
}

function addressOf({ address, gateway }: PodAddress, podIndex: number): ResultAddress {
  return { address, ...(gateway === undefined ? {} : { gateway }), interface: podIndex };
}
