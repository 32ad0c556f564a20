// Addresses from another IPAM plugin (`ipam.type`), executed by the rules of the specification: same environment, same
// configuration. What it answers is used as it is; whether an address is free is its own affair.
import { CniError } from "../cni/cni-error.ts";
import type { Delegates } from "../cni/delegate.ts";
import type { Received } from "../cni/request.ts";
import type { Result } from "../cni/result.ts";
import type { Addressing, Assigned } from "./addressing.ts";

export function delegateAddressing(type: string, delegates: Delegates, received: Received): Addressing {
  return {
    slaac: false,
    held: () => "nothing",
    acquire: async () => {
      const answer = await delegates.add(type, received);
      if (answer.ips.length > 0) return assignedBy(answer);
      await delegates.del(type, received);
      throw new CniError("delegateFailed", `IPAM plugin ${type} gave no address`, {
        details: "Give it a range, or leave ipam.type out to lease from Hextet's own",
      });
    },
    replace: async (inUse) => {
      throw new CniError("addressInUse", `${inUse}, which ${type} gave, is in use on the link by somebody else`, {
        details: `Take it out of the ranges of ${type}`,
      });
    },
    confirm: () => {},
    isOurs: () => true,
    check: () => delegates.check(type, received),
  };
}

function assignedBy({ ips, routes, dns }: Result): Assigned {
  const addresses = ips.map(({ address, gateway }) => ({ address, ...(gateway === undefined ? {} : { gateway }) }));
  return { addresses, ...(routes.length === 0 ? {} : { routes }), ...(dns === undefined ? {} : { dns }) };
}
