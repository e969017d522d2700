// Runs one command over SSH, as command:remote:Command does for its create, update and delete.
import type { Client, ClientChannel } from "ssh2";
import type { Log } from "../protocol/engine";
import type { Operation } from "../protocol/provider";
import { connect, type Connection } from "./connection";
import { quote } from "./goText";
import { Capture, type Outputs, previousOutput } from "./output";

/** With the outputs of the previous run. */
export interface RemoteCommand extends Partial<Outputs> {
  readonly connection: Connection;
  readonly stdin?: string;
  readonly logging?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly addPreviousOutputInEnv?: boolean;
}

export async function runRemote(operation: Operation, command: string, settings: RemoteCommand): Promise<Outputs> {
  const client = await connect(operation, settings.connection);
  const capture = new Capture(operation.log, settings.logging);
  try {
    const failure = await new Promise<string | undefined>((resolve, reject) => {
      const variables = variablesOf(settings);
      if (variables.length > 0) setBeforeExec(client, variables, operation.log, reject);
      client.exec(command, (error, channel) => {
        if (error) {
          reject(error);
          return;
        }
        // Followed at once: a short command may have ended in the same packet.
        channel.on("data", (chunk: Buffer) => capture.add("stdout", chunk));
        channel.stderr.on("data", (chunk: Buffer) => capture.add("stderr", chunk));
        onEnd(channel, resolve);
        // Without input the command reads an end of file at once.
        channel.end(settings.stdin ?? "");
      });
    });
    capture.end();
    if (failure) throw capture.failure(failure, command);
    return capture.outputs();
  } finally {
    client.end();
  }
}

/** @param done called with the reason if the command failed */
function onEnd(channel: ClientChannel, done: (failure: string | undefined) => void): void {
  let failure: string | undefined = "wait: remote command exited without exit status or exit signal";
  channel.on("exit", (code: number | null, signal: string, _dump: unknown, reason?: string) => {
    if (code === 0) failure = undefined;
    else failure = code === null ? signalText(signal, reason) : `Process exited with status ${code}`;
  });
  channel.on("error", () => undefined);
  channel.once("close", () => done(failure));
}

const signals: Readonly<Record<string, number>> = {
  ...{ ABRT: 6, ALRM: 14, FPE: 8, HUP: 1, ILL: 4, INT: 2, KILL: 9, PIPE: 13, QUIT: 3, SEGV: 11, TERM: 15 },
};

function signalText(signal: string, reason: string | undefined): string {
  const name = signal.replace(/^SIG/, "");
  const why = reason ? `. Reason was: ${reason}` : "";
  return `Process exited with status ${128 + (signals[name] ?? 0)} from signal ${name}${why}`;
}

interface Variable {
  readonly name: string;
  readonly value: string;
  readonly required: boolean;
}

function variablesOf({ environment = {}, addPreviousOutputInEnv = true, ...previous }: RemoteCommand): Variable[] {
  const list = (variables: Readonly<Record<string, string>>, required: boolean) =>
    Object.entries(variables).map(([name, value]) => ({ name, value, required }));
  return [...list(environment, true), ...list(addPreviousOutputInEnv ? previousOutput(previous) : {}, false)];
}

/** Parts of ssh2 that are not public. Its own `env` option does not wait for the answer, and a refusal matters here. */
interface Internals {
  readonly _protocol: {
    exec(channel: number, command: string, reply: boolean): void;
    env(channel: number, name: string, value: string, reply: boolean): void;
  };
  readonly _chanMgr: {
    get(channel: number): { _callbacks: ((failed: boolean | Error) => void)[]; close(): void };
  };
}

/** Sends the variables one by one after the channel is open and before the command. */
function setBeforeExec(client: Client, variables: Variable[], log: Log, reject: (error: Error) => void): void {
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Internals;
  const exec = protocol.exec.bind(protocol);
  protocol.exec = (id, command, reply) => {
    const channel = channels.get(0);
    const started = channel._callbacks.pop();
    const next = () => {
      const variable = variables.shift();
      if (!variable) {
        if (started) channel._callbacks.push(started);
        exec(id, command, reply);
        return;
      }
      channel._callbacks.push((failed) => {
        if (failed) log.message(variable.required ? "ERROR" : "WARNING", refusal(variable.name));
        if (!failed || !variable.required) {
          next();
          return;
        }
        channel.close();
        reject(new Error(`could not set environment variable ${quote(variable.name)}: ssh: setenv failed`));
      });
      protocol.env(id, variable.name, variable.value, true);
    };
    next();
  };
}

function refusal(name: string): string {
  return [
    `Unable to set '${name}'. This only works if your SSH server is configured to accept`,
    "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could",
    "\tprefix the command itself with the variables in the form 'VAR=value command'",
  ].join("\n");
}
