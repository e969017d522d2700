// The fake pulumi-resource-aws, for tests and the demonstration only: it serves what servers/aws uses,
// takes no input that the SDK's types do not have, and behaves in the ways of AWS that hurt. Its account is the folder
// FAKE_AWS.
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { serveProvider } from "../../../toolchain/offline/plugins/protocol/provider";
import { changes, reveal, unknown } from "../../../toolchain/offline/plugins/protocol/values";
import { Cloud, newId, Refusal } from "./account.mjs";
import { failures } from "./failures.mjs";

/** @typedef {import("../../../toolchain/offline/plugins/protocol/values").JsonObject} JsonObject */
/** @typedef {import("./shapes").Shape} Shape */
/** @typedef {import("../../../toolchain/offline/plugins/protocol/provider").Operation} Operation */
/** @typedef {import("./account.mjs").Account} Account */
/**
 * @typedef {object} Kind of resource
 * @property {string[]} replaces inputs whose change makes another
 * @property {(state: any, inputs: any) => string[]} [alsoReplaces] those that do so at times
 * @property {string[]} computed outputs that are known only once it is made
 * @property {(inputs: any, operation: Operation) => { id: string, outputs: JsonObject }} create
 * @property {(id: string, inputs: any, state: any) => void} [update]
 * @property {(id: string, state: any) => void} delete
 * @property {(account: Account, id: string) => JsonObject | undefined} read what a refresh finds that may have changed
 */

const folder = process.env.FAKE_AWS ?? "";
const cloud = new Cloud(folder);
/** @type {{ shapes: Record<string, Shape> }} */
const { shapes } = JSON.parse(readFileSync(join(folder, "shapes.json"), "utf8"));

/**
 * @template Result
 * @param {string} operation
 * @param {(account: Account) => Result} answer
 */
function ask(operation, answer) {
  const result = cloud.request(operation, answer);
  if (result instanceof Refusal) throw result;
  return result;
}

/** @type {Record<string, Kind>} */
const kinds = {
  "aws:ec2/keyPair:KeyPair": {
    replaces: ["keyName", "publicKey"],
    computed: ["keyName"],
    create({ keyName, publicKey }, { name }) {
      const id = keyName ?? `${name}-${newId("k").slice(-7)}`;
      ask("EC2: ImportKeyPair", ({ keyPairs }) => {
        if (!/^ssh-(ed25519|rsa) /.test(publicKey))
          throw new Refusal("EC2: ImportKeyPair", "InvalidKey.Format: no key");
        if (keyPairs[id]) {
          throw new Refusal("EC2: ImportKeyPair", `InvalidKeyPair.Duplicate: The keypair already exists: ${id}`);
        }
        keyPairs[id] = { publicKey };
      });
      return { id, outputs: { keyName: id } };
    },
    delete: (id) => ask("EC2: DeleteKeyPair", ({ keyPairs }) => void delete keyPairs[id]),
    read: ({ keyPairs }, id) => keyPairs[id] && {},
  },

  "aws:ec2/securityGroup:SecurityGroup": {
    replaces: ["name", "description", "vpcId"],
    computed: ["name", "vpcId", "arn"],
    create({ ingress = [], vpcId = "vpc-default" }, { name }) {
      const id = newId("sg");
      ask("EC2: CreateSecurityGroup", ({ groups }) => void (groups[id] = { ingress }));
      return { id, outputs: { name: `${name}-${id.slice(-7)}`, vpcId, arn: `arn:aws:ec2:::${id}` } };
    },
    update: (id, { ingress = [] }) =>
      ask("EC2: AuthorizeSecurityGroupIngress", ({ groups }) => void (groups[id] = { ingress })),
    delete: (id) =>
      ask("EC2: DeleteSecurityGroup", ({ groups, instances }) => {
        const used = Object.values(instances).some((it) => it.state !== "terminated" && it.groups.includes(id));
        if (used)
          throw new Refusal("EC2: DeleteSecurityGroup", `DependencyViolation: resource ${id} has a dependent object`);
        delete groups[id];
      }),
    read: ({ groups }, id) => groups[id] && { ingress: groups[id].ingress },
  },

  "aws:ec2/instance:Instance": {
    // With userDataReplaceOnChange, which the program always sets.
    replaces: ["ami", "subnetId", "keyName", "userData", "rootBlockDevice.encrypted", "ipv6AddressCount"],
    // As the provider has it: a type that cannot run what the former did.
    alsoReplaces(state, inputs) {
      const { instanceTypes } = cloud.account;
      const [before, now] = [instanceTypes[state.instanceType], instanceTypes[inputs.instanceType]];
      return before && now && !before.some((architecture) => now.includes(architecture)) ? ["instanceType"] : [];
    },
    computed: ["privateIp", "primaryNetworkInterfaceId", "instanceState", "arn"],
    create(inputs) {
      const id = newId("i");
      const { publicKey, image } = ask("EC2: RunInstances", ({ images, instanceTypes, keyPairs, groups }) => {
        const refuse = (/** @type {string} */ error) => new Refusal("EC2: RunInstances", error);
        const image = images.find((it) => it.id === inputs.ami);
        if (!image) throw refuse(`InvalidAMIID.NotFound: The image id '[${inputs.ami}]' does not exist`);
        const architectures = instanceTypes[inputs.instanceType];
        if (!architectures)
          throw refuse(`InvalidParameterValue: Invalid value '${inputs.instanceType}' for InstanceType`);
        if (!architectures.includes(image.architecture)) throw refuse("InvalidParameterValue: architecture mismatch");
        const keyPair = keyPairs[inputs.keyName];
        if (!keyPair) throw refuse(`InvalidKeyPair.NotFound: The key pair '${inputs.keyName}' does not exist`);
        for (const group of inputs.vpcSecurityGroupIds ?? []) {
          if (!groups[group]) throw refuse(`InvalidGroup.NotFound: The security group '${group}' does not exist`);
        }
        if (Buffer.byteLength(inputs.userData) > 16384)
          throw refuse("InvalidParameterValue: User data is limited to 16384 bytes");
        return { publicKey: keyPair.publicKey, image };
      });
      const container = cloud.launch(id, image.container, { userData: inputs.userData, publicKey });
      cloud.change(({ instances }) => {
        instances[id] = {
          state: "running",
          container,
          groups: inputs.vpcSecurityGroupIds ?? [],
          protected: inputs.disableApiTermination === true,
          keyName: inputs.keyName,
          ami: inputs.ami,
          volumeGib: inputs.rootBlockDevice.volumeSize,
        };
      });
      const outputs = { privateIp: "10.0.0.7", primaryNetworkInterfaceId: newId("eni"), instanceState: "running" };
      return { id, outputs: { ...outputs, arn: `arn:aws:ec2:::instance/${id}` } };
    },
    update(id, inputs, state) {
      /** @param {string} operation @param {(instance: import("./account.mjs").Instance, account: Account) => void} change */
      const modify = (operation, change) =>
        ask(operation, (account) => {
          const instance = account.instances[id];
          if (!instance || instance.state === "terminated")
            throw new Refusal(operation, `InvalidInstanceID.NotFound: ${id}`);
          change(instance, account);
        });
      modify("EC2: ModifyInstanceAttribute", (instance) => {
        instance.groups = inputs.vpcSecurityGroupIds ?? [];
        instance.protected = inputs.disableApiTermination === true;
      });
      // Another type only fits a stopped instance, and whether there is one of this name AWS says afterwards.
      if (inputs.instanceType !== state.instanceType) {
        cloud.turn(id, "stopped");
        modify("EC2: ModifyInstanceAttribute", (_, { instanceTypes }) => {
          if (instanceTypes[inputs.instanceType]) return;
          const invalid = `InvalidParameterValue: Invalid value '${inputs.instanceType}' for InstanceType.`;
          throw new Refusal("EC2: ModifyInstanceAttribute", invalid);
        });
        ask("EC2: StartInstances", () => undefined);
        cloud.turn(id, "running");
      }
      if (inputs.rootBlockDevice.volumeSize !== state.rootBlockDevice.volumeSize) {
        modify("EC2: ModifyVolume", (instance) => {
          if (inputs.rootBlockDevice.volumeSize < instance.volumeGib) {
            const invalid = "InvalidParameterValue: New size cannot be smaller than existing size";
            throw new Refusal("EC2: ModifyVolume", invalid);
          }
          instance.volumeGib = inputs.rootBlockDevice.volumeSize;
        });
      }
    },
    delete(id, { forceDestroy }) {
      const gone = ask("EC2: TerminateInstances", ({ instances }) => {
        const instance = instances[id];
        if (!instance || instance.state === "terminated") return true;
        if (instance.protected && !forceDestroy) {
          throw new Refusal(
            "EC2: TerminateInstances",
            `OperationNotPermitted: The instance '${id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
          );
        }
        return false;
      });
      if (!gone) cloud.terminate(id);
    },
    read: ({ instances }, id) => (["running", "stopped"].includes(instances[id]?.state ?? "") ? {} : undefined),
  },

  "aws:ec2transitgateway/instanceState:InstanceState": {
    replaces: ["instanceId"],
    computed: [],
    create: ({ instanceId, state }) => (turn(instanceId, state), { id: instanceId, outputs: {} }),
    update: (id, { state }) => turn(id, state),
    // It leaves the instance as it is.
    delete: () => undefined,
    read: ({ instances }, id) =>
      ["running", "stopped"].includes(instances[id]?.state ?? "") ? { state: instances[id]?.state ?? "" } : undefined,
  },

  "aws:ec2/eip:Eip": {
    replaces: ["domain"],
    computed: ["publicIp", "allocationId", "associationId"],
    create({ instance = "" }) {
      const id = newId("eipalloc");
      const ip = ask("EC2: AllocateAddress", (account) => {
        // Of this machine's own network, and any: another account may be in use here at the same time.
        const ip = `127.77.${randomInt(256)}.${randomInt(1, 255)}`;
        requireInstance(account, instance);
        account.addresses[id] = { ip, instance };
        return ip;
      });
      cloud.startNetwork();
      return { id, outputs: { publicIp: ip, allocationId: id, associationId: newId("eipassoc") } };
    },
    update: (id, { instance = "" }) =>
      ask("EC2: AssociateAddress", (account) => {
        requireInstance(account, instance);
        const address = account.addresses[id];
        if (address) address.instance = instance;
      }),
    delete: (id) => ask("EC2: ReleaseAddress", ({ addresses }) => void delete addresses[id]),
    read: ({ addresses }, id) => addresses[id] && {},
  },

  "aws:route53/record:Record": other("Route 53: ChangeResourceRecordSets", ["zoneId", "name", "type"], ["fqdn"]),
  "aws:iam/role:Role": other("IAM: CreateRole", ["name", "path"], ["name", "arn"]),
  "aws:iam/rolePolicy:RolePolicy": other("IAM: PutRolePolicy", ["name", "role"], ["name"]),
  "aws:iam/instanceProfile:InstanceProfile": other("IAM: CreateInstanceProfile", ["name", "path"], ["name", "arn"]),
};

/** @param {string} id @param {"running" | "stopped"} state */
function turn(id, state) {
  if (cloud.account.instances[id]?.state === state) return;
  ask(state === "running" ? "EC2: StartInstances" : "EC2: StopInstances", () => undefined);
  cloud.turn(id, state);
}

/** @param {Account} account @param {string} id */
function requireInstance({ instances }, id) {
  if (id && !["running", "stopped"].includes(instances[id]?.state ?? "")) {
    throw new Refusal("EC2: AssociateAddress", `InvalidInstanceID: The instance '${id}' is not in a valid state`);
  }
}

/**
 * What only has to be there.
 * @param {string} operation
 * @param {string[]} replaces
 * @param {string[]} computed
 * @returns {Kind}
 */
function other(operation, replaces, computed) {
  return {
    replaces,
    computed,
    create(inputs, { name }) {
      const id = `${name}-${newId("x").slice(-7)}`;
      ask(operation, ({ others }) => void (others[id] = inputs));
      return { id, outputs: Object.fromEntries(computed.map((output) => [output, inputs[output] ?? id])) };
    },
    update: (id, inputs) => ask(operation, ({ others }) => void (others[id] = inputs)),
    delete: (id) => cloud.change(({ others }) => void delete others[id]),
    read: ({ others }, id) => others[id] && {},
  };
}

/** @type {Record<string, (args: any, account: Account) => JsonObject>} */
const functions = {
  "aws:ec2/getAmiIds:getAmiIds": ({ owners, filters }, { images }) => ({
    ids: images.filter(({ owner, name }) => owners.includes(owner) && matches(filters, { name })).map(({ id }) => id),
  }),
  "aws:ec2/getAmi:getAmi": ({ filters }, { images }) => {
    const [image] = images.filter(({ id }) => matches(filters, { "image-id": id }));
    if (!image) throw new Error("Your query returned no results. Please change your search criteria and try again.");
    return image;
  },
  "aws:ec2/getInstanceType:getInstanceType": ({ instanceType }, { instanceTypes }) => {
    const supportedArchitectures = instanceTypes[instanceType];
    if (!supportedArchitectures) {
      throw new Refusal(
        "EC2: DescribeInstanceTypes",
        `InvalidInstanceType: The following supplied instance types do not exist: [${instanceType}]`,
      );
    }
    return { supportedArchitectures };
  },
  "aws:ec2/getSubnet:getSubnet": ({ id }, { subnets }) => {
    const subnet = subnets[id];
    if (!subnet)
      throw new Refusal("EC2: DescribeSubnets", `InvalidSubnetID.NotFound: The subnet ID '${id}' does not exist`);
    return { id, vpcId: subnet.vpcId, ipv6CidrBlock: subnet.ipv6CidrBlock };
  },
  "aws:ec2/getRouteTable:getRouteTable": ({ subnetId, vpcId, filters }, { subnets, routeTables }) => {
    const [found] = Object.entries(routeTables).filter(([id, table]) =>
      subnetId
        ? subnets[subnetId]?.routeTable === id
        : table.vpcId === vpcId && matches(filters, { "association.main": String(table.main) }),
    );
    if (!found) throw new Error("query returned no results. Please change your search criteria and try again");
    return { routeTableId: found[0], routes: found[1].routes };
  },
  "aws:route53/getZone:getZone": ({ name }, { zones }) => {
    const zoneId = zones[name];
    if (!zoneId) throw new Error("no matching Route 53 Hosted Zone found");
    return { zoneId, name };
  },
};

/** @param {{ name: string, values: string[] }[] | undefined} filters @param {Record<string, string>} has */
function matches(filters = [], has) {
  return filters.every(({ name, values }) => {
    const value = has[name];
    if (value === undefined) throw new Error(`the fake AWS knows no filter '${name}' here`);
    return values.some((it) => new RegExp(`^${it.replace(/[.+()]/g, "\\$&").replaceAll("*", ".*")}$`).test(value));
  });
}

/** @param {string} token */
function shapeOf(token) {
  const shape = shapes[token];
  if (!shape) throw new Error(`no shape of ${token} was written: add it to the tests' list`);
  return shape;
}

/**
 * @param {string} type
 * @param {Kind} kind
 * @returns {import("../../../toolchain/offline/plugins/protocol/provider").Resource}
 */
function resource(type, kind) {
  const shape = shapeOf(type);
  return {
    check: (inputs) => ({ inputs, failures: failures(shape, inputs) }),
    diff(state, inputs) {
      /** @type {import("../../../toolchain/offline/plugins/protocol/provider").Diff} */
      const diff = new Map();
      const names = typeof shape === "object" && "fields" in shape ? Object.keys(shape.fields) : [];
      const replacing = [...kind.replaces, ...(kind.alsoReplaces?.(reveal(state), reveal(inputs)) ?? [])];
      for (const name of names) {
        if (!(name in inputs) && kind.computed.includes(name)) continue;
        for (const [path, change] of changes(state[name], inputs[name], name)) {
          const replaces = replacing.some(
            (it) => path === it || path.startsWith(`${it}.`) || path.startsWith(`${it}[`),
          );
          diff.set(path, replaces ? `${change}_REPLACE` : change);
        }
      }
      return diff;
    },
    async create(operation, inputs) {
      const unmade = Object.fromEntries(kind.computed.map((name) => [name, unknown]));
      if (operation.preview) return { id: "", outputs: { ...unmade, ...inputs } };
      const { id, outputs } = kind.create(reveal(inputs), operation);
      return { id, outputs: { ...outputs, ...inputs } };
    },
    async update(operation, state, inputs) {
      if (!operation.preview) kind.update?.(operation.id, reveal(inputs), reveal(state));
      const computed = kind.computed.map((name) => [name, state[name] ?? null]);
      return { ...Object.fromEntries(computed), ...inputs };
    },
    async delete(operation, state) {
      kind.delete(operation.id, reveal(state));
    },
    read(state, id) {
      const found = kind.read(cloud.account, id);
      return found && { ...state, ...found };
    },
  };
}

await serveProvider({
  name: "aws",
  version: "7.48.0",
  resources: Object.fromEntries(Object.entries(kinds).map(([type, kind]) => [type, resource(type, kind)])),
  functions: Object.fromEntries(
    Object.entries(functions).map(([token, lookUp]) => [
      token,
      (args) => {
        const [wrong] = failures(shapeOf(token), args);
        if (wrong) throw new Error(`${token}: ${wrong.property}: ${wrong.reason}`);
        const error = cloud.change(({ faults }) => {
          const fault = faults.find(({ operation, times }) => operation === "Credentials" && times > 0);
          if (fault) fault.times--;
          return fault?.error;
        });
        if (error) throw new Error(error);
        return lookUp(reveal(args), cloud.account);
      },
    ]),
  ),
});
