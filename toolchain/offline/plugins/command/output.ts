// What a command prints: one text per stream for the outputs, both together for an error, and lines to show meanwhile.
import { StringDecoder } from "node:string_decoder";
import type { Log } from "../protocol/engine";
import { quote } from "./goText";

export type Stream = "stdout" | "stderr";
export type Outputs = Record<Stream, string>;

export class Capture {
  private readonly chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  private readonly both: Buffer[] = [];
  private readonly decoder = new StringDecoder();
  private unfinishedLine = "";

  /** @param logging the streams that the user sees: "stdout", "stderr", "stdoutAndStderr" or "none" */
  constructor(
    private readonly log: Log,
    private readonly logging = "stdoutAndStderr",
  ) {}

  add(stream: Stream, chunk: Buffer): void {
    this.chunks[stream].push(chunk);
    this.both.push(chunk);
    if (this.logging.toLowerCase().includes(stream)) this.show(this.decoder.write(chunk));
  }

  end(): void {
    if (this.unfinishedLine !== "") this.show("\n");
  }

  outputs(): Outputs {
    return { stdout: this.text("stdout"), stderr: this.text("stderr") };
  }

  failure(reason: string, command: string): Error {
    return new Error(`${reason}: running ${quote(command)}:\n${Buffer.concat(this.both).toString()}`);
  }

  private text(stream: Stream): string {
    return Buffer.concat(this.chunks[stream]).toString().replace(/\n$/, "");
  }

  private show(text: string): void {
    const lines = (this.unfinishedLine + text).split("\n");
    this.unfinishedLine = lines.pop() ?? "";
    for (const line of lines) this.log.status(line.replace(/\r$/, ""));
  }
}

/** The output of the previous run, as variables for the command. */
export function previousOutput({ stdout, stderr }: Partial<Outputs>): Record<string, string> {
  return {
    ...(stdout ? { PULUMI_COMMAND_STDOUT: stdout } : {}),
    ...(stderr ? { PULUMI_COMMAND_STDERR: stderr } : {}),
  };
}
