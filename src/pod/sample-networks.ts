// Networks for tests: each mode with the addresses of one family, of the other, of both, and several of each. The prefixes are those
// reserved for documentation, or private.
import { Address, type Family } from "../ip/address.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import type { BridgeMode, MacvlanMode, Mode, PodAddress, PodNetwork, PodNetworkInput } from "./pod-network.ts";
import { podNetwork } from "./pod-network.ts";

export const probe = { count: 3, intervalMs: 20 };

export const routed: Mode = { kind: "routed" };

export const bridge: BridgeMode = {
  kind: "bridge",
  bridge: "hextet0",
  gateways: ["2001:db8:1::1/64", "fd00:1::1/64", "10.1.0.1/24", "10.2.0.1/24"].map((text) =>
    InterfaceAddress.parse(text),
  ),
  hairpin: false,
  isolated: false,
  adopt: false,
  probe,
};

export const macvlan: MacvlanMode = { kind: "macvlan", master: "uplink", macvlanMode: "bridge", probe };

interface Stack {
  readonly name: string;
  readonly families: readonly Family[];
  /** Addresses of pod number n, 2 and more. */
  readonly addresses: (pod: number) => readonly PodAddress[];
}

const v6 = (pod: number) => lease(`2001:db8:1::${pod.toString(16)}/64`, "2001:db8:1::1");
const v4 = (pod: number) => lease(`10.1.0.${pod}/24`, "10.1.0.1");

export const stacks: readonly Stack[] = [
  { name: "IPv6 only", families: ["v6"], addresses: (pod) => [v6(pod)] },
  { name: "IPv4 only", families: ["v4"], addresses: (pod) => [v4(pod)] },
  { name: "dual-stack", families: ["v6", "v4"], addresses: (pod) => [v6(pod), v4(pod)] },
];

export const severalOfEach: Stack = {
  name: "two addresses of each family",
  families: ["v6", "v4"],
  addresses: (pod) => [
    v6(pod),
    lease(`fd00:1::${pod.toString(16)}/64`, "fd00:1::1"),
    v4(pod),
    lease(`10.2.0.${pod}/24`, "10.2.0.1"),
  ],
};

/** The network of pod number n. */
export function sample(
  pod: number,
  { addresses }: Pick<Stack, "addresses">,
  input: Partial<PodNetworkInput> & { readonly mode: Mode },
): PodNetwork {
  const attachment = { network: "pods", containerId: `c${pod}`, interfaceName: "eth0" };
  return podNetwork({ attachment, addresses: addresses(pod), ...input });
}

export function lease(address: string, gateway?: string): PodAddress {
  return {
    address: InterfaceAddress.parse(address),
    ...(gateway === undefined ? {} : { gateway: Address.parse(gateway) }),
  };
}
