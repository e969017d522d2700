import { z } from "zod";
import { domainPattern, setting, wholeNumber } from "./setting";

/** A name or address, as in a URL. */
const hostPattern = new RegExp(`^(${domainPattern.source.slice(1, -1)}|\\[[0-9a-f:.]+\\])(:[0-9]{1,5})?$`, "i");

const statusCode = wholeNumber(100, 599);

/** The request that decides whether a release works. */
export const healthCheckSchema = z
  .strictObject({
    path: setting(
      z
        .string()
        .regex(/^\/[\w./~%&?=+,:@-]*$/)
        .default("/"),
      {
        meaning:
          "Path that the health check requests before and after a release goes live, and `npm start` at its end.",
        allowed: "a URL path that starts with /",
      },
    ),
    host: setting(z.string().max(260).regex(hostPattern).optional(), {
      meaning: "Host header of the health check, which the app has to allow (`ALLOWED_HOSTS` in Django).",
      allowed: "a name or an address, with a port if there is one in the app's URL",
      defaultText: "that of the app's URL: its first domain, or the server's address",
    }),
    status: setting(z.union([statusCode, z.array(statusCode).min(1)]).optional(), {
      meaning: "Status that the response must have, such as 401 if every page needs a login.",
      allowed: "a whole number from 100 to 599, or a list of them",
      defaultText: "any from 200 to 399",
    }),
    contains: setting(
      z
        .string()
        .regex(/^[^\r\n]*$/)
        .max(200)
        .default(""),
      {
        meaning: "Text that the response body must contain. An empty body with status 200 always fails.",
        allowed: "a text of at most 200 characters on one line",
        defaultText: "none",
      },
    ),
    timeoutSeconds: setting(wholeNumber(1, 300).default(30), {
      meaning: "Seconds that a release has to load and to respond.",
      allowed: "a whole number from 1 to 300",
    }),
  })
  .prefault({});

export type HealthCheckSettings = z.output<typeof healthCheckSchema>;
