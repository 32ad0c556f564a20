// The rows of the table `host_port` as values, and the few statements on them. Each change is counted, so that whoever comes after
// a process that died between the database and the packet filter knows that the filter is behind.
import { InterfaceAddress } from "../../ip/prefix.ts";
import type { Attachment } from "../attachment.ts";
import {
  describePort,
  type HeldPort,
  type HostPort,
  type PortProtocol,
  type PortRequest,
  portProtocols,
} from "../host-port.ts";
import { LeaseError } from "../lease-error.ts";
import type { Database, Row } from "./database.ts";
import { address, attachmentIn, number, numberOf, podIn, text } from "./lease-rows.ts";
import { setSetting } from "./settings.ts";
import { DamagedStore } from "./store-fault.ts";

/** In the column of the node's address: any of the family. */
const anyAddress = new Uint8Array(0);

/** Takes ports nobody holds; throws a LeaseError that names who does. */
export function insertPorts(database: Database, request: PortRequest, bootId: string): void {
  for (const port of request.ports) {
    const other = holderOf(database, port);
    if (other !== undefined) throw taken(request, port, other);
    insertPort(database, request, { port, bootId });
  }
  if (request.ports.length > 0) countChange(database);
}

/** All of a family's addresses are in the way of each, and each of all. */
function holderOf(database: Database, { target, protocol, port, hostAddress }: HostPort): HeldPort | undefined {
  const wanted = hostAddress?.bytes() ?? anyAddress;
  const row = database.get(
    `SELECT * FROM host_port WHERE family = ? AND protocol = ? AND port = ?
       AND (host_address = ? OR length(host_address) = 0 OR length(?) = 0) LIMIT 1`,
    numberOf(target.family),
    protocol,
    port,
    wanted,
    wanted,
  );
  return row === undefined ? undefined : readPort(row);
}

interface NewPort {
  readonly port: HostPort;
  readonly bootId: string;
}

function insertPort(database: Database, { attachment, pod }: PortRequest, { port, bootId }: NewPort): void {
  const { protocol, hostAddress, target, targetPort } = port;
  database.run(
    `INSERT INTO host_port (family, protocol, port, host_address, target, target_length, target_port,
       network, container_id, interface, pod_namespace, pod_name, boot_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    numberOf(target.family),
    protocol,
    port.port,
    hostAddress?.bytes() ?? anyAddress,
    target.address.bytes(),
    target.length,
    targetPort,
    attachment.network,
    attachment.containerId,
    attachment.interfaceName,
    pod?.namespace ?? null,
    pod?.name ?? null,
    bootId,
  );
}

export function portsOf(database: Database, { network, containerId, interfaceName }: Attachment): readonly HeldPort[] {
  const sql =
    "SELECT * FROM host_port INDEXED BY host_port_of_holder WHERE network = ? AND container_id = ? AND interface = ?";
  return database.all(sql, network, containerId, interfaceName).map(readPort);
}

/** What the attachment held. */
export function deletePorts(database: Database, attachment: Attachment): readonly HeldPort[] {
  const { network, containerId, interfaceName } = attachment;
  const rows = database.all(
    `DELETE FROM host_port INDEXED BY host_port_of_holder
     WHERE network = ? AND container_id = ? AND interface = ? RETURNING *`,
    network,
    containerId,
    interfaceName,
  );
  if (rows.length > 0) countChange(database);
  return rows.map(readPort);
}

/** In an order of their own, so that the same ports always make the same rules. */
export function allPorts(database: Database): readonly HeldPort[] {
  return database.all("SELECT * FROM host_port ORDER BY family, protocol, port, host_address").map(readPort);
}

export function portHoldersIn(database: Database, network: string): readonly Attachment[] {
  const rows = database.all("SELECT DISTINCT container_id, interface FROM host_port WHERE network = ?", network);
  return rows.map((row) => attachmentIn(row, network));
}

/** Ports of an earlier boot end, but those of attachments that the kernel showed to live on. */
export function endEarlierPorts(database: Database, bootId: string): void {
  const isAlive = `EXISTS (SELECT 1 FROM lease WHERE lease.network = host_port.network
    AND lease.container_id = host_port.container_id AND lease.interface = host_port.interface AND lease.released_at IS NULL)`;
  database.run(`DELETE FROM host_port WHERE boot_id <> ? AND NOT ${isAlive}`, bootId);
  database.run("UPDATE host_port SET boot_id = ? WHERE boot_id <> ?", bootId, bootId);
  setSetting(database, "ports_filter", "");
}

/** How often ports were changed, and up to which of these changes the packet filter was told. */
export function changesOf(database: Database): { readonly made: number; readonly applied: number } {
  const rows = database.all("SELECT name, value FROM setting WHERE name IN ('ports_changed', 'ports_applied')");
  const valueOf = (wanted: string) => Number(rows.find(({ name }) => name === wanted)?.["value"] ?? 0);
  return { made: valueOf("ports_changed"), applied: valueOf("ports_applied") };
}

export function isBehind(database: Database): boolean {
  const { made, applied } = changesOf(database);
  return made !== applied;
}

export function filterIn(database: Database): string | undefined {
  const row = database.get("SELECT value FROM setting WHERE name = 'ports_filter' AND value <> ''");
  return row === undefined ? undefined : text(row, "value");
}

export function setApplied(database: Database, change: number, filter: string): void {
  setSetting(database, "ports_applied", change);
  if (filterIn(database) !== filter) setSetting(database, "ports_filter", filter);
}

function countChange(database: Database): void {
  setSetting(database, "ports_changed", changesOf(database).made + 1);
}

export function readPort(row: Row): HeldPort {
  const pod = podIn(row);
  const hostAddress = row["host_address"];
  const isAny = hostAddress instanceof Uint8Array && hostAddress.length === 0;
  return {
    attachment: attachmentIn(row),
    ...(pod === undefined ? {} : { pod }),
    protocol: protocolIn(row),
    port: number(row, "port"),
    ...(isAny ? {} : { hostAddress: address(row, "host_address") }),
    target: new InterfaceAddress(address(row, "target"), number(row, "target_length")),
    targetPort: number(row, "target_port"),
  };
}

function protocolIn(row: Row): PortProtocol {
  const found = portProtocols.find((each) => each === row["protocol"]);
  if (found === undefined) throw new DamagedStore("column protocol holds no protocol");
  return found;
}

function taken({ attachment }: PortRequest, wanted: HostPort, other: HeldPort): LeaseError {
  const { containerId, interfaceName, network } = other.attachment;
  const pod = other.pod === undefined ? "" : `pod ${other.pod.namespace}/${other.pod.name}, `;
  return new LeaseError(
    "portTaken",
    `Cannot map port ${describePort(wanted)} of the node to container ${attachment.containerId}: ` +
      `${describePort(other)} leads to ${pod}container ${containerId} (${interfaceName}, network ${network})`,
    { details: "Choose another hostPort or hostIP, or remove that one" },
  );
}
