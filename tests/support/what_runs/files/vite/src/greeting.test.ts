import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { greeting } from "./greeting";

test("it greets", () => expect(greeting("x")).toBe("hello from x"));

test("it starts programs", () => {
  expect(spawnSync("cmd", ["/c", "echo child & exit 3"]).status).toBe(3);
});
