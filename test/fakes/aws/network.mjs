// The network of the fake AWS: each address listens on the ports that its instance's firewall opens to the tests' machine,
// and leads to the instance. Ends when the account's folder is gone.
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { Cloud, lets } from "./account.mjs";

const [folder = ""] = process.argv.slice(2);
const cloud = new Cloud(folder);
/** @type {Map<string, import("node:net").Server>} by ADDRESS:PORT */
const listeners = new Map();
/** Where an instance's ports are on this machine. @type {Map<string, number>} */
const published = new Map();

function update() {
  if (!existsSync(cloud.file)) process.exit(0);
  const { addresses, instances, groups, client } = cloud.account;
  /** @type {Map<string, { ip: string, port: number, container: string }>} */
  const wanted = new Map();
  for (const { ip, instance: id } of Object.values(addresses)) {
    const instance = instances[id];
    if (instance?.state !== "running") continue;
    const rules = instance.groups.flatMap((group) => groups[group]?.ingress ?? []);
    for (const port of [22, 80, 443]) {
      if (lets(rules, port, client)) wanted.set(`${ip}:${port} ${id}`, { ip, port, container: instance.container });
    }
  }
  for (const [key, server] of listeners) {
    if (wanted.has(key)) continue;
    server.close();
    listeners.delete(key);
  }
  for (const [key, { ip, port, container }] of wanted) {
    if (listeners.has(key)) continue;
    const server = createServer((incoming) => {
      const outgoing = connect(publishedPort(container, port), "127.0.0.1");
      incoming.pipe(outgoing).pipe(incoming);
      incoming.on("error", () => outgoing.destroy());
      outgoing.on("error", () => incoming.destroy());
      outgoing.on("close", () => incoming.destroy());
    });
    server.on("error", () => listeners.delete(key)); // its former instance's listener is still closing: again next time
    server.listen(port, ip);
    listeners.set(key, server);
  }
}

/** @param {string} container @param {number} port */
function publishedPort(container, port) {
  const key = `${container} ${port}`;
  const known = published.get(key) ?? Number(cloud.engine("port", container, `${port}/tcp`).split(":").at(-1));
  published.set(key, known);
  return known;
}

setInterval(update, 100);
