import { isObject, open, unknown } from "../../../toolchain/offline/plugins/protocol/values";

/** @typedef {import("../../../toolchain/offline/plugins/protocol/values").Json} Json */
/** @typedef {import("./shapes").Shape} Shape */

/**
 * What does not have the shape that the SDK's types give.
 * @param {Shape} shape
 * @param {Json | undefined} given
 * @param {string} path
 * @returns {{ property: string, reason: string }[]}
 */
export function failures(shape, given, path = "") {
  const value = open(given);
  if (value === undefined || value === unknown) return [];
  if (typeof shape === "string") {
    return typeof value === shape
      ? []
      : [{ property: path, reason: `must be a ${shape}, not ${JSON.stringify(value)}` }];
  }
  if ("list" in shape) {
    if (!Array.isArray(value)) return [{ property: path, reason: "must be a list" }];
    return value.flatMap((item, index) => failures(shape.list, item, `${path}[${index}]`));
  }
  if (!isObject(value)) return [{ property: path, reason: "must be an object" }];
  if ("map" in shape)
    return Object.entries(value).flatMap(([key, item]) => failures(shape.map, item, `${path}.${key}`));
  const unknownOnes = Object.keys(value).filter((key) => !(key in shape.fields) && !key.startsWith("__"));
  return [
    ...unknownOnes.map((key) => ({
      property: key,
      reason: `@pulumi/aws knows no input '${path ? `${path}.` : ""}${key}'`,
    })),
    ...Object.entries(shape.fields).flatMap(([key, { required, shape: inner }]) =>
      required && value[key] === undefined
        ? [{ property: key, reason: `Missing required argument ${key}` }]
        : failures(inner, value[key], path ? `${path}.${key}` : key),
    ),
  ];
}
