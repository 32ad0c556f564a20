// Addresses for the contract tests: one of each family on the node's end of the pair, and what is seen there.
import type { InterfaceAddress } from "../../ip/prefix.ts";
import { addAddress, type LinkAddress, listAddresses } from "../../netlink/address.ts";
import { describeRoute, listRoutes } from "../../netlink/route.ts";
import { nodeEnd, v4, v6, type World } from "./world.ts";

export const own = { v4: v4.node, v6: v6.node };
export const families = ["v6", "v4"] as const;
export const link = nodeEnd;

export function add(world: World, ...addresses: readonly InterfaceAddress[]): void {
  world.node.execute(addresses.map((address) => addAddress({ link, address, noDad: true })));
}

export function held({ node }: World): LinkAddress[] {
  return node.dump(listAddresses({ link }));
}

/** Routes of the main table over the node's end, as text; the kernel's own only if it is not said otherwise. */
export function routes({ node }: World, protocol = 2): string[] {
  return node
    .dump(listRoutes({ table: 254, protocol, link }))
    .map(describeRoute)
    .sort();
}
