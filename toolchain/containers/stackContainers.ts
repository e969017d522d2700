import { succeeds } from "../common/run";
import { engineLines, engineOutput, readContainers } from "./containerEngine";

interface StackContainers {
  readonly engine: string;
  readonly options: readonly string[];
  /** `state`: the first word that the engine prints, in lower case. */
  readonly containers: readonly { readonly id: string; readonly state: string }[];
}

/** The containers that assets/scripts/container-server.sh has created for a stack of this checkout, in any state. */
async function stackContainers(root: string, stack: string): Promise<StackContainers> {
  const [engine, ...options] = (await readContainers(root))?.command ?? [];
  if (engine === undefined) return { engine: "", options, containers: [] };
  const filters = [`label=uwsgi-nginx.folder=${root}`, `label=uwsgi-nginx.stack=${stack}`];
  const lines = await engineLines(engine, [
    ...[...options, "ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.State}}"],
    ...filters.flatMap((filter) => ["--filter", filter]),
  ]);
  // Docker prints "exited"; Podman prints "Exited (0) 5 seconds ago".
  return {
    engine,
    options,
    containers: lines
      .map((line) => line.split(" "))
      .map(([id = "", state = ""]) => ({ id, state: state.toLowerCase() })),
  };
}

/** Starts the stack's stopped containers, as after a restart of the computer. Returns the ids of all of them. */
export async function startContainers(root: string, stack: string): Promise<string[]> {
  const { engine, options, containers } = await stackContainers(root, stack);
  const stopped = containers.filter(({ state }) => ["exited", "created"].includes(state)).map(({ id }) => id);
  if (stopped.length > 0) await engineOutput(engine, [...options, "start", ...stopped]);
  return containers.map(({ id }) => id);
}

/** Removes what a destroyed stack may have left: a container that was being created when the engine was killed. */
export async function removeContainers(root: string, stack: string): Promise<void> {
  const { engine, options, containers } = await stackContainers(root, stack);
  const ids = containers.map(({ id }) => id);
  if (ids.length > 0) await engineOutput(engine, [...options, "rm", "--force", "--volumes", ...ids]);
}

/** Whether the container engine works and does not know the container. */
export async function isGone(root: string, id: string): Promise<boolean> {
  const [engine, ...options] = (await readContainers(root))?.command ?? [];
  if (engine === undefined || (await succeeds(engine, [...options, "container", "inspect", id]))) return false;
  return succeeds(engine, [...options, "ps"]);
}
