// The ResourceProvider service, so far as the stand-ins need it. Written on the protocol itself, because the SDK's own
// server hides previews and cannot answer with a detailed diff.
import grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import structs from "google-protobuf/google/protobuf/struct_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import { createLog, handler, serve } from "./engineLink.mjs";
import { isObject, normalize } from "./wire.mjs";

/** @typedef {import("./wire.mjs").JsonObject} JsonObject */
/** @typedef {{ property: string, reason: string }} Failure */
/** @typedef {Map<string, "ADD" | "ADD_REPLACE" | "DELETE" | "DELETE_REPLACE" | "UPDATE" | "UPDATE_REPLACE">} Diff by path */
/**
 * @typedef {object} Operation what a create, update or delete may use
 * @property {string} name of the resource
 * @property {string} id of the resource; empty while it is being made
 * @property {boolean} preview
 * @property {AbortSignal} signal aborted when the user cancels or the resource's custom timeout has passed
 * @property {import("./engineLink.mjs").Log} log
 */
/**
 * @typedef {object} Resource
 * @property {(inputs: JsonObject) => { inputs: JsonObject, failures: Failure[] }} check
 * @property {(state: JsonObject, inputs: JsonObject) => Diff} diff
 * @property {(operation: Operation, inputs: JsonObject) => Promise<{ id: string, outputs: JsonObject }>} create
 * @property {(operation: Operation, state: JsonObject, inputs: JsonObject) => Promise<JsonObject>} [update]
 * @property {(operation: Operation, state: JsonObject) => Promise<void>} [delete]
 * @property {(state: JsonObject, id: string) => JsonObject | undefined} [read] what is there now; undefined: it is gone.
 *   Without it, what is in the state is all there is to read.
 */
/** @typedef {(args: JsonObject) => JsonObject} LookUp */

/**
 * @param {object} provider
 * @param {string} provider.name
 * @param {string} provider.version of the genuine plugin that this one stands for
 * @param {Record<string, Resource>} provider.resources by type
 * @param {Record<string, LookUp>} [provider.functions] by token
 */
export async function serveProvider({ name, version, resources, functions = {} }) {
  /** @param {string} urn @returns {Resource} */
  const resourceOf = (urn) => {
    const type = typeOf(urn);
    const resource = resources[type];
    if (!resource) throw unimplemented(`resource type '${type}'`);
    return resource;
  };
  /** @param {string} what */
  const unimplemented = (what) =>
    Object.assign(new Error(`the stand-in of pulumi-resource-${name} does not implement ${what}`), {
      code: grpc.status.UNIMPLEMENTED,
    });
  const operations = createOperations();

  const service = /** @type {grpc.ServiceDefinition} */ (/** @type {unknown} */ (services.ResourceProviderService));
  await serve(service, {
    getPluginInfo: handler(() => {
      const info = new plugin.PluginInfo();
      info.setVersion(version);
      return info;
    }),

    checkConfig: handler((/** @type {import("@pulumi/pulumi/proto/provider_pb.js").CheckRequest} */ request) => {
      const response = new messages.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),

    diffConfig: handler(() => {
      const response = new messages.DiffResponse();
      response.setChanges(messages.DiffResponse.DiffChanges.DIFF_NONE);
      return response;
    }),

    configure: handler(() => {
      const response = new messages.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      response.setAcceptresources(true);
      response.setAcceptoutputs(true);
      return response;
    }),

    invoke: handler((/** @type {import("@pulumi/pulumi/proto/provider_pb.js").InvokeRequest} */ request) => {
      const lookUp = functions[request.getTok()];
      if (!lookUp) throw unimplemented(`function '${request.getTok()}'`);
      const response = new messages.InvokeResponse();
      response.setReturn(encode(lookUp(decode(request.getArgs()))));
      return response;
    }),

    getSchema: handler(() => {
      throw unimplemented("the schema");
    }),

    check: handler((/** @type {import("@pulumi/pulumi/proto/provider_pb.js").CheckRequest} */ request) => {
      const { inputs, failures } = resourceOf(request.getUrn()).check(decode(request.getNews()));
      const response = new messages.CheckResponse();
      response.setInputs(encode(inputs));
      for (const { property, reason } of failures) {
        const failure = new messages.CheckFailure();
        failure.setProperty(property);
        failure.setReason(reason);
        response.addFailures(failure);
      }
      return response;
    }),

    diff: handler((/** @type {import("@pulumi/pulumi/proto/provider_pb.js").DiffRequest} */ request) => {
      const state = decode(request.getOlds());
      const inputs = keepIgnored(decode(request.getNews()), state, request.getIgnorechangesList());
      return encodeDiff(resourceOf(request.getUrn()).diff(state, inputs));
    }),

    create: handler(async (/** @type {import("@pulumi/pulumi/proto/provider_pb.js").CreateRequest} */ request) => {
      const inputs = decode(request.getProperties());
      const { id, outputs } = await operations.run(request, request.getPreview(), (operation) =>
        resourceOf(request.getUrn()).create(operation, inputs),
      );
      const response = new messages.CreateResponse();
      response.setId(id);
      response.setProperties(encode(outputs));
      return response;
    }),

    read: handler((/** @type {import("@pulumi/pulumi/proto/provider_pb.js").ReadRequest} */ request) => {
      const { read = (/** @type {JsonObject} */ state) => state } = resourceOf(request.getUrn());
      const state = decode(request.getProperties());
      if (Object.keys(state).length === 0) throw unimplemented("importing a resource");
      const response = new messages.ReadResponse();
      const found = read(state, request.getId());
      if (!found) return response; // without an id: it is gone
      response.setId(request.getId());
      response.setProperties(encode(found));
      response.setInputs(request.getInputs());
      return response;
    }),

    update: handler(async (/** @type {import("@pulumi/pulumi/proto/provider_pb.js").UpdateRequest} */ request) => {
      const state = decode(request.getOlds());
      const inputs = keepIgnored(decode(request.getNews()), state, request.getIgnorechangesList());
      const resource = resourceOf(request.getUrn());
      const { update } = resource;
      if (!update) throw unimplemented(`updating '${typeOf(request.getUrn())}'`);
      const response = new messages.UpdateResponse();
      const outputs = operations.run(request, request.getPreview(), (operation) => update(operation, state, inputs));
      response.setProperties(encode(await outputs));
      return response;
    }),

    delete: handler(async (/** @type {import("@pulumi/pulumi/proto/provider_pb.js").DeleteRequest} */ request) => {
      const state = decode(request.getProperties());
      const resource = resourceOf(request.getUrn());
      await operations.run(request, false, async (operation) => resource.delete?.(operation, state));
      return new empty.Empty();
    }),

    cancel: handler(() => {
      operations.cancel();
      return new empty.Empty();
    }),
  });
}

/** Runs operations so that a cancellation, or a resource's own timeout, reaches all that are under way. */
function createOperations() {
  const cancelled = new AbortController();
  return {
    cancel: () => cancelled.abort(new Error("context canceled")),
    /**
     * @template Result
     * @param {{ getUrn(): string, getTimeout(): number, getId?(): string }} request
     * @param {boolean} preview
     * @param {(operation: Operation) => Promise<Result>} work
     */
    async run(request, preview, work) {
      const urn = request.getUrn();
      const log = createLog(urn);
      const deadline = new AbortController();
      const seconds = request.getTimeout();
      const expire = () => deadline.abort(new Error("context deadline exceeded"));
      const timer = seconds > 0 ? setTimeout(expire, seconds * 1000) : undefined;
      const signal = AbortSignal.any([cancelled.signal, deadline.signal]);
      try {
        const name = urn.split("::").slice(3).join("::");
        return await work({ name, id: request.getId?.() ?? "", preview, signal, log });
      } finally {
        clearTimeout(timer);
        await log.flushed();
      }
    },
  };
}

/** urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME @param {string} urn */
function typeOf(urn) {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

/** @param {structs.Struct | undefined} struct @returns {JsonObject} */
function decode(struct) {
  const value = normalize(/** @type {JsonObject} */ (struct?.toJavaScript() ?? {}));
  return isObject(value) ? value : {};
}

/** @param {JsonObject} value */
function encode(value) {
  return structs.Struct.fromJavaScript(value);
}

/** @param {JsonObject} inputs @param {JsonObject} state @param {string[]} ignored @returns {JsonObject} */
function keepIgnored(inputs, state, ignored) {
  const kept = ignored.filter((key) => key in state).map((key) => [key, state[key]]);
  return { ...inputs, ...Object.fromEntries(kept) };
}

/** @param {Diff} diff */
function encodeDiff(diff) {
  const response = new messages.DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  response.setChanges(diff.size > 0 ? DIFF_SOME : DIFF_NONE);
  response.setHasdetaileddiff(true);
  response.setDiffsList([...diff.keys()]);
  response.setReplacesList([...diff].filter(([, kind]) => kind.endsWith("REPLACE")).map(([path]) => path));
  for (const [path, kind] of diff) {
    const change = new messages.PropertyDiff();
    change.setKind(messages.PropertyDiff.Kind[kind]);
    response.getDetaileddiffMap().set(path, change);
  }
  return response;
}
