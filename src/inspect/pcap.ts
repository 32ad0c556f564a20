// Frames as a file that tcpdump and Wireshark read: the format of libpcap, in microseconds and little-endian. Pure.
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html

const magic = 0xa1b2c3d4;
const version = { major: 2, minor: 4 } as const;
const ethernet = 1;

/** What stands before all packets. */
export function pcapHeader(snapLength: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(24));
  view.setUint32(0, magic, true);
  view.setUint16(4, version.major, true);
  view.setUint16(6, version.minor, true);
  view.setUint32(16, snapLength, true);
  view.setUint32(20, ethernet, true);
  return new Uint8Array(view.buffer);
}

/** One packet, cut off after `snapLength` bytes. */
export function pcapPacket(frame: Uint8Array, timeMs: number, snapLength: number): Uint8Array {
  const kept = frame.subarray(0, snapLength);
  const packet = new Uint8Array(16 + kept.length);
  const view = new DataView(packet.buffer);
  const microseconds = Math.floor(timeMs * 1000);
  view.setUint32(0, Math.floor(microseconds / 1_000_000), true);
  view.setUint32(4, microseconds % 1_000_000, true);
  view.setUint32(8, kept.length, true);
  view.setUint32(12, frame.length, true);
  packet.set(kept, 16);
  return packet;
}
