import { resolve } from "node:path";

/** The checkout. */
export const root = resolve(__dirname, "../..");
