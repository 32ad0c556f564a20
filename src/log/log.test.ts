import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { createLog, type Level, levels, silent } from "./log.ts";

const now = () => new Date(0);

function collect(level: Level = "debug"): { lines: string[]; log: ReturnType<typeof createLog> } {
  const lines: string[] = [];
  return { lines, log: createLog({ level, now, write: (line) => lines.push(line) }) };
}

describe("createLog()", () => {
  test("writes one JSON object per line: time, level, message, fields", () => {
    const { lines, log } = collect();
    log.info("address leased", { address: Address.parse("fd00::2"), count: 3n });
    expect(lines).toEqual([
      '{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"address leased","address":"fd00::2","count":"3"}\n',
    ]);
  });

  test.for(levels)("at level %s leaves out what is below", (level) => {
    const { lines, log } = collect(level);
    for (const each of levels) log[each](each);
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(levels.slice(levels.indexOf(level)));
  });

  test("starts at info", () => {
    const lines: string[] = [];
    const log = createLog({ now, write: (line) => lines.push(line) });
    log.debug("a decision");
    log.info("a change");
    expect(lines).toHaveLength(1);
  });

  test("keeps the fields of with() in every line, also two deep, and the parent without them", () => {
    const { lines, log } = collect();
    const pod = log.with({ pod: "web-0" });
    pod.with({ container: "c1" }).info("attached", { pod: "web-1" });
    pod.info("detached");
    log.info("done");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { pod: "web-1", container: "c1" },
      { pod: "web-0" },
      { message: "done" },
    ]);
    expect(lines[2]).not.toContain("web");
  });

  test("keeps time, level and message where a field has their name", () => {
    const { lines, log } = collect();
    log.info("kept", { message: "lost", level: "lost", time: "lost" });
    expect(lines[0]).toBe('{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"kept"}\n');
  });

  test("prints an error with its name, message, own fields and cause, without its stack", () => {
    const { lines, log } = collect();
    log.error("failed", { error: Object.assign(new TypeError("outer", { cause: new Error("inner") }), { code: "E" }) });
    expect(JSON.parse(lines[0] ?? "").error).toEqual({
      name: "TypeError",
      message: "outer",
      code: "E",
      cause: { name: "Error", message: "inner" },
    });
  });

  test("writes a message with a line break in one line", () => {
    const { lines, log } = collect();
    log.info("a\nb", { text: "c\nd\u2028" });
    expect(lines.join("").split("\n")).toHaveLength(2);
  });

  test("loses the fields, not the line, where they refer to themselves", () => {
    const { lines, log } = collect();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    log.warning("odd", { circle });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      message: "odd",
      fieldsLost: expect.stringContaining("circular"),
    });
  });

  test("does not throw where standard error is closed", () => {
    const log = createLog({
      write: () => {
        throw new Error("EPIPE");
      },
    });
    expect(() => log.error("unheard")).not.toThrow();
  });

  test("does not throw where the clock or a toJSON does", () => {
    const { log } = collect();
    const field = {
      toJSON() {
        throw new Error("no");
      },
    };
    expect(() => log.info("odd", { field })).not.toThrow();
    expect(() => createLog({ now: () => new Date(Number.NaN), write: () => {} }).info("odd")).not.toThrow();
  });
});

test("silent says nothing, also after with()", () => {
  expect(() => silent.with({ a: 1 }).error("nothing")).not.toThrow();
});
