// An account of the fake AWS: a file that the plugin, the network and the tests read and write.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ipaddr from "ipaddr.js";

/** @typedef {{ operation: string, error: string, times: number }} Fault an answer to the next requests */
/** @typedef {{ protocol: string, fromPort: number, toPort: number, cidrBlocks?: string[], ipv6CidrBlocks?: string[] }} Rule */
/** @typedef {{ state: "running" | "stopped" | "terminated", container: string, groups: string[], protected: boolean, keyName: string, ami: string, volumeGib: number }} Instance */
/**
 * @typedef {object} Account
 * @property {string} client address that the machine of the tests seems to have
 * @property {{ command: string[], runOptions: string[] }} containers how instances are run
 * @property {{ id: string, owner: string, name: string, architecture: string, platform: string, container: string }[]} images newest first; `container` is the image that stands in
 * @property {Record<string, string[]>} instanceTypes their architectures
 * @property {Record<string, { vpcId: string, ipv6CidrBlock: string, routeTable?: string }>} subnets
 * @property {Record<string, { vpcId: string, main: boolean, routes: { cidrBlock: string, gatewayId: string }[] }>} routeTables
 * @property {Record<string, string>} zones ids by name
 * @property {Fault[]} faults
 * @property {Record<string, Instance>} instances
 * @property {Record<string, { ingress: Rule[] }>} groups
 * @property {Record<string, { publicKey: string }>} keyPairs
 * @property {Record<string, { ip: string, instance: string }>} addresses
 * @property {Record<string, Record<string, unknown>>} others what only has to be there: roles, records
 */

export class Cloud {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
    this.file = join(folder, "account.json");
  }

  /** @returns {Account} */
  get account() {
    return JSON.parse(readFileSync(this.file, "utf8"));
  }

  /**
   * @template Result
   * @param {(account: Account) => Result} change
   */
  change(change) {
    const account = this.account;
    const result = change(account);
    const draft = `${this.file}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(account, null, 2));
    renameSync(draft, this.file);
    return result;
  }

  /**
   * One request to the API: it may be told to fail.
   * @template Result
   * @param {string} operation as AWS calls it
   * @param {(account: Account) => Result} answer
   */
  request(operation, answer) {
    return this.change((account) => {
      const fault = account.faults.find((it) => it.operation === operation && it.times > 0);
      if (!fault) return answer(account);
      fault.times--;
      return new Refusal(operation, fault.error);
    });
  }

  /** @param {string[]} args */
  engine(...args) {
    const [command = "", ...options] = this.account.containers.command;
    return execFileSync(command, [...options, ...args], { encoding: "utf8" }).trim();
  }

  /**
   * Makes and starts what an instance is: a server whose cloud-init reads this user-data.
   * @param {string} id
   * @param {string} image
   * @param {{ userData: string, publicKey: string }} first
   */
  launch(id, image, { userData, publicKey }) {
    const seed = join(this.folder, id);
    mkdirSync(seed, { recursive: true, mode: 0o700 });
    writeFileSync(join(seed, "user-data"), userData, { mode: 0o600 });
    writeFileSync(join(seed, "meta-data"), JSON.stringify({ "instance-id": id, "public-keys": [publicKey] }));
    const { runOptions } = this.account.containers;
    const ports = [22, 80, 443].map((port) => `--publish=127.0.0.1::${port}`);
    const label = `--label=uwsgi-nginx.cloud=${this.folder}`;
    const volume = `--volume=${seed}:/var/lib/cloud/seed/nocloud:ro`;
    return this.engine("run", "--detach", ...runOptions, `--name=${containerName(id)}`, label, ...ports, volume, image);
  }

  /** Stops or starts it, as in AWS's console. @param {string} id @param {"running" | "stopped"} state */
  turn(id, state) {
    this.engine(...(state === "running" ? ["start"] : ["stop", "--time=5"]), containerName(id));
    this.change(({ instances }) => {
      const instance = instances[id];
      if (instance) instance.state = state;
    });
  }

  /** @param {string} id */
  terminate(id) {
    const name = containerName(id);
    try {
      this.engine("rm", "--force", "--time=0", "--volumes", name);
    } catch (error) {
      if (!/no such container/i.test(String(error))) throw error;
    }
    rmSync(join(this.folder, id), { recursive: true, force: true });
    this.change(({ instances }) => {
      const instance = instances[id];
      if (instance) instance.state = "terminated";
    });
  }

  /** Makes addresses lead to instances, as long as the folder is there. */
  startNetwork() {
    if (existsSync(join(this.folder, "network.pid"))) return;
    const child = spawn(process.execPath, [join(this.folder, "network.mjs"), this.folder], {
      detached: true,
      stdio: "ignore",
    });
    child.unref();
    writeFileSync(join(this.folder, "network.pid"), String(child.pid));
  }
}

/** What AWS answers when it refuses, in the words of the provider. */
export class Refusal extends Error {
  /**
   * @param {string} operation
   * @param {string} error CODE: message
   */
  constructor(operation, error) {
    super(`operation error ${operation}, https response error StatusCode: 400, api error ${error}`);
  }
}

/** @param {string} prefix */
export function newId(prefix) {
  return `${prefix}-0${randomBytes(8).toString("hex")}`;
}

/** @param {string} id */
function containerName(id) {
  return `uwsgi-nginx-cloud-${id}`;
}

/**
 * Whether a security group lets a client in.
 * @param {Rule[]} rules
 * @param {number} port
 * @param {string} client
 */
export function lets(rules, port, client) {
  const address = ipaddr.parse(client);
  return rules.some(
    ({ fromPort, toPort, cidrBlocks = [], ipv6CidrBlocks = [] }) =>
      fromPort <= port &&
      port <= toPort &&
      [...cidrBlocks, ...ipv6CidrBlocks].some((cidr) => {
        const [network, prefix] = ipaddr.parseCIDR(cidr);
        return network.kind() === address.kind() && address.match(network, prefix);
      }),
  );
}
