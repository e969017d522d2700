// Runs one command over SSH, as command:remote:Command does for its create, update and delete.
import { createCapture, previousOutput } from "./commandOutput.mjs";
import { quote } from "./goText.mjs";
import { dial } from "./ssh.mjs";

/** @typedef {import("ssh2").Client} Client */
/** @typedef {import("ssh2").ClientChannel} ClientChannel */
/**
 * @typedef {object} RemoteCommand
 * @property {import("./ssh.mjs").Connection} connection
 * @property {string} [stdin]
 * @property {string} [logging]
 * @property {Record<string, string>} [environment]
 * @property {boolean} [addPreviousOutputInEnv]
 * @property {string} [stdout] of the previous run
 * @property {string} [stderr]
 */

/**
 * @param {import("./providerServer.mjs").Operation} operation
 * @param {string} command
 * @param {RemoteCommand} settings
 */
export async function runRemote(operation, command, settings) {
  const client = await dial(operation, settings.connection);
  const capture = createCapture(operation.log, settings.logging);
  try {
    const failure = await new Promise((/** @type {(failure: string | undefined) => void} */ resolve, reject) => {
      /** @param {ClientChannel} channel */
      const follow = (channel) => {
        channel.on("data", (/** @type {Buffer} */ chunk) => capture.add("stdout", chunk));
        channel.stderr.on("data", (/** @type {Buffer} */ chunk) => capture.add("stderr", chunk));
        onEnd(channel, resolve);
        // Without input the command reads an end of file at once.
        channel.end(settings.stdin ?? "");
      };
      start(client, command, settings, operation.log, follow, reject);
    });
    capture.end();
    if (failure) throw new Error(`${failure}: running ${quote(command)}:\n${capture.transcript()}`);
    return capture.outputs();
  } finally {
    client.end();
  }
}

/** @param {ClientChannel} channel @param {(failure: string | undefined) => void} done told why the command failed, if so */
function onEnd(channel, done) {
  let failure = /** @type {string | undefined} */ ("wait: remote command exited without exit status or exit signal");
  /** @type {(code: number | null, signal: string, dump: unknown, reason: string) => void} */
  const noteExit = (code, signal, _dump, reason) => {
    if (code === 0) failure = undefined;
    else failure = code === null ? signalText(signal, reason) : `Process exited with status ${code}`;
  };
  channel.on("exit", noteExit);
  channel.on("error", () => {});
  channel.once("close", () => done(failure));
}

/** @type {Record<string, number>} */
const signals = { ABRT: 6, ALRM: 14, FPE: 8, HUP: 1, ILL: 4, INT: 2, KILL: 9, PIPE: 13, QUIT: 3, SEGV: 11, TERM: 15 };

/** @param {string} signal @param {string} [reason] */
function signalText(signal, reason) {
  const name = signal.replace(/^SIG/, "");
  const why = reason ? `. Reason was: ${reason}` : "";
  return `Process exited with status ${128 + (signals[name] ?? 0)} from signal ${name}${why}`;
}

/** @typedef {{ name: string, value: string, required: boolean }} Variable */

/**
 * @param {Client} client
 * @param {string} command
 * @param {RemoteCommand} settings
 * @param {import("./engineLink.mjs").Log} log
 * @param {(channel: ClientChannel) => void} follow called at once, for a short command may have ended in the same packet
 * @param {(error: Error) => void} fail
 */
function start(client, command, settings, log, follow, fail) {
  const { environment = {}, addPreviousOutputInEnv = true } = settings;
  const previous = addPreviousOutputInEnv ? previousOutput(settings) : {};
  /** @type {(required: boolean) => (entry: [string, string]) => Variable} */
  const variable =
    (required) =>
    ([name, value]) => ({ name, value, required });
  const variables = [
    ...Object.entries(environment).map(variable(true)),
    ...Object.entries(previous).map(variable(false)),
  ];
  if (variables.length > 0) setBeforeExec(client, variables, log, fail);
  client.exec(command, (error, channel) => (error ? fail(error) : follow(channel)));
}

/**
 * @typedef {object} Internals of the library: its own `env` option does not wait for the server's answer, and a refusal is
 * what must be known here
 * @property {{ exec: (channel: number, command: string, reply: boolean) => void, env: (channel: number, name: string, value: string, reply: boolean) => void }} _protocol
 * @property {{ get: (channel: number) => { incoming: { id: number }, _callbacks: ((failed: boolean | Error) => void)[], close: () => void } }} _chanMgr
 */

/**
 * Sends the variables, one by one, between the opening of the channel and the command.
 * @param {Client} client
 * @param {Variable[]} variables
 * @param {import("./engineLink.mjs").Log} log
 * @param {(error: Error) => void} reject
 */
function setBeforeExec(client, variables, log, reject) {
  const { _protocol: protocol, _chanMgr: channels } = /** @type {Internals} */ (/** @type {unknown} */ (client));
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
        if (!failed) return next();
        log.message(variable.required ? "error" : "warning", refusal(variable.name));
        if (!variable.required) return next();
        channel.close();
        reject(new Error(`could not set environment variable ${quote(variable.name)}: ssh: setenv failed`));
      });
      protocol.env(id, variable.name, variable.value, true);
    };
    next();
  };
}

/** @param {string} name */
function refusal(name) {
  return [
    `Unable to set '${name}'. This only works if your SSH server is configured to accept`,
    "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could",
    "\tprefix the command itself with the variables in the form 'VAR=value command'.",
  ]
    .join("\n")
    .replace(/\.$/, "");
}
