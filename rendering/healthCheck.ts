import type { HealthCheckSettings } from "../settings/healthCheck";

/** What a health check sends and what it expects, for the stack's outputs. */
export interface HealthCheck {
  path: string;
  /** The Host header. */
  host: string;
  /** Statuses that are expected; any from 200 to 399 if it is left out. */
  status?: readonly number[];
  /** Text that the body must contain, if any. */
  contains?: string;
}

export function healthCheckWith(host: string, { path, status, contains }: HealthCheckSettings): HealthCheck {
  return {
    ...{ path, host },
    ...(status === undefined ? {} : { status: [status].flat() }),
    ...(contains === "" ? {} : { contains }),
  };
}

/** What a preview says about it. */
export function healthCheckText({ path, host, status, contains, timeoutSeconds }: HealthCheckSettings): string {
  return [
    `GET ${path}`,
    ...(host === undefined ? [] : [` (Host: ${host})`]),
    ` within ${timeoutSeconds} s`,
    ...(status === undefined ? [] : [`, with status ${[status].flat().join(" or ")}`]),
    ...(contains === "" ? [] : [`, containing "${contains}"`]),
  ].join("");
}
