// The alias of a link as the mark of whose it is: `hextet <network>/<containerId>/<interface>`. With it the kernel is the second
// copy of the leases: it is written when the link is made and gone when the link is (man 8 ip-link, IFLA_IFALIAS).
import { ConfigError } from "../config/config-error.ts";
import type { Attachment } from "../ipam/attachment.ts";

/** IFALIASZ of include/uapi/linux/if.h, less the zero byte at the end. */
const ALIAS_LIMIT = 255;
const MARK = "hextet ";
const LIMIT_MARK = "hextet-limit ";

/** Marks a bridge that Hextet made. It carries pods of any network, so it names none. */
export const bridgeAlias = "hextet bridge";

export function aliasOf(attachment: Attachment): string {
  return written(MARK, attachment);
}

/** Of the link that limits what a pod sends. Another mark, because it is not the pod's own link. */
export function limitAliasOf(attachment: Attachment): string {
  return written(LIMIT_MARK, attachment);
}

function written(mark: string, { network, containerId, interfaceName }: Attachment): string {
  const alias = `${mark}${network}/${containerId}/${interfaceName}`;
  const excess = Buffer.byteLength(alias) - ALIAS_LIMIT;
  if (excess > 0) throw tooLong(network, containerId, excess);
  return alias;
}

function tooLong(network: string, containerId: string, excess: number): ConfigError {
  const why = `makes the link alias ${excess} bytes longer than the ${ALIAS_LIMIT} the kernel keeps`;
  const length = Buffer.byteLength(network) - excess;
  if (length > 0)
    return new ConfigError("name", `${JSON.stringify(network)} ${why}; shorten the network's name to ${length} bytes`);
  const most = containerId.length - excess;
  const fix =
    most > 0
      ? `give the container an id of at most ${most} bytes`
      : "give the network a shorter name, and the container a shorter id";
  return new ConfigError("CNI_CONTAINERID", `an id of ${containerId.length} bytes ${why}; ${fix}`);
}

/** Whose link it is; absent for aliases that are not ours. */
export function parseAlias(alias: string | undefined): Attachment | undefined {
  return readAfter(MARK, alias);
}

export function parseLimitAlias(alias: string | undefined): Attachment | undefined {
  return readAfter(LIMIT_MARK, alias);
}

function readAfter(mark: string, alias: string | undefined): Attachment | undefined {
  if (alias === undefined || !alias.startsWith(mark)) return undefined;
  const [network, containerId, interfaceName, ...more] = alias.slice(mark.length).split("/");
  if (!network || !containerId || !interfaceName || more.length > 0) return undefined;
  return { network, containerId, interfaceName };
}
