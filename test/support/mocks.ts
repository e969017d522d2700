// The engine's double in the SDK: what components make, with its exact inputs and options.
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import * as sdkState from "@pulumi/pulumi/runtime/state";

interface Made {
  type: string;
  inputs: Record<string, unknown>;
}

export const made = new Map<string, Made>();
/** What previews show of texts that are secret only for what travels with them. */
export const texts = new Map<string, unknown>();
export const options = new Map<string, pulumi.CustomResourceOptions>();
export const password = "a".repeat(64);

export interface Cloud {
  /** Answers a look-up, by its name such as `aws:ec2/getAmi:getAmi`. */
  lookUp?: (token: string, inputs: Record<string, unknown>) => Record<string, unknown>;
  /** What a resource of this type has as outputs once it is made, besides its inputs. */
  outputs?: (type: string) => Record<string, unknown>;
}

/** Starts a run of the engine's double. Everything that is made is kept by its name. */
export async function startMocks(preview = false, { lookUp, outputs: cloudOutputs }: Cloud = {}): Promise<void> {
  made.clear();
  texts.clear();
  options.clear();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ name, type, inputs }) => {
        if (type === "uwsgi-nginx:index:Text") {
          texts.set(name, (inputs as { text: unknown }).text);
          return { id: undefined, state: {} };
        }
        made.set(name, { type, inputs: inputs as Record<string, unknown> });
        const stdout = name.startsWith("base-build-uwsgi") ? '{"uwsgi": "2.0.31", "python": "3.11.2"}' : "";
        const outputs = type.endsWith(":RandomPassword")
          ? { result: password }
          : type.startsWith("command:")
            ? { stdout, stderr: "" }
            : cloudOutputs?.(type);
        // As the engine does: in a preview nobody knows what a command will print.
        return { id: preview ? undefined : `${name}-id`, state: { ...inputs, ...(preview ? {} : outputs) } };
      },
      call: ({ token, inputs }) => lookUp?.(token, inputs as Record<string, unknown>) ?? {},
    },
    "uwsgi-nginx",
    "test",
    preview,
  );
  // The SDK's mocks say that they support hooks, and then wait for ever for one to be registered.
  const { getStore } = sdkState as unknown as { getStore: () => { callbacks: unknown } };
  const done = () => Promise.resolve();
  getStore().callbacks = { registerResourceHook: done, awaitStackRegistrations: done, shutdown: () => undefined };
}

export const recordOptions: pulumi.ComponentResourceOptions = {
  transformations: [
    (args) => {
      options.set(args.name, args.opts);
      return undefined;
    },
  ],
};

export function input(name: string): Record<string, unknown> {
  const resource = made.get(name);
  assert.ok(resource, `no resource ${name} was made, only ${[...made.keys()].join(", ")}`);
  return resource.inputs;
}

/** A secret arrives in an envelope. */
export function revealed(value: unknown): unknown {
  const envelope = value as { value?: unknown; "4dabf18193072939515e22adb298388d"?: string } | undefined;
  return envelope?.["4dabf18193072939515e22adb298388d"] === "1b47061264138c4ac30d75fd1eb44270" ? envelope.value : value;
}

export function settled<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}

/** Names of the resources that a resource waits for. */
export async function dependencies(name: string): Promise<string[]> {
  const dependsOn = options.get(name)?.dependsOn as pulumi.Resource[] | undefined;
  const urns = await Promise.all((dependsOn ?? []).map((resource) => settled(resource.urn)));
  return urns.map((urn) => urn.split("::").at(-1) ?? "").sort();
}
