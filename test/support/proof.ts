import { proofVariable } from "../../toolchain/checks/mochaRun";

/** `it` for what takes long and is tried in a shorter form too. `npm run proof` runs it, and `npm test` does not. */
export const inProof = process.env[proofVariable] === undefined ? it.skip : it;
