import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { assetStore, assetStoreName } from "./asset-store.ts";
import { autoscalerSpec } from "./autoscaling.ts";
import { blueGreen } from "./blue-green.ts";
import type { ActiveRelease } from "./blue-green.ts";
import { canary } from "./canary.ts";
import { refuse } from "./check.ts";
import { ingressSpec, ingressUrl } from "./ingress.ts";
import { migrationJob } from "./migration.ts";
import type { PodOptions } from "./pod-spec.ts";
import { routeArgs, routeUrl } from "./route.ts";
import { awaitAnnotations, serviceSpec, serviceUrl, urlOf } from "./service.ts";
import { withTransform } from "./transform.ts";
import { checkWebService, withDefaults } from "./web-service-args.ts";
import type { WebServiceArgs, WebServiceSettings } from "./web-service-args.ts";
import {
  commonLabels,
  commonSelector,
  newDeployment,
  newDisruptionBudget,
  podTemplate,
  releaseLabel,
} from "./workload.ts";

/**
 * A web app as replicas behind one address, released without losing a request, safe without asking.
 *
 * @example
 * const image = new ContainerImage("hello", { repository: "ghcr.io/me/hello", tags: ["v0.0.1"] });
 * const app = new WebService("hello", { image: image.ref, regions: ["eu", "us", "ap"] });
 * export const url = app.url;
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
export class WebService extends pulumi.ComponentResource {
  /** Where the service answers: its Ingress's or route's host, else its load balancer, else its name in the cluster. */
  readonly url: pulumi.Output<string>;
  /** Where other pods of the cluster reach the service, by its name. */
  readonly clusterUrl: pulumi.Output<string>;
  /** The account that the replicas run under, which may do nothing. */
  readonly serviceAccountName: pulumi.Output<string>;
  /** The name of the Deployment; under blue/green each release has a Deployment of its own. */
  readonly deploymentName: pulumi.Output<string>;

  constructor(name: string, args: WebServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    // The arguments stay out of the state, since secrets may be among them.
    super("meridian:index:WebService", name, {}, withTransform(opts, args.transform));
    const settings = withDefaults(args);
    refuse(checkWebService(name, settings), this);
    const { autoscaling, ingress, namespace, ports, replicas, secretEnv } = settings;
    const parent = { parent: this };

    const selector = commonSelector(name);
    const labels = commonLabels(name);
    const metadata = { namespace, labels };

    const account = new k8s.core.v1.ServiceAccount(name, { metadata, automountServiceAccountToken: false }, parent);
    const envFrom = [...settings.envFrom];
    if (Object.keys(secretEnv).length > 0) {
      // Changed values make a new Secret of a new name, and that rolls the replicas.
      const secret = new k8s.core.v1.Secret(
        `${name}-env`,
        { metadata, stringData: secretEnv, immutable: true },
        parent,
      );
      envFrom.push({ kind: "secret", name: secret.metadata.name });
    }
    const options = { ...settings, envFrom, serviceAccountName: account.metadata.name };
    const { migration } = settings;
    const startsAfter = migration === undefined ? [] : [migrationJob(name, migration, options, this)];
    const store = settings.assetStore && assetStore(name, settings.assetStore, options, this);
    const pod = {
      ...options,
      startsAfter,
      ...(store && { env: { ...options.env, ASSET_STORE_URL: store.url }, trafficAfter: [store.deployment] }),
    };
    const { deployment, selector: activeSelector, gate, backends } = releaseOf(name, pod, this);

    const { type = "LoadBalancer", annotations } = settings.service;
    const service = new k8s.core.v1.Service(
      name,
      {
        // The name is fixed, since other pods find the service by it in the cluster's DNS.
        metadata: { ...metadata, name, annotations: { ...awaitAnnotations(type), ...annotations } },
        spec: serviceSpec(settings.service, ports, activeSelector),
      },
      { parent: this, dependsOn: [...gate] },
    );
    newDisruptionBudget(name, metadata, selector, this);
    new k8s.networking.v1.NetworkPolicy(name, { metadata, spec: networkPolicySpec(settings, selector) }, parent);
    if (autoscaling !== undefined) {
      const spec = autoscalerSpec(autoscaling, replicas, deployment.metadata.name);
      new k8s.autoscaling.v2.HorizontalPodAutoscaler(name, { metadata, spec }, parent);
    }
    if (ingress !== undefined) {
      const spec = ingressSpec(ingress, service.metadata.name, ports[0]!.name);
      new k8s.networking.v1.Ingress(
        name,
        { metadata: { ...metadata, annotations: ingress.annotations }, spec },
        parent,
      );
    }

    const { route } = settings;
    if (route !== undefined) {
      new k8s.apiextensions.CustomResource(
        name,
        routeArgs(route, metadata, backends ?? [{ name: service.metadata.name }], ports[0]!.port!),
        { parent: this, dependsOn: [...gate] },
      );
    }

    const host = ingress === undefined ? route && routeUrl(route) : ingressUrl(ingress);
    this.url = host === undefined ? serviceUrl(service, ports[0]!.port!) : pulumi.output(host);
    this.serviceAccountName = account.metadata.name;
    this.deploymentName = deployment.metadata.name;
    this.clusterUrl = service.metadata.apply(({ name, namespace }) =>
      urlOf([], `${name}.${namespace}.svc`, ports[0]!.port!),
    );
    const { url, clusterUrl, serviceAccountName, deploymentName } = this;
    this.registerOutputs({ url, clusterUrl, serviceAccountName, deploymentName });
  }
}

function releaseOf(name: string, pod: PodOptions, parent: pulumi.Resource): ActiveRelease {
  switch (pod.release.kind) {
    case "rolling":
      return rolling(name, pod, parent);
    case "blueGreen":
      return blueGreen(name, pod, pod.release, parent);
    case "canary":
      return canary(name, pod, pod.release, parent);
  }
}

/**
 * One Deployment for all releases. Its replicas have a label that those of a blue/green release have not, so that a change of
 * the kind moves the traffic in one step, too: after the new replicas are ready and tested.
 */
function rolling(name: string, pod: PodOptions, parent: pulumi.Resource): ActiveRelease {
  const template = podTemplate(name, pod);
  const selector = { ...commonSelector(name), [releaseLabel]: name };
  const metadata = { ...template.metadata, labels: { ...template.metadata.labels, ...selector } };
  const deployment = newDeployment(name, name, pod, { ...template, metadata }, commonSelector(name), { parent });
  return { deployment, selector, gate: [deployment] };
}

/** Lets in what is declared: the ports, from those who may; and out to those who are declared, if any are. */
function networkPolicySpec(
  { allowFrom, allowTo, assetStore, ports }: WebServiceSettings,
  selector: ReturnType<typeof commonSelector>,
): k8s.types.input.networking.v1.NetworkPolicySpec {
  const storeLabels = { "app.kubernetes.io/name": assetStoreName(selector["app.kubernetes.io/name"]) };
  const store = assetStore === undefined ? [] : [{ podSelector: { matchLabels: storeLabels } }];
  return {
    podSelector: { matchLabels: selector },
    policyTypes: ["Ingress", "Egress"],
    ingress: [{ from: allowFrom && [...allowFrom], ports: ports.map(({ name }) => ({ port: name, protocol: "TCP" })) }],
    // Whoever may connect by a name has to ask for its address.
    egress: allowTo === undefined ? [{}] : [{ to: [...allowTo, ...store] }, { ports: dnsPorts }],
  };
}

const dnsPorts = ["UDP", "TCP"].map((protocol) => ({ port: 53, protocol }));
