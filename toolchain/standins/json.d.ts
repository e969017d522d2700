// In a file of its own because a JSDoc type cannot name itself inside an array.
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}
