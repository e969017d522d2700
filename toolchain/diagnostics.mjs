import grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import events from "@pulumi/pulumi/proto/events_grpc_pb.js";

/** @typedef {import("@pulumi/pulumi/proto/events_pb.js").EventRequest} EventRequest */

/**
 * Takes part in what the engine shows on the terminal: its error messages as text, beside its own display.
 *
 * The engine sends its events to a server, as for Pulumi's Automation API. Never to a file: there are secrets among
 * them, in clear. An engine that knows only files (before 3.206) passes over it.
 */
export async function listenForErrors() {
  let text = "";
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  server.addService(events.EventsService, {
    streamEvents: (
      /** @type {grpc.ServerReadableStream<EventRequest, empty.Empty>} */ stream,
      /** @type {grpc.sendUnaryData<empty.Empty>} */ answer,
    ) => {
      stream.on("data", (request) => (text += errorIn(request.getEvent())));
      stream.on("end", () => answer(null, new empty.Empty()));
      stream.on("error", () => {}); // an engine that was killed
    },
  });
  const port = await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    args: ["--event-log", `tcp://127.0.0.1:${port}`],
    /** The flag is one of those that the engine keeps for tools. */
    env: { PULUMI_DEBUG_COMMANDS: "true" },
    text: () => text,
    stop: () => server.forceShutdown(),
  };
}

/**
 * @param {string} event
 * @returns {string}
 */
export function errorIn(event) {
  const { diagnosticEvent } = JSON.parse(event);
  return diagnosticEvent?.severity === "error" ? diagnosticEvent.message : "";
}
