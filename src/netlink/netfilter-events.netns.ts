import { test as base, describe, expect } from "vitest";
import { fresh, TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "./connection.ts";
import { openSocket } from "./native.ts";
import { getGeneration, type TablesChange, watchTables } from "./netfilter-events.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });

function watching(node: TestNamespace, receiveBufferBytes?: number) {
  const socket = openSocket("netfilter", {
    namespace: node,
    ...(receiveBufferBytes === undefined ? {} : { receiveBufferBytes }),
  });
  const changes: (TablesChange | undefined)[] = [];
  watchTables(socket, { onChange: (change) => changes.push(change), onError: (error) => expect.fail(error.message) });
  return { socket, changes };
}

function generationOf(node: TestNamespace): number {
  using connection = new Connection(openSocket("netfilter", { namespace: node }));
  return connection.get(getGeneration());
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("a change of tables", () => {
  test("is told once for each transaction, with the process that made it", async ({ node }) => {
    const { socket, changes } = watching(node);
    using _ = socket;
    const before = generationOf(node);
    node.run("nft", "add table inet t; add chain inet t c");
    const after = generationOf(node);
    node.run("nft", "add rule inet t c accept");
    await until(() => changes.length === 2);
    expect(after).toBe(before + 1);
    expect(changes).toMatchObject([
      { generation: after, processName: "nft" },
      { generation: after + 1, processName: "nft" },
    ]);
    // Which number a process has outside of a PID namespace cannot be known inside.
    expect(changes[0]?.processId).not.toBe(changes[1]?.processId);
  });

  test.for([
    ["iptables", "iptables"],
    ["ip6tables", "ip6tables"],
  ])("by %s is told", async ([program = ""], { node }) => {
    const { socket, changes } = watching(node);
    using _ = socket;
    node.run(program, "-A", "INPUT", "-j", "ACCEPT");
    await until(() => changes.length > 0);
    expect(changes[0]?.processName).toBe(program);
  });

  test("of another namespace is not told", async ({ node }) => {
    const { socket, changes } = watching(node);
    using _ = socket;
    using other = TestNamespace.create();
    other.run("nft", "add table inet t");
    node.run("ip6tables", "-A", "INPUT", "-j", "ACCEPT");
    await until(() => changes.length > 0);
    expect(changes[0]?.processName).toBe("ip6tables");
  });

  test("that is too large to be kept is told all the same", async ({ node }) => {
    const { socket, changes } = watching(node, 4096);
    using _ = socket;
    const rules = Array.from({ length: 300 }, () => "add rule inet t c accept").join("; ");
    node.run("nft", `add table inet t; add chain inet t c; ${rules}`);
    await until(() => changes.includes(undefined));
    node.run("nft", "add table inet small");
    await until(() => changes.at(-1) !== undefined);
    expect(changes.at(-1)?.generation).toBe(generationOf(node));
  });
});
