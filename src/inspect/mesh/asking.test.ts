import { describe, expect, test } from "vitest";
import { Address, type Family } from "../../ip/address.ts";
import type { Answered } from "../../netlink/echo-socket.ts";
import { KernelError } from "../../netlink/kernel-error.ts";
import type { LoopClock } from "../../reconcile/loop.ts";
import { type Asking, askAll } from "./asking.ts";
import type { Question } from "./questions.ts";

const columns: readonly (readonly [string, readonly Family[]])[] = [
  ["v4", ["v4"]],
  ["v6", ["v6"]],
  ["dual", ["v6", "v4"]],
];
const written = {
  v6: ["2001:db8::2", "fd00:2::", "2001:db8::99"],
  v4: ["192.0.2.2", "10.2.0.0", "192.0.2.99"],
} as const;

/** What the network makes of one packet: who says what, how long it takes; nothing where it is lost. */
type Fate = { readonly kind: "reply" | "refusal"; readonly from: string; readonly afterMs: number } | undefined;

/** Time goes on by sleeping and by nothing else. */
function network(fateOf: (to: string, packet: number) => Fate) {
  let nowMs = 0;
  const due: { atMs: number; deliver: () => void }[] = [];
  const asked = new Map<string, number>();
  const open = new Set<string>();
  const clock: LoopClock = {
    now: () => nowMs,
    sleep: async (ms, signal) => {
      const endMs = nowMs + ms;
      for (;;) {
        if (signal.aborted) return;
        const next = due.toSorted((one, other) => one.atMs - other.atMs)[0];
        if (next === undefined || next.atMs > endMs) break;
        due.splice(due.indexOf(next), 1);
        nowMs = Math.max(nowMs, next.atMs);
        next.deliver();
      }
      nowMs = endMs;
    },
  };
  const asking: Asking = {
    clock,
    open: (family, onAnswer: (answer: Answered) => void) => {
      open.add(family);
      return {
        ask: (to, mark) => {
          const packet = asked.get(`${to}`) ?? 0;
          asked.set(`${to}`, packet + 1);
          const fate = fateOf(`${to}`, packet);
          if (fate === undefined) return;
          const { kind, from, afterMs } = fate;
          const answer = { mark, from: Address.parse(from), ...(kind === "reply" ? { kind } : { kind, code: 0 }) };
          due.push({ atMs: nowMs + afterMs, deliver: () => onAnswer(answer) });
        },
        [Symbol.dispose]: () => open.delete(family),
      };
    },
  };
  return { asking, asked, open, now: () => nowMs };
}

function questionsOf(families: readonly Family[]): readonly Question[] {
  return families.flatMap((family): Question[] => {
    const [node, prefix] = written[family].map(Address.parse);
    if (node === undefined || prefix === undefined) return [];
    const to = { from: "node", node: "beta", family } as const;
    return [
      { ...to, kind: "node", to: "node beta", address: node, refusers: [] },
      { ...to, kind: "prefix", to: "pods of beta", address: prefix, refusers: [node] },
    ];
  });
}

describe.for(columns)("%s", ([, families]) => {
  const nodeOf = (to: string) =>
    families.some((family) => written[family][1] === to) ? written[to.includes(":") ? "v6" : "v4"][0] : to;

  test("tells the fastest of three, takes a node's refusal for an answer of its prefix, and waits no longer than for the last", async () => {
    const { asking, asked, open, now } = network((to, packet) => {
      const kind = nodeOf(to) === to ? "reply" : "refusal";
      return { kind, from: nodeOf(to), afterMs: [7, 3, 5][packet] ?? 0 };
    });
    const answers = await askAll(questionsOf(families), asking);
    expect(answers.map(({ kind, roundTripMs, lostPercent }) => `${kind} ${roundTripMs} ${lostPercent}`)).toEqual(
      families.flatMap(() => ["node 3 0", "prefix 7 0"]),
    );
    expect([...asked.values()]).toEqual(families.flatMap(() => [3, 1]));
    expect(answers).toHaveLength(2 * families.length);
    expect(answers.some((answer) => "refusers" in answer)).toBe(false);
    expect(open.size).toBe(0);
    expect(now()).toBe(305);
  });

  test("counts what is lost, and takes nobody else's refusal", async () => {
    const { asking } = network((to, packet) => {
      if (nodeOf(to) === to) return packet === 1 ? { kind: "reply", from: to, afterMs: 1 } : undefined;
      return { kind: "refusal", from: written[to.includes(":") ? "v6" : "v4"][2], afterMs: 1 };
    });
    const answers = await askAll(questionsOf(families), asking);
    expect(answers.map(({ kind, reached, lostPercent, why }) => [kind, reached, lostPercent, why])).toEqual(
      families.flatMap((family) => [
        ["node", true, 67, undefined],
        ["prefix", false, 100, `${written[family][2]} says that nothing is there`],
      ]),
    );
  });
});

test("what cannot be sent is not reached, and answers to others and copies are passed over", async () => {
  const [question] = questionsOf(["v6"]);
  if (question === undefined) throw new Error("No question");
  const { asking } = network(() => undefined);
  const refusing: Asking = {
    ...asking,
    open: (_, onAnswer) => ({
      ask: (_to, { number }) => {
        onAnswer({ kind: "reply", from: question.address, mark: { token: new Uint8Array(8), number } });
        throw new KernelError({ operation: "ask 2001:db8::2", errno: 101 });
      },
      [Symbol.dispose]: () => {},
    }),
  };
  expect(await askAll([question], refusing)).toMatchObject([
    { reached: false, lostPercent: 100, why: "Cannot ask 2001:db8::2: Network is unreachable" },
  ]);
  const twice: Asking = {
    ...asking,
    open: (_, onAnswer) => ({
      ask: (from, mark) => {
        if (mark.number > 0) return;
        onAnswer({ kind: "reply", from, mark });
        onAnswer({ kind: "reply", from, mark });
      },
      [Symbol.dispose]: () => {},
    }),
  };
  expect(await askAll([question], twice)).toMatchObject([{ reached: true, lostPercent: 67 }]);
});

test("waits no longer for who is told to end", async () => {
  const { asking, now } = network(() => undefined);
  const ended = AbortSignal.abort();
  const answers = await askAll(questionsOf(["v6"]), { ...asking, signal: ended });
  expect([answers.map(({ reached }) => reached), now()]).toEqual([[false, false], 0]);
});

test("asks nobody where there is no question", async () => {
  const { asking, asked } = network(() => undefined);
  expect(await askAll([], asking)).toEqual([]);
  expect(asked.size).toBe(0);
});
