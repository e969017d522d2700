import { defineKind } from "../kind";
import { containerChecks } from "./checks";
import { containerHints } from "./hints";
import { containerSchema } from "./schema";

export const container = defineKind({
  schema: containerSchema,
  checks: containerChecks,
  hints: containerHints,
  plugins: [],
  needsContainers: true,
  onYourComputer: true,
  loginUser: () => "root",
  create(name, settings, inputs) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would be asynchronous
    const { createContainerServer } = require("./server") as typeof import("./server");
    return createContainerServer(name, settings, inputs);
  },
});
