/** The parts of a stack's exported state that are read or changed here. */
export interface State {
  readonly deployment: {
    resources?: readonly Resource[];
    pending_operations?: readonly PendingOperation[];
  };
}

interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly outputs?: { readonly stdout?: string };
}

interface PendingOperation {
  readonly resource: Pick<Resource, "type">;
}

export function isRepeatable({ resource }: PendingOperation): boolean {
  return /^(command:(remote|local)|random:index\/\w+):/.test(resource.type);
}

/** What is on the server, and the texts that a preview compares with it: components/remoteStep.ts, Shown. */
export function isOnServer(type: string): boolean {
  return type.startsWith("command:remote:") || /^uwsgi-nginx:index:(Server|App)Files$/.test(type);
}

/** Whether the engine keeps it for itself: the stack and its providers. */
export function isRunByEngine(type: string): boolean {
  return type === "pulumi:pulumi:Stack" || type.startsWith("pulumi:providers:");
}
