// The name that tests of the offline plugins import.
export { TestServer as SshHost } from "./testServer";
export type { Connection, TestServerOptions as SshHostOptions } from "./testServer";
