// What ADD answers, as values of the newest specification version (1.1.0). result-json.ts prints it in the version the
// configuration asks for, and reads a prevResult of any version into it. `others` is what a prevResult held beyond the
// fields of its version; it is printed as it came, so that a chain of plugins loses nothing.
import type { Address } from "../ip/address.ts";
import type { ConfiguredRoute } from "../ip/configured-route.ts";
import type { Mac } from "../ip/mac.ts";
import type { InterfaceAddress } from "../ip/prefix.ts";

export type Others = Readonly<Record<string, unknown>>;

export interface Result {
  readonly interfaces: readonly ResultInterface[];
  readonly ips: readonly ResultAddress[];
  readonly routes: readonly ResultRoute[];
  readonly dns?: Dns;
  readonly others?: Others;
}

export interface ResultInterface {
  readonly name: string;
  readonly mac?: Mac;
  readonly mtu?: number;
  /** The network namespace's path; absent for an interface of the host. */
  readonly sandbox?: string;
  readonly socketPath?: string;
  readonly pciId?: string;
  readonly others?: Others;
}

export interface ResultAddress {
  readonly address: InterfaceAddress;
  readonly gateway?: Address;
  /** Index into `interfaces`; absent in the answer of an IPAM plugin. */
  readonly interface?: number;
  readonly others?: Others;
}

export interface ResultRoute extends ConfiguredRoute {
  readonly others?: Others;
}

export interface Dns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
  readonly others?: Others;
}
