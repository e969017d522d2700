import empty from "google-protobuf/google/protobuf/empty_pb";
import { type sendUnaryData, Server, ServerCredentials, type ServerReadableStream } from "@grpc/grpc-js";
import { EventsService } from "@pulumi/pulumi/proto/events_grpc_pb";
import type { EventRequest } from "@pulumi/pulumi/proto/events_pb";

/**
 * Receives the engine's events beside its own display on the terminal, and keeps the text of its errors.
 *
 * This is what `Stack.up({ onEvent })` of the Automation API does, which cannot show the engine's display or let it ask
 * for confirmation. The events come over a socket, never in a file, because they contain secrets in plain text.
 */
export class EngineErrors {
  text = "";
  private readonly server = new Server({ "grpc.max_receive_message_length": -1 });

  /** The engine keeps this flag for tools, behind a variable. */
  readonly env = { PULUMI_DEBUG_COMMANDS: "true" };
  args: readonly string[] = [];

  static async listen(): Promise<EngineErrors> {
    const errors = new EngineErrors();
    errors.server.addService(EventsService, {
      streamEvents: (stream: ServerReadableStream<EventRequest, empty.Empty>, answer: sendUnaryData<empty.Empty>) => {
        stream.on("data", (request: EventRequest) => (errors.text += errorIn(request.getEvent())));
        stream.on("end", () => {
          answer(null, new empty.Empty());
        });
        stream.on("error", () => undefined); // the engine was killed
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      errors.server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
    errors.args = ["--event-log", `tcp://127.0.0.1:${port}`];
    return errors;
  }

  stop(): void {
    this.server.forceShutdown();
  }
}

export function errorIn(event: string): string {
  const { diagnosticEvent } = JSON.parse(event) as { diagnosticEvent?: { severity: string; message: string } };
  return diagnosticEvent?.severity === "error" ? diagnosticEvent.message : "";
}
