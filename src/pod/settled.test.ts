import { expect, test } from "vitest";
import { InterfaceAddress } from "../ip/prefix.ts";
import { addAddress } from "../netlink/address.ts";
import { Connection } from "../netlink/connection.ts";
import { getLink } from "../netlink/link.ts";
import { fakeNode } from "./fake-node.ts";
import { settled } from "./settled.ts";

const [own, absent] = ["fd00::1/64", "fd00::9/64"].map((text) => InterfaceAddress.parse(text));

async function waitsFor(address: InterfaceAddress | undefined): Promise<{ waits: number[]; failure: unknown }> {
  const kernel = fakeNode();
  using node = new Connection(kernel.socket("route"));
  const link = node.get(getLink({ name: "uplink" }));
  if (own === undefined || address === undefined) throw new RangeError("There are two addresses");
  node.execute([addAddress({ link: link.index, address: own, noDad: true })]);
  const waits: number[] = [];
  const wait = async (ms: number) => {
    waits.push(ms);
  };
  const failure = await settled({ wait }, node, link, [address]).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { waits, failure };
}

test("an address the kernel delivers to is not waited for", async () => {
  expect(await waitsFor(own)).toEqual({ waits: [], failure: undefined });
});

test("one it does not is looked for five times at once, then ever more rarely, and given up after 5 seconds", async () => {
  const { waits, failure } = await waitsFor(absent);
  expect(waits.slice(0, 8)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  expect(waits.at(-1)).toBe(50);
  expect(failure).toMatchObject({ message: expect.stringContaining("Cannot use fd00::9/64: the kernel has not") });
});
