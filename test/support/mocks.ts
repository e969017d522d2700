// The SDK's mocks of the engine: the resources that components create, with their exact inputs and options.
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { specialSecretSig, specialSigKey } from "@pulumi/pulumi/runtime/rpc";
import * as sdkState from "@pulumi/pulumi/runtime/state";

interface Made {
  type: string;
  inputs: Record<string, unknown>;
}

export const made = new Map<string, Made>();
export const options = new Map<string, pulumi.CustomResourceOptions>();
export const password = "a".repeat(64);

export interface Cloud {
  /** The result of a look-up, by its name such as `aws:ec2/getAmi:getAmi`. */
  lookUp?: (token: string, inputs: Record<string, unknown>) => Record<string, unknown>;
  /** Outputs of a created resource of this type, besides its inputs. */
  outputs?: (type: string) => Record<string, unknown>;
}

/** Starts a run. All created resources are recorded by their names. */
export async function startMocks(preview = false, { lookUp, outputs: cloudOutputs }: Cloud = {}): Promise<void> {
  made.clear();
  options.clear();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ name, type, inputs }) => {
        made.set(name, { type, inputs: inputs as Record<string, unknown> });
        const stdout = name === "base-server" ? '{"3": {"uwsgi": "2.0.31", "python": "3.11.2"}}' : "";
        const outputs = type.endsWith(":RandomPassword")
          ? { result: password }
          : type.startsWith("command:")
            ? { stdout, stderr: "" }
            : cloudOutputs?.(type);
        // As in the engine, the output of a command is not known in a preview.
        return { id: preview ? undefined : `${name}-id`, state: { ...inputs, ...(preview ? {} : outputs) } };
      },
      call: ({ token, inputs }) => lookUp?.(token, inputs as Record<string, unknown>) ?? {},
    },
    "uwsgi-nginx",
    "test",
    preview,
  );
  // The SDK's mocks claim to support hooks, but then wait forever for one to be registered.
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
  assert.ok(resource, `expected a resource ${name}, but only these were created: ${[...made.keys()].join(", ")}`);
  return resource.inputs;
}

/** The value of a secret, which the SDK sends in an envelope. */
export function revealed(value: unknown): unknown {
  const envelope = value as { value?: unknown; [specialSigKey]?: string } | undefined;
  return envelope?.[specialSigKey] === specialSecretSig ? envelope.value : value;
}

export function settled<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}

/** Names of the resources that a resource depends on. */
export async function dependencies(name: string): Promise<string[]> {
  const dependsOn = options.get(name)?.dependsOn as pulumi.Resource[] | undefined;
  const urns = await Promise.all((dependsOn ?? []).map((resource) => settled(resource.urn)));
  return urns.map((urn) => urn.split("::").at(-1) ?? "").sort();
}
