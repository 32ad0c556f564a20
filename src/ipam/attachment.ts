// Who holds a lease: one interface of one container in one network. This triple is the key of everything Hextet keeps,
// in the database and in the kernel.

export interface Attachment {
  readonly network: string;
  readonly containerId: string;
  readonly interfaceName: string;
}

export function sameAttachment(one: Attachment, other: Attachment): boolean {
  return (
    one.network === other.network && one.containerId === other.containerId && one.interfaceName === other.interfaceName
  );
}
