// What Hextet relies on of a kernel, as cases that Linux and the fake kernel must both pass.
import { addressLifeContract } from "./address-life.ts";
import { addressContract } from "./addresses.ts";
import { connectionContract } from "./connections.ts";
import { forwardingContract } from "./forwardings.ts";
import { linkContract } from "./links.ts";
import { neighborContract } from "./neighbors.ts";
import { otherKindsContract } from "./other-kinds.ts";
import { restContract } from "./rest.ts";
import { routeLifeContract } from "./route-life.ts";
import { routeContract } from "./routes.ts";
import type { OpenWorld } from "./world.ts";

export function contract(open: OpenWorld): void {
  linkContract(open);
  otherKindsContract(open);
  addressContract(open);
  addressLifeContract(open);
  routeContract(open);
  routeLifeContract(open);
  neighborContract(open);
  forwardingContract(open);
  connectionContract(open);
  restContract(open);
}
