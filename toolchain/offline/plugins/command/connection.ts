// SSH connections as the genuine command plugin makes them with Go's SSH library: the same order of host keys and of
// authentication methods, the same retries, the same error texts.
import { once } from "node:events";
import { connect as openSocketTo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { AnyAuthMethod, AuthHandlerMiddleware, Client, ClientChannel, ParsedKey, utils } from "ssh2";
import type { Operation } from "../protocol/provider";
import { errorCode, messageOf, systemReason } from "./goText";

/** As `check` returns it: with its defaults. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  /** A line as in authorized_keys. */
  readonly hostKey?: string;
  readonly agentSocketPath?: string;
  /** -1 for no limit. */
  readonly dialErrorLimit: number;
  /** Seconds; 0 for no limit. */
  readonly perDialTimeout: number;
}
export interface Connection extends Endpoint {
  readonly proxy?: Endpoint;
}
type Attempts = Pick<Operation, "log" | "signal">;

/** In Go's order of preference: a server with an ECDSA key shows that one, whichever key the connection expects. */
const hostKeyAlgorithms = [
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-256",
  "rsa-sha2-512",
  "ssh-rsa",
  "ssh-ed25519",
] as const;

/** Loaded with the first connection, because most runs of the plugin make none. */
async function ssh2() {
  return (await import("ssh2")).default;
}

export async function connect(attempts: Attempts, connection: Connection): Promise<Client> {
  const login = await prepareLogin(connection);
  const { proxy } = connection;
  if (!proxy) return retry(attempts, "Dial", connection, async () => login(await openSocket(connection, attempts)));
  try {
    return await connectThrough(proxy, attempts, connection, login);
  } catch (error) {
    throw new Error(`proxy: ${messageOf(error)}`, { cause: error });
  }
}

async function connectThrough(proxy: Endpoint, attempts: Attempts, connection: Connection, login: Login) {
  const proxyLogin = await prepareLogin(proxy);
  const bastion = await retry(attempts, "Dial proxy", proxy, async () => proxyLogin(await openSocket(proxy, attempts)));
  try {
    const stream = await retry(attempts, "Dial from proxy", connection, () => forward(bastion, connection));
    // All attempts to log in share one stream, so only the first can tell what is wrong.
    let isUsed = false;
    const client = await retry(attempts, "Dial", connection, () => {
      if (isUsed) throw handshakeError("EOF");
      isUsed = true;
      return login(stream);
    });
    client.once("close", () => bastion.end());
    return client;
  } catch (error) {
    bastion.end();
    throw error;
  }
}

async function retry<Result>(
  { log, signal }: Attempts,
  what: string,
  { dialErrorLimit: limit }: Endpoint,
  attempt: () => Promise<Result>,
): Promise<Result> {
  let delay = 100;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      // As in the genuine plugin: one attempt more than the limit, and the text does not count the last one.
      if (limit > -1 && failures + 1 > limit)
        throw new Error(`after ${failures} failed attempts: ${messageOf(error)}`, { cause: error });
    }
    log.status(`${what} ${failures + 1}/${limit === -1 ? "inf" : limit} failed: retrying`);
    await pause(delay, undefined, { signal }).catch(() => signal.throwIfAborted());
    delay = Math.min(delay * 1.5, 5000);
  }
}

async function openSocket({ host, port, perDialTimeout }: Endpoint, { signal }: Attempts): Promise<Socket> {
  const socket = openSocketTo({ host, port, noDelay: true });
  const giveUp = () => socket.destroy(Object.assign(new Error("i/o timeout"), { code: "ETIMEDOUT" }));
  const timer = perDialTimeout > 0 ? setTimeout(giveUp, perDialTimeout * 1000) : undefined;
  try {
    await once(socket, "connect", { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw socketError(error, host, port);
  } finally {
    clearTimeout(timer);
  }
}

function socketError(error: unknown, host: string, port: number): Error {
  const code = errorCode(error);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return new Error(`dial tcp: lookup ${host}: ${code === "ENOTFOUND" ? "no such host" : "server misbehaving"}`);
  // A name with several addresses fails with all their errors; the first one is enough.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const address = first instanceof Error && "address" in first ? String(first.address) : host;
  return new Error(`dial tcp ${address.includes(":") ? `[${address}]` : address}:${port}: ${systemReason(first)}`);
}

/** By their numbers (https://www.rfc-editor.org/rfc/rfc4254#section-5.1), in Go's words. */
const rejections: Readonly<Record<number, string>> = {
  1: "administratively prohibited",
  2: "connect failed",
  3: "unknown channel type",
  4: "resource shortage",
};

function forward(bastion: Client, { host, port }: Endpoint): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    bastion.forwardOut("0.0.0.0", 0, host, port, (error, stream) => {
      if (!error) {
        resolve(stream);
        return;
      }
      const { reason = 0 } = error as Error & { reason?: number };
      const message = error.message.replace("(SSH) Channel open failure: ", "");
      reject(new Error(`ssh: rejected: ${rejections[reason] ?? `unknown reason ${reason}`} (${message})`));
    });
  });
}

type Login = (socket: Duplex) => Promise<Client>;

/** Reads the keys once, so that a bad one fails before the first attempt. */
async function prepareLogin(endpoint: Endpoint): Promise<Login> {
  const { Client: SshClient, utils } = await ssh2();
  const expectedKey = endpoint.hostKey === undefined ? undefined : parseHostKey(endpoint.hostKey);
  const key = endpoint.privateKey === undefined ? undefined : parsePrivateKey(utils, endpoint.privateKey, endpoint);
  const agent = endpoint.agentSocketPath ?? process.env.SSH_AUTH_SOCK;
  if (agent) await checkAgent(agent);

  return (socket) =>
    new Promise((resolve, reject) => {
      const client = new SshClient();
      const attempted = ["none"];
      let isKeyMismatch = false;
      const fail = (error: Error & { level?: string }) => {
        client.destroy();
        if (isKeyMismatch) reject(handshakeError("ssh: host key mismatch"));
        else if (error.level === "client-authentication") {
          const methods = `attempted methods [${attempted.join(" ")}], no supported methods remain`;
          reject(handshakeError(`ssh: unable to authenticate, ${methods}`));
        } else reject(handshakeError(systemReason(error)));
      };
      client.once("ready", () => {
        client.off("error", fail);
        // A connection that breaks later ends its channels, and there it is noticed.
        client.on("error", () => undefined);
        resolve(client);
      });
      client.on("error", fail);
      client.once("close", () => fail(new Error("EOF")));
      client.connect({
        sock: socket,
        username: endpoint.user,
        // The genuine plugin's time limit covers the TCP connection only.
        readyTimeout: 0,
        algorithms: { serverHostKey: [...hostKeyAlgorithms] },
        hostVerifier: (offered: Buffer) => {
          isKeyMismatch = expectedKey !== undefined && !expectedKey.equals(offered);
          return !isKeyMismatch;
        },
        authHandler: authentication(endpoint, key, agent, attempted),
      });
    });
}

function handshakeError(reason: string): Error {
  return new Error(`ssh: handshake failed: ${reason}`);
}

/**
 * Tries each method once, in Go's order, and only those that the server accepts. With a private key the agent is not
 * asked, because both are the method "publickey".
 * @param attempted is filled with what was tried
 */
function authentication(
  { user: username, password }: Endpoint,
  key: ParsedKey | undefined,
  agent: string | undefined,
  attempted: string[],
): AuthHandlerMiddleware {
  const methods: AnyAuthMethod[] = [];
  if (key) methods.push({ type: "publickey", username, key });
  if (password !== undefined) {
    methods.push({ type: "password", username, password });
    methods.push({
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)),
    });
  }
  if (agent && !key) methods.push({ type: "agent", username, agent });
  return (accepted: string[] | null, _partial, next) => {
    if (accepted === null) {
      next({ type: "none", username });
      return;
    }
    const nameOf = ({ type }: AnyAuthMethod) => (type === "agent" ? "publickey" : type);
    let method = methods.shift();
    while (method && !accepted.includes(nameOf(method))) method = methods.shift();
    if (method) attempted.push(nameOf(method));
    // `false` ends the attempts, though the library's types lack it.
    next(method ?? (false as unknown as AnyAuthMethod));
  };
}

function parseHostKey(line: string): Buffer {
  const blob = /(?:^|\s)(?:ssh|ecdsa|sk)-\S+\s+([A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(line)?.[1];
  if (blob === undefined) throw new Error("ssh: no key found");
  return Buffer.from(blob, "base64");
}

function parsePrivateKey({ parseKey }: typeof utils, text: string, { privateKeyPassword }: Endpoint): ParsedKey {
  if (!text.includes("-----BEGIN ")) throw new Error("ssh: no key found");
  const key = parseKey(text, privateKeyPassword);
  if (!(key instanceof Error)) return key;
  if (/no passphrase given/i.test(key.message)) throw new Error("ssh: this private key is passphrase protected");
  if (privateKeyPassword !== undefined) throw new Error("x509: decryption password incorrect");
  throw new Error(`ssh: ${key.message}`);
}

/** The genuine plugin connects to the agent even if it will not ask it, and fails without one. */
async function checkAgent(path: string): Promise<void> {
  const socket = openSocketTo(path);
  try {
    await once(socket, "connect");
  } catch (error) {
    throw new Error(`dial unix ${path}: connect: ${systemReason(error).replace("connect: ", "")}`, { cause: error });
  } finally {
    socket.destroy();
  }
}
