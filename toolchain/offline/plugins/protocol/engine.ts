// What every plugin of the engine does: serve gRPC on a free local port, print the port, and end with the engine.
import * as grpc from "@grpc/grpc-js";
import type { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";

/** The last argument; options may come before it. */
let address = process.argv
  .slice(2)
  .filter((argument) => !argument.startsWith("-"))
  .at(-1);

/** Where the engine listens. */
export function engineAddress(): string | undefined {
  return address;
}

/** For a plugin that outlives an engine (PULUMI_DEBUG_PROVIDERS): the next one says where it listens. */
export function attachTo(next: string): void {
  address = next;
  engine = undefined;
}

/** Assets and states may be of any size. */
const channelOptions = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/** @param onEngineDeath what to do before this process ends because the engine was killed */
export async function serve<Server extends grpc.UntypedServiceImplementation>(
  service: object,
  handlers: Partial<Server>,
  onEngineDeath: () => void = () => undefined,
): Promise<void> {
  endWithParent(onEngineDeath);
  const server = new grpc.Server(channelOptions);
  // The SDK's types of a service and of its handlers lack the index signature that gRPC's have.
  server.addService(service as grpc.ServiceDefinition, handlers as grpc.UntypedServiceImplementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  process.stdout.write(`${port}\n`);
}

/** A killed engine cannot cancel its plugins; this process then has another parent. */
function endWithParent(onEngineDeath: () => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid === parent) return;
    onEngineDeath();
    process.exit(1);
  }, 500).unref();
}

/** A gRPC handler from a function that may be asynchronous. */
export function handler<Request, Response>(
  answer: (request: Request) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve(call.request)
      .then(answer)
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(asStatus(error)),
      );
  };
}

function asStatus(error: unknown): Partial<grpc.StatusObject> {
  const details = error instanceof Error ? error.message : String(error);
  const code = error instanceof Unimplemented ? grpc.status.UNIMPLEMENTED : grpc.status.UNKNOWN;
  return { code, details };
}

/** The genuine plugin can do it and the offline plugin cannot. */
export class Unimplemented extends Error {
  constructor(plugin: string, what: string) {
    super(
      `The offline plugin ${plugin} does not implement ${what}.\nFix: run this where Pulumi can download ${plugin}.`,
    );
  }
}

type Severity = "INFO" | "WARNING" | "ERROR";

/** Messages about one resource, shown in the order they were given. */
export interface Log {
  message(severity: Severity, message: string): void;
  /** Is shown until the resource's next status. */
  status(message: string): void;
  flushed(): Promise<void>;
}

export function createLog(urn: string): Log {
  let sent = Promise.resolve();
  const add = (severity: Severity, message: string, isStatus: boolean) => {
    sent = sent.then(() => send(urn, severity, message, isStatus));
  };
  return {
    message: (severity, message) => add(severity, message, false),
    status: (message) => add("INFO", message, true),
    flushed: () => sent,
  };
}

let engine: EngineClient | undefined;

async function send(urn: string, severity: Severity, message: string, isStatus: boolean): Promise<void> {
  if (address === undefined) return;
  // Loaded with the first message, because most runs of a plugin have none.
  const { LogRequest, LogSeverity } = await import("@pulumi/pulumi/proto/engine_pb");
  const services = await import("@pulumi/pulumi/proto/engine_grpc_pb");
  const { createInsecure } = grpc.credentials;
  const client = (engine ??= new services.EngineClient(address, createInsecure(), channelOptions));
  const request = new LogRequest()
    .setUrn(urn)
    .setSeverity(LogSeverity[severity])
    .setMessage(message)
    .setEphemeral(isStatus);
  // The engine may refuse a message, for example after a cancellation: no reason to fail the resource.
  await new Promise((resolve) => client.log(request, resolve));
}
