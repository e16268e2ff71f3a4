/**
 * The components for programs in any of Pulumi's languages: `pulumi package add <this repository>/plugin` makes an SDK of
 * them. What Pulumi's schema cannot say, such as a choice between releases, is left to programs in TypeScript, which
 * import `components/` itself.
 *
 * @see https://www.pulumi.com/docs/iac/guides/building-extending/components/build-a-component/
 */
import * as pulumi from "@pulumi/pulumi";

import * as components from "../components/index.ts";
import type { Bytes } from "../components/index.ts";

/** What a `SimpleWebService` is made of. */
export interface SimpleWebServiceArgs {
  /** The image of the replicas, best by digest. It listens on 3000 and answers /healthz and /readyz. */
  image: pulumi.Input<string>;
  /** The namespace of everything that the service is made of; the provider's by default. */
  namespace?: pulumi.Input<string>;
  /** The version for people and dashboards. */
  version?: string;
  /** Number of replicas, 1 to 100, by default 3. */
  replicas?: number;
  /** The regions that hold the replicas, as many in each; any node by default. */
  regions?: string[];
  /** Where the Service listens, by default 8888. */
  port?: number;
  /** Environment variables. */
  env?: Record<string, pulumi.Input<string>>;
  /** Environment variables that are kept in a Secret. */
  secretEnv?: Record<string, pulumi.Input<string>>;
}

/** A web app as replicas behind one address, released without losing a request, safe without asking. */
export class SimpleWebService extends pulumi.ComponentResource {
  /** Where the service answers. */
  readonly url: pulumi.Output<string>;
  /** Where other pods of the cluster reach the service, by its name. */
  readonly clusterUrl: pulumi.Output<string>;

  constructor(name: string, args: SimpleWebServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("meridian:index:SimpleWebService", name, {}, opts);
    const { port, ...rest } = args;
    const ports = port === undefined ? undefined : [{ name: "http", containerPort: 3000, port }];
    const service = new components.WebService(name, { ...rest, ports }, { parent: this });
    this.url = service.url;
    this.clusterUrl = service.clusterUrl;
    this.registerOutputs({ url: this.url, clusterUrl: this.clusterUrl });
  }
}

/** What a `SimpleKeyValueStore` is made of. */
export interface SimpleKeyValueStoreArgs {
  /** The image, with Valkey 8 or later, best by digest. */
  image: pulumi.Input<string>;
  /** The namespace of everything that the store is made of; the provider's by default. */
  namespace?: pulumi.Input<string>;
  /** Disk for the data, such as `1Gi`, which is the default. */
  size?: string;
  /** Another number makes another password. */
  passwordVersion?: number;
  /** Whether Pulumi refuses to delete the data, which is the default. */
  isProtected?: boolean;
}

/** A Valkey with a disk and a password. */
export class SimpleKeyValueStore extends pulumi.ComponentResource {
  /** Where the store is in the cluster, without the password. */
  readonly url: pulumi.Output<string>;
  /** The password, a secret. */
  readonly password: pulumi.Output<string>;

  constructor(name: string, args: SimpleKeyValueStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("meridian:index:SimpleKeyValueStore", name, {}, opts);
    const { size, ...rest } = args;
    // The component checks it, whatever its type says.
    const store = new components.KeyValueStore(name, { ...rest, size: size as Bytes | undefined }, { parent: this });
    this.url = store.url;
    this.password = store.password;
    this.registerOutputs({ url: this.url, password: this.password });
  }
}

export { Dashboard } from "../components/dashboard.ts";
