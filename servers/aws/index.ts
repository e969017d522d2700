import { defineKind } from "../kind";
import { awsChecks } from "./checks";
import { loginUser } from "./loginUser";
import { awsHints } from "./hints";
import { awsSchema } from "./schema";

export const aws = defineKind({
  schema: awsSchema,
  checks: awsChecks,
  hints: awsHints,
  plugins: ["aws"],
  needsContainers: false,
  onYourComputer: false,
  loginUser,
  create(name, settings, inputs) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would be asynchronous
    const { createAwsServer } = require("./server") as typeof import("./server");
    return createAwsServer(name, settings, inputs);
  },
});
