import { describe, expect, test } from "vitest";
import { createLog, silent } from "../../log/log.ts";
import { RecentEvents } from "./recent-events.ts";

const at = new Date("2026-01-02T03:04:05.678Z");

function recorded() {
  const events = new RecentEvents(() => at);
  return { events, log: events.heard(silent) };
}

describe("RecentEvents", () => {
  test("has what the log was told from info on, the newest first, with its fields", () => {
    const { events, log } = recorded();
    log.debug("call answered");
    log.info("node changed", { change: "+ fd00:2::/64" });
    log.with({ loop: "node" }).warning("fault", { fault: "no uplink", code: 7, error: new Error("no") });
    expect(events.newestFirst).toEqual([
      {
        time: at.toISOString(),
        level: "warning",
        message: "fault",
        fields: 'loop: node; fault: no uplink; code: 7; error: {"name":"Error","message":"no"}',
      },
      { time: at.toISOString(), level: "info", message: "node changed", fields: "change: + fd00:2::/64" },
    ]);
  });

  test("hands every line on to the log it listens to", () => {
    const lines: string[] = [];
    const log = new RecentEvents().heard(createLog({ level: "debug", write: (line) => lines.push(line) }));
    log.debug("one");
    log.with({ a: 1 }).error("two");
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(["one", "two"]);
  });

  test("counts what is told again, and keeps what is told between", () => {
    const { events, log } = recorded();
    for (const fault of ["a", "a", "a", "b", "a"]) log.warning("fault", { fault });
    expect(events.newestFirst.map(({ fields, times }) => [fields, times])).toEqual([
      ["fault: a", undefined],
      ["fault: b", undefined],
      ["fault: a", 3],
    ]);
  });

  test("keeps the last 200, and of each no more than fits", () => {
    const { events, log } = recorded();
    for (let count = 0; count < 500; count++) log.info("node changed", { count, long: "x".repeat(10_000) });
    expect(events.newestFirst).toHaveLength(200);
    expect(events.newestFirst[0]?.fields).toMatch(/^count: 499; /);
    expect(JSON.stringify(events.newestFirst).length).toBeLessThan(200 * 800);
  });
});
