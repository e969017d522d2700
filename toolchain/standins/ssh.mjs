// Connections as the genuine command provider makes them with Go's SSH library: the same order of host keys and of
// authentication methods, the same retries, the same words when it fails.
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { errorCode, systemReason } from "./goText.mjs";

/** @typedef {import("ssh2").Client} Client */
/** @typedef {import("./providerServer.mjs").Operation} Operation */
/** @typedef {Pick<Operation, "log" | "signal">} Dialling */
/**
 * @typedef {object} Endpoint as Check has left it: defaults are filled in
 * @property {string} host
 * @property {number} port
 * @property {string} user
 * @property {string} [password]
 * @property {string} [privateKey]
 * @property {string} [privateKeyPassword]
 * @property {string} [hostKey] a line as in authorized_keys
 * @property {string} [agentSocketPath]
 * @property {number} dialErrorLimit -1 for no limit
 * @property {number} perDialTimeout seconds; 0 for no limit
 */
/** @typedef {Endpoint & { proxy?: Endpoint }} Connection */

/** Go's order of preference. A server that offers an ECDSA key shows that one, whatever key is pinned here. */
const hostKeyAlgorithms = /** @type {const} */ ([
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-256",
  "rsa-sha2-512",
  "ssh-rsa",
  "ssh-ed25519",
]);

/** Loaded when first dialling: most runs of the plugin dial nobody. */
async function ssh2() {
  return (await import("ssh2")).default;
}

/**
 * @param {Dialling} operation
 * @param {Connection} connection
 * @returns {Promise<Client>}
 */
export async function dial(operation, connection) {
  const login = await prepareLogin(connection);
  const { proxy } = connection;
  if (!proxy) return retry(operation, "Dial", connection, async () => login(await openSocket(connection, operation)));
  return withPrefix("proxy", async () => {
    const proxyLogin = await prepareLogin(proxy);
    const bastion = await retry(operation, "Dial proxy", proxy, async () =>
      proxyLogin(await openSocket(proxy, operation)),
    );
    try {
      const stream = await retry(operation, "Dial from proxy", connection, () => forward(bastion, connection));
      // All attempts to log in share the one stream, so only the first can say what is wrong.
      let isUsed = false;
      const client = await retry(operation, "Dial", connection, () => {
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
  });
}

/** @template Result @param {string} prefix @param {() => Promise<Result>} work */
async function withPrefix(prefix, work) {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${prefix}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/**
 * @template Result
 * @param {Dialling} operation
 * @param {string} what
 * @param {Endpoint} endpoint
 * @param {() => Promise<Result>} attempt
 * @returns {Promise<Result>}
 */
async function retry({ log, signal }, what, { dialErrorLimit: limit }, attempt) {
  let delay = 100;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // One attempt more than the limit, and the message counts those before the last: so does the genuine provider.
      if (limit > -1 && failures + 1 > limit)
        throw new Error(`after ${failures} failed attempts: ${message}`, { cause: error });
    }
    log.status(`${what} ${failures + 1}/${limit === -1 ? "inf" : limit} failed: retrying`);
    await pause(delay, undefined, { signal }).catch(() => signal.throwIfAborted());
    delay = Math.min(delay * 1.5, 5000);
  }
}

/** @param {Endpoint} endpoint @param {Dialling} operation */
async function openSocket({ host, port, perDialTimeout }, { signal }) {
  const socket = connect({ host, port, noDelay: true });
  const timer =
    perDialTimeout > 0 ? setTimeout(() => socket.destroy(timeoutError()), perDialTimeout * 1000) : undefined;
  try {
    await once(socket, "connect", { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw dialError(error, host, port);
  } finally {
    clearTimeout(timer);
  }
}

function timeoutError() {
  return Object.assign(new Error("i/o timeout"), { code: "ETIMEDOUT" });
}

/** @param {unknown} error @param {string} host @param {number} port */
function dialError(error, host, port) {
  if (["ENOTFOUND", "EAI_AGAIN"].includes(errorCode(error)))
    return new Error(
      `dial tcp: lookup ${host}: ${errorCode(error) === "ENOTFOUND" ? "no such host" : "server misbehaving"}`,
    );
  // A name with several addresses fails with all their errors at once; the first says enough.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const address = first instanceof Error && "address" in first ? String(first.address) : host;
  return new Error(`dial tcp ${address.includes(":") ? `[${address}]` : address}:${port}: ${systemReason(first)}`);
}

/** @param {Client} bastion @param {Endpoint} target @returns {Promise<import("ssh2").ClientChannel>} */
function forward(bastion, { host, port }) {
  return new Promise((resolve, reject) =>
    bastion.forwardOut("0.0.0.0", 0, host, port, (error, stream) => {
      if (!error) return resolve(stream);
      const reason = error.message.replace("(SSH) Channel open failure: ", "");
      reject(new Error(`ssh: rejected: connect failed (${reason})`));
    }),
  );
}

/**
 * Reads keys once, so that a bad one fails at the start; what it returns logs in over a socket.
 * @param {Endpoint} endpoint
 * @returns {Promise<(socket: import("node:stream").Duplex) => Promise<Client>>}
 */
async function prepareLogin(endpoint) {
  const { Client, utils } = await ssh2();
  const expectedKey = endpoint.hostKey === undefined ? undefined : parseHostKey(endpoint.hostKey);
  const key = endpoint.privateKey === undefined ? undefined : parsePrivateKey(utils, endpoint.privateKey, endpoint);
  const agent = endpoint.agentSocketPath ?? (process.env.SSH_AUTH_SOCK || undefined);
  if (agent !== undefined) await checkAgent(agent);

  return (socket) =>
    new Promise((resolve, reject) => {
      const client = new Client();
      const attempted = ["none"];
      let keyMismatch = false;
      const fail = (/** @type {Error & { level?: string }} */ error) => {
        client.destroy();
        if (keyMismatch) reject(handshakeError("ssh: host key mismatch"));
        else if (error.level === "client-authentication")
          reject(
            handshakeError(
              `ssh: unable to authenticate, attempted methods [${attempted.join(" ")}], no supported methods remain`,
            ),
          );
        else reject(handshakeError(systemReason(error)));
      };
      client.once("ready", () => {
        client.off("error", fail);
        // A connection that breaks later ends its channels, which is where it is noticed.
        client.on("error", () => {});
        resolve(client);
      });
      client.on("error", fail);
      client.once("close", () => fail(new Error("EOF")));
      client.connect({
        sock: socket,
        username: endpoint.user,
        // The genuine time limit is for the TCP connection only; a host that then says nothing is waited for.
        readyTimeout: 0,
        algorithms: { serverHostKey: [...hostKeyAlgorithms] },
        hostVerifier: (/** @type {Buffer} */ offered) => {
          keyMismatch = expectedKey !== undefined && !expectedKey.equals(offered);
          return !keyMismatch;
        },
        authHandler: authentication(endpoint, key, agent, attempted),
      });
    });
}

/** @param {string} reason */
function handshakeError(reason) {
  return new Error(`ssh: handshake failed: ${reason}`);
}

/**
 * Each method once, in Go's order, and only those the server accepts. A private key leaves the agent unasked, for both
 * are the method "publickey".
 * @param {Endpoint} endpoint
 * @param {import("ssh2").ParsedKey | undefined} key
 * @param {string | undefined} agent
 * @param {string[]} attempted filled with what was tried
 * @returns {import("ssh2").AuthHandlerMiddleware}
 */
function authentication({ user: username, password }, key, agent, attempted) {
  /** @type {import("ssh2").AnyAuthMethod[]} */
  const methods = [];
  if (key) methods.push({ type: "publickey", username, key });
  if (password !== undefined) {
    methods.push({ type: "password", username, password });
    methods.push({
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)),
    });
  }
  if (agent !== undefined && !key) methods.push({ type: "agent", username, agent });
  return (accepted, _partial, next) => {
    if (accepted === null) return next({ type: "none", username });
    for (let method = methods.shift(); method; method = methods.shift()) {
      const name = method.type === "agent" ? "publickey" : method.type;
      if (!(/** @type {string[]} */ (accepted).includes(name))) continue;
      attempted.push(name);
      return next(method);
    }
    // Nothing is left: the library reads `false` as that, though its types do not say so.
    return next(/** @type {import("ssh2").AnyAuthMethod} */ (/** @type {unknown} */ (false)));
  };
}

/** @param {string} line */
function parseHostKey(line) {
  const blob = /(?:^|\s)(?:ssh|ecdsa|sk)-\S+\s+([A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(line)?.[1];
  if (blob === undefined) throw new Error("ssh: no key found");
  return Buffer.from(blob, "base64");
}

/** @param {typeof import("ssh2").utils} utils @param {string} text @param {Endpoint} endpoint */
function parsePrivateKey(utils, text, { privateKeyPassword }) {
  if (!text.includes("-----BEGIN ")) throw new Error("ssh: no key found");
  const key = utils.parseKey(text, privateKeyPassword);
  if (!(key instanceof Error)) return Array.isArray(key) ? key[0] : key;
  if (/no passphrase given/i.test(key.message)) throw new Error("ssh: this private key is passphrase protected");
  if (privateKeyPassword !== undefined) throw new Error("x509: decryption password incorrect");
  throw new Error(`ssh: ${key.message}`);
}

/** The agent is dialled even where it will not be asked, and one that is not there is an error. @param {string} path */
async function checkAgent(path) {
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch (error) {
    throw new Error(`dial unix ${path}: connect: ${systemReason(error).replace("connect: ", "")}`, { cause: error });
  } finally {
    socket.destroy();
  }
}
