// The contract, put to the fake kernel.
import { describe } from "vitest";
import { contract } from "./contract/contract.ts";
import { openFake } from "./contract/world.ts";

describe("the fake kernel", () => {
  contract(openFake);
});
