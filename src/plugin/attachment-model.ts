// What a node must have and may answer, as a slow and plain model: who is attached, which addresses each holds, and which may be given next.
// It takes the steps that are taken of the real thing, told what came of them. Only tests import it. Pure.

/** Whose calls they are: one interface of one container in one network. */
export interface ModelAttachment {
  readonly network: string;
  readonly containerId: string;
  readonly interfaceName: string;
}

/** What a network gives each attachment: an address of each family it has. */
export interface ModelNetwork {
  readonly name: string;
  /** Every address that can be leased: few, so that they are used up. */
  readonly v4?: readonly string[];
  /** The beginning of each address: of these there is no end. */
  readonly v6?: string;
}

/** `unsettled`: a call was killed in the middle; what is there is known by looking, and the next call puts it right. */
export type Standing = "absent" | "present" | "unsettled";

interface Holding {
  readonly standing: Standing;
  readonly addresses: readonly string[];
}

const nothing: Holding = { standing: "absent", addresses: [] };

export class AttachmentModel {
  readonly #networks: ReadonlyMap<string, ModelNetwork>;
  readonly #holdings = new Map<string, Holding>();
  /** When each address was released, in steps. */
  readonly #releasedAt = new Map<string, number>();
  readonly #everGiven = new Set<string>();
  #step = 0;
  /** None was made yet. */
  #isDatabaseLost = true;
  #isDatabaseOfThisBoot = false;

  constructor(networks: readonly ModelNetwork[]) {
    this.#networks = new Map(networks.map((network) => [network.name, network]));
  }

  /** What is released from here on, up to the next step, is released at the same time. */
  begin(): void {
    this.#step++;
  }

  standingOf(attachment: ModelAttachment): Standing {
    return this.#holdingOf(attachment).standing;
  }

  addressesOf(attachment: ModelAttachment): readonly string[] {
    return this.#holdingOf(attachment).addresses;
  }

  /** All of a standing, as `network/container/interface`. */
  keysOf(standing: Standing): readonly string[] {
    return [...this.#holdings].filter(([, holding]) => holding.standing === standing).map(([key]) => key);
  }

  /** Addresses of all of a standing. */
  addressesOfAll(standing: Standing): readonly string[] {
    return this.keysOf(standing).flatMap((key) => this.#holdings.get(key)?.addresses ?? []);
  }

  /** By which code ADD is to be refused; undefined where it is to succeed. */
  refusalOf(attachment: ModelAttachment, requested?: string): number | undefined {
    if (this.standingOf(attachment) === "present") return 103;
    const others = this.#heldByOthers(attachment);
    if (requested !== undefined && others.has(requested)) return 101;
    const isAsked = requested !== undefined && !requested.includes(":");
    const { v4 } = this.#networkOf(attachment);
    return v4 !== undefined && !isAsked && v4.every((each) => others.has(each)) ? 102 : undefined;
  }

  /** Whether another pod of this network would get its addresses. */
  hasRoom(network: string): boolean {
    const { v4 } = this.#networkOf({ network });
    const held = new Set([...this.#holdings.values()].flatMap(({ addresses }) => addresses));
    return v4 === undefined || v4.some((each) => !held.has(each));
  }

  /** Takes note of what was given, and says what is wrong with it. */
  give(
    attachment: ModelAttachment,
    given: readonly string[],
    standing: Standing,
    requested?: string,
  ): readonly string[] {
    if (this.standingOf(attachment) === "unsettled") this.release([attachment]);
    const complaints = this.#complaintsOn(attachment, given, requested);
    for (const address of given) this.#everGiven.add(address);
    this.#holdings.set(keyOf(attachment), { standing, addresses: given });
    return complaints;
  }

  /** All at the same moment. */
  release(attachments: readonly ModelAttachment[]): void {
    for (const attachment of attachments) {
      for (const address of this.addressesOf(attachment)) this.#releasedAt.set(address, this.#step);
      this.#holdings.delete(keyOf(attachment));
    }
  }

  /** These were given by a call that failed, and taken back. */
  takeBack(addresses: readonly string[]): void {
    for (const address of addresses) {
      this.#everGiven.add(address);
      this.#releasedAt.set(address, this.#step);
    }
  }

  /** A call was killed that could have changed it; this is what it holds now. */
  unsettle(attachment: ModelAttachment, held: readonly string[]): readonly string[] {
    const before = this.addressesOf(attachment);
    const fresh = held.filter((each) => !before.includes(each));
    if (fresh.length > 0) return this.give(attachment, held, "unsettled");
    for (const address of before) if (!held.includes(address)) this.#releasedAt.set(address, this.#step);
    this.#holdings.set(keyOf(attachment), { standing: "unsettled", addresses: held });
    return [];
  }

  /** GC with a list of what is still valid. */
  keep(network: string, valid: readonly ModelAttachment[]): void {
    const kept = new Set(valid.map(keyOf));
    const ended = [...this.#holdings.keys()].filter((key) => key.startsWith(`${network}/`) && !kept.has(key));
    this.release(ended.map(attachmentOf));
  }

  /** Everything but the disk begins anew. */
  reboot(): void {
    this.release([...this.#holdings.keys()].map(attachmentOf));
    this.#isDatabaseOfThisBoot = false;
    // With the database gone as well, nothing is left that knows what was given, or when.
    if (!this.#isDatabaseLost) return;
    this.#everGiven.clear();
    this.#releasedAt.clear();
  }

  /** Who runs is known by the kernel; cool-downs are known no more. */
  loseDatabase(): void {
    this.#releasedAt.clear();
    this.#isDatabaseLost = true;
  }

  /** Whoever was called has made the database anew, if it had to. */
  openDatabase(): void {
    this.#isDatabaseLost = false;
    this.#isDatabaseOfThisBoot = true;
  }

  /** Whether the database says what is held: until somebody opens it, it is not there, or that of an earlier boot. */
  get isDatabaseOpened(): boolean {
    return !this.#isDatabaseLost && this.#isDatabaseOfThisBoot;
  }

  #complaintsOn(attachment: ModelAttachment, given: readonly string[], requested?: string): readonly string[] {
    const { v4, v6 } = this.#networkOf(attachment);
    const [given4, given6] = [given.filter((each) => !each.includes(":")), given.filter((each) => each.includes(":"))];
    const complaints: string[] = [];
    if (given4.length !== (v4 === undefined ? 0 : 1) || given6.length !== (v6 === undefined ? 0 : 1))
      complaints.push(`it was given ${given.join(", ") || "nothing"}`);
    if (requested !== undefined && !given.includes(requested)) complaints.push(`${requested} was asked for`);
    for (const address of given.filter((each) => each !== requested)) {
      const isOut = address.includes(":") ? !address.startsWith(v6 ?? "-") : !v4?.includes(address);
      if (isOut) complaints.push(`${address} is of no range`);
      if (address.includes(":") && this.#everGiven.has(address)) complaints.push(`${address} was given before`);
      if (!address.includes(":")) complaints.push(...this.#complaintOnTurn(attachment, address, v4 ?? []));
    }
    const others = this.#heldByOthers(attachment);
    return [...complaints, ...given.filter((each) => others.has(each)).map((each) => `${each} is another's`)];
  }

  /** The one released longest ago, and before it those that were never given. */
  #complaintOnTurn(attachment: ModelAttachment, address: string, range: readonly string[]): readonly string[] {
    const others = this.#heldByOthers(attachment);
    const at = (each: string) => this.#releasedAt.get(each) ?? 0;
    const soonest = Math.min(...range.filter((each) => !others.has(each)).map(at));
    return at(address) === soonest ? [] : [`${address} was released at step ${at(address)}, another at ${soonest}`];
  }

  #heldByOthers(attachment: ModelAttachment): ReadonlySet<string> {
    const own = keyOf(attachment);
    return new Set([...this.#holdings].flatMap(([key, { addresses }]) => (key === own ? [] : addresses)));
  }

  #holdingOf(attachment: ModelAttachment): Holding {
    return this.#holdings.get(keyOf(attachment)) ?? nothing;
  }

  #networkOf({ network }: Pick<ModelAttachment, "network">): ModelNetwork {
    const found = this.#networks.get(network);
    if (found === undefined) throw new Error(`The model knows no network ${network}`);
    return found;
  }
}

export function keyOf({ network, containerId, interfaceName }: ModelAttachment): string {
  return `${network}/${containerId}/${interfaceName}`;
}

function attachmentOf(key: string): ModelAttachment {
  const [network = "", containerId = "", interfaceName = ""] = key.split("/");
  return { network, containerId, interfaceName };
}
