import { z } from "zod";
import { setting, wholeNumber } from "./setting";

const size = () => z.string().regex(/^[1-9]\d{0,5}[MG]$/);

/** What an app may use of its server, so that it cannot starve the others. */
export const limitsSchema = z
  .strictObject({
    memory: setting(z.union([size(), z.string().regex(/^[1-9]\d?%$/)]).optional(), {
      meaning: "Memory of all processes of the app together. One of them is killed if it would be exceeded.",
      allowed: "megabytes or gigabytes, such as 512M or 2G, or a percentage of the server's memory, such as 50%",
      defaultText: "`75%`, or `1G` with a systemd that knows no percentages (before version 231)",
    }),
    tasks: setting(wholeNumber(16, 100_000).optional(), {
      meaning: "Number of processes and threads of the app.",
      allowed: "a whole number from 16 to 100000",
      defaultText: "`512`, or four for each of `processes` if that is more",
    }),
    openFiles: setting(wholeNumber(64, 1_000_000).default(4096), {
      meaning: "Number of files and connections that a process has open.",
      allowed: "a whole number from 64 to 1000000",
    }),
    fileSize: setting(size().default("2G"), {
      meaning: "Size of a file that the app writes.",
      allowed: "megabytes or gigabytes, such as 500M or 2G",
    }),
    logLines: setting(wholeNumber(100, 10_000_000).default(10_000), {
      meaning:
        "Lines of log in 30 seconds; more are dropped. Before version 240 of systemd, only the journal's own limit holds.",
      allowed: "a whole number from 100 to 10000000",
    }),
  })
  .prefault({});

export type Limits = z.output<typeof limitsSchema>;
