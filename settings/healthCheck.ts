import { z } from "zod";
import { setting, wholeNumber } from "./setting";

/** The request that decides whether a release works. */
export const healthCheckSchema = z
  .strictObject({
    path: setting(
      z
        .string()
        .regex(/^\/[\w./~%&?=+,:@-]*$/)
        .default("/"),
      {
        meaning: "Path that the health check requests before and after a release goes live.",
        allowed: "a URL path that starts with /",
      },
    ),
    contains: setting(
      z
        .string()
        .regex(/^[^\r\n]*$/)
        .max(200)
        .default(""),
      {
        meaning: "Text that the response body must contain. An empty body always fails.",
        allowed: "a text of at most 200 characters on one line",
        defaultText: "none",
      },
    ),
    timeoutSeconds: setting(wholeNumber(1, 300).default(10), {
      meaning: "Seconds that a release has to load and to respond.",
      allowed: "a whole number from 1 to 300",
    }),
  })
  .prefault({});
