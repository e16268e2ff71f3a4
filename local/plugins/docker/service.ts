/** The resource `docker:index/service:Service`: a service of a Swarm, and the wait until it has become what it should be. */
import { setTimeout as pause } from "node:timers/promises";
import type Docker from "dockerode";
import { type Bag, isBag } from "../bag.ts";
import type { Call } from "../provider.ts";
import type { Engine } from "./engine.ts";
import type { Kind } from "./kind.ts";
import { serviceSpec } from "./service-spec.ts";
import { found, idOf, remove } from "./simple-kinds.ts";
import { nanoseconds, number, text } from "./values.ts";

interface Task {
  readonly ID: string;
  readonly DesiredState: string;
  readonly Spec: { readonly ContainerSpec?: { readonly Image?: string } };
  readonly Status: { readonly State: string; readonly Err?: string; readonly Timestamp: string };
  readonly CreatedAt: string;
}
interface Live {
  readonly Version: { readonly Index: number };
  readonly Spec: Docker.ServiceSpec;
  readonly UpdateStatus?: { readonly State?: string; readonly StartedAt?: string; readonly Message?: string };
}

export const service: Kind = {
  inputs: ["convergeConfig", "endpointSpec", "labels", "mode", "name", "rollbackConfig", "taskSpec", "updateConfig"],
  inPlace: ["convergeConfig", "endpointSpec", "labels", "mode", "rollbackConfig", "taskSpec", "updateConfig"],
  isNamed: true,
  results: [],

  async create(engine, inputs, call) {
    const id = idOf(await engine.docker.createService(serviceSpec(inputs)));
    try {
      if (isBag(inputs["convergeConfig"])) await converge(engine, id, inputs, call);
    } catch (error) {
      // As the official plugin has it: what never worked is taken away again.
      await remove(() => engine.docker.getService(id).remove());
      await gone(engine, id);
      throw error;
    }
    return { id, results: {} };
  },

  async update(engine, id, inputs, call) {
    const there = engine.docker.getService(id);
    const before = (await there.inspect()) as Live;
    await there.update({ version: before.Version.Index, ...serviceSpec(inputs) });
    if (!isBag(inputs["convergeConfig"])) return {};
    const after = (await there.inspect()) as Live;
    const replacesTasks = whatTasksAre(before) !== whatTasksAre(after);
    await converge(engine, id, inputs, call, { replacesTasks, before: before.UpdateStatus?.StartedAt });
    return {};
  },

  async read({ docker }, id) {
    return (await found(() => docker.getService(id).inspect())) && {};
  },

  async delete(engine, id) {
    await remove(() => engine.docker.getService(id).remove());
    await gone(engine, id);
  },
};

/** What Swarm makes new tasks for if it changes. Not where they may run: those that are in such a place stay. */
function whatTasksAre({ Spec }: Live): string {
  return JSON.stringify([{ ...Spec.TaskTemplate, Placement: undefined }, Spec.EndpointSpec]);
}

const tasksOf = async ({ docker }: Engine, id: string): Promise<Task[]> =>
  (await docker.listTasks({ filters: JSON.stringify({ service: [id] }) })) as unknown as Task[];

/** Waits until no container of the service is left: its networks, secrets and images are in use until then. */
async function gone({ docker }: Engine, id: string): Promise<void> {
  const filters = JSON.stringify({ label: [`com.docker.swarm.service.id=${id}`] });
  for (const end = Date.now() + 60_000; Date.now() < end; await pause(250)) {
    if ((await docker.listContainers({ all: true, filters })).length === 0) return;
  }
  throw new Error(`the containers of the service ${id} have not ended within 60 s`);
}

/**
 * Waits until as many tasks run as there should be, and an update has completed.
 *
 * @param update of a service that was there: whether it replaces tasks, and when the one before it began
 * @throws when the update was rolled back or paused, or did not end in time, with the reason
 */
async function converge(
  engine: Engine,
  id: string,
  inputs: Bag,
  call: Call,
  update?: { readonly replacesTasks: boolean; readonly before: string | undefined },
): Promise<void> {
  const began = Date.now();
  let shown = "";
  const name = text(inputs, "name")!;
  const timeout = nanoseconds(text(inputs, "convergeConfig", "timeout") ?? "3m")! / 1e6;
  const replicas = number(inputs, "mode", "replicated", "replicas") ?? 1;
  for (;;) {
    call.signal.throwIfAborted();
    const live = (await engine.docker.getService(id).inspect()) as Live;
    const tasks = await tasksOf(engine, id);
    const isOfThis = update !== undefined && live.UpdateStatus?.StartedAt !== update.before;
    const state = isOfThis ? live.UpdateStatus?.State : undefined;
    if (state === "rollback_completed") {
      throw new Error(`the update of ${name} failed and was rolled back: ${reason(tasks, began)}`);
    }
    if (state === "paused" || state === "rollback_paused") {
      throw new Error(
        `the update of ${name} is ${state.replace("_", " ")}: ${reason(tasks, began)}; mend it and run pulumi up again`,
      );
    }
    const running = tasks.filter(
      ({ DesiredState, Status }) => DesiredState === "running" && Status.State === "running",
    );
    // Swarm begins a moment later; until then the tasks of before run, all of them.
    const isStill = state === "completed" || (state === undefined && update?.replacesTasks !== true);
    if (isStill && running.length === replicas) return;
    const failed = tasks.filter((task) => hasFailed(task) && Date.parse(task.Status.Timestamp) >= began - 1000);
    if (update === undefined && running.length === 0 && failed.length >= Math.max(3, replicas)) {
      throw new Error(`the service ${name} does not start: ${reason(tasks, began)}`);
    }
    if (Date.now() - began > timeout) {
      throw new Error(
        `the service ${name} has not converged within ${timeout / 1000} s, ${running.length} of ${replicas} tasks run: ${reason(tasks, began)}`,
      );
    }
    const status =
      state?.startsWith("rollback") === true ? "rolling back" : `${running.length} of ${replicas} tasks run`;
    if (status !== shown) call.status((shown = status));
    await pause(250);
  }
}

const hasFailed = ({ Status }: Task): boolean => ["failed", "rejected"].includes(Status.State);

/** The last thing that went wrong with a task. */
function reason(tasks: readonly Task[], since: number): string {
  const times = ({ Status }: Task): number => Date.parse(Status.Timestamp);
  const bad = tasks
    .filter(({ Status }) => (Status.Err ?? "") !== "")
    .filter((task) => times(task) >= since - 1000)
    .sort((a, b) => times(a) - times(b));
  return bad.at(-1)?.Status.Err ?? "its tasks did not get healthy";
}
