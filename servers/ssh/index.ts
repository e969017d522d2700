import { defineKind } from "../kind";
import { sshChecks } from "./checks";
import { sshHints } from "./hints";
import { sshSchema } from "./schema";

export const ssh = defineKind({
  schema: sshSchema,
  checks: sshChecks,
  hints: sshHints,
  plugins: [],
  needsContainers: false,
  onYourComputer: false,
  loginUser: ({ user }) => user,
  create(name, settings) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would be asynchronous
    const { createSshServer } = require("./server") as typeof import("./server");
    return createSshServer(name, settings);
  },
});
