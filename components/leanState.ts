import * as pulumi from "@pulumi/pulumi";
// Not an import, of which bundlers make a copy.
// eslint-disable-next-line @typescript-eslint/no-require-imports
import debuggable = require("@pulumi/pulumi/runtime/debuggable");

/** Missing in the SDK's types. */
interface Debuggable {
  debugPromiseLeaks: boolean;
  debuggablePromise: (promise: Promise<unknown>, context?: unknown) => Promise<unknown>;
}

/**
 * Makes the SDK record no stack traces. Both functions are private in the SDK.
 *
 * For each resource it would put the lines of the program that lead to it into the state, a kilobyte that changes with the
 * program and that nothing reads here. A test checks that the state has no stack traces.
 *
 * With each of its promises it would keep a stack trace for PULUMI_DEBUG_PROMISE_LEAKS. With source maps, these take a fifth
 * of the time of a program with many resources.
 */
export function recordNoStackTraces(): void {
  Object.assign(pulumi.Resource, { callsites: () => [] });
  const { debugPromiseLeaks, debuggablePromise } = debuggable as unknown as Debuggable;
  if (!debugPromiseLeaks) Object.assign(debuggable, { debuggablePromise: withoutStackTrace(debuggablePromise) });
}

function withoutStackTrace<Args extends unknown[], Result>(call: (...args: Args) => Result) {
  return (...args: Args): Result => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      return call(...args);
    } finally {
      Error.stackTraceLimit = limit;
    }
  };
}
