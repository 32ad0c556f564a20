import { expect, test } from "vitest";
import { createLog } from "../log/log.ts";
import { Remarks } from "./remarks.ts";

test("Remarks tells a fault when it appears and when it has gone, and nothing in between", () => {
  const lines: string[] = [];
  const remarks = new Remarks(createLog({ write: (line) => lines.push(line) }));
  const told = () =>
    lines
      .splice(0)
      .map((line) => JSON.parse(line))
      .map(({ level, message, fault }) => `${level}: ${message}: ${fault}`);

  remarks.tell(["no uplink"]);
  expect(told()).toEqual(["warning: fault: no uplink"]);
  remarks.tell(["no uplink"]);
  expect(told()).toEqual([]);
  remarks.tell(["no prefix", "no prefix"]);
  expect(told()).toEqual(["warning: fault: no prefix", "info: fault has gone: no uplink"]);
  expect(remarks.present).toEqual(["no prefix"]);
  remarks.tell([]);
  expect(told()).toEqual(["info: fault has gone: no prefix"]);
});
