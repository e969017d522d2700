// What every plugin of the engine does: serve gRPC on a free local port, say which on stdout, and end with the engine.
import grpc from "@grpc/grpc-js";

/** The engine's own address: the last argument; options may stand before it. */
export const engineAddress = process.argv
  .slice(2)
  .filter((argument) => !argument.startsWith("-"))
  .at(-1);

/** Texts, assets and states have no limit that a plugin should set. */
const channelOptions = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/**
 * @param {grpc.ServiceDefinition} service
 * @param {grpc.UntypedServiceImplementation} handlers
 * @param {() => void} [onEngineGone] what to do before ending when the engine has died
 */
export async function serve(service, handlers, onEngineGone = () => {}) {
  endWithParent(onEngineGone);
  const server = new grpc.Server(channelOptions);
  server.addService(service, handlers);
  const port = await new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  process.stdout.write(`${port}\n`);
}

/** An engine that was killed cannot tell its plugins: they notice that their parent is another. @param {() => void} onGone */
function endWithParent(onGone) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid === parent) return;
    onGone();
    process.exit(1);
  }, 500).unref();
}

/**
 * A gRPC handler from an asynchronous function.
 * @template Request, Response
 * @param {(request: Request) => Response | Promise<Response>} answer
 * @returns {grpc.handleUnaryCall<Request, Response>}
 */
export function handler(answer) {
  return (call, callback) => {
    Promise.resolve(call.request)
      .then(answer)
      .then(
        (response) => callback(null, response),
        (/** @type {unknown} */ error) => callback(asStatus(error)),
      );
  };
}

/** @param {unknown} error @returns {Partial<grpc.StatusObject>} */
function asStatus(error) {
  const details = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
  return { code: code ?? grpc.status.UNKNOWN, details };
}

/** @typedef {"debug" | "info" | "warning" | "error"} Severity */

/**
 * Messages for the user, in the order they were given. A status is shown only while it is the latest of its resource.
 * @param {string} urn
 */
export function createLog(urn) {
  let sent = Promise.resolve();
  /** @param {Severity} severity @param {string} message @param {boolean} status */
  const add = (severity, message, status) => {
    sent = sent.then(() => sendLog(urn, severity, message, status));
  };
  return {
    /** @param {Severity} severity @param {string} message */
    message: (severity, message) => add(severity, message, false),
    /** @param {string} message */
    status: (message) => add("info", message, true),
    flushed: () => sent,
  };
}

/** @typedef {ReturnType<typeof createLog>} Log */

/** @type {import("@pulumi/pulumi/proto/engine_grpc_pb.js").EngineClient | undefined} */
let engine;

/** @param {string} urn @param {Severity} severity @param {string} message @param {boolean} status @returns {Promise<void>} */
async function sendLog(urn, severity, message, status) {
  if (engineAddress === undefined) return;
  // Loaded on the first message, for most runs of a plugin have none to give.
  const { default: messages } = await import("@pulumi/pulumi/proto/engine_pb.js");
  const { EngineClient } = (await import("@pulumi/pulumi/proto/engine_grpc_pb.js")).default;
  const client = (engine ??= new EngineClient(engineAddress, grpc.credentials.createInsecure(), channelOptions));
  const severities = messages.LogSeverity;
  const level = {
    debug: severities.DEBUG,
    info: severities.INFO,
    warning: severities.WARNING,
    error: severities.ERROR,
  };
  const request = new messages.LogRequest();
  request.setUrn(urn);
  request.setSeverity(level[severity]);
  request.setMessage(message);
  request.setEphemeral(status);
  // A message that the engine no longer takes, as after a cancellation, is not worth failing a resource for.
  await new Promise((resolve) => client.log(request, resolve));
}
