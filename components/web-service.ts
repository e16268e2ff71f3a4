import { createHash } from "node:crypto";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import { autoscalerSpec } from "./autoscaling.ts";
import { refuse } from "./check.ts";
import { ingressSpec, ingressUrl } from "./ingress.ts";
import { podSpec } from "./pod-spec.ts";
import type { PodOptions } from "./pod-spec.ts";
import { deploymentStrategy, releaseTimeoutSeconds } from "./release.ts";
import type { BlueGreenRelease } from "./release.ts";
import { awaitAnnotations, serviceSpec, serviceUrl } from "./service.ts";
import { smokeTestSpec } from "./smoke-test.ts";
import { checkWebService, withDefaults } from "./web-service-args.ts";
import type { WebServiceArgs, WebServiceSettings } from "./web-service-args.ts";

type Labels = Readonly<Record<string, pulumi.Input<string>>>;
interface PodTemplate {
  readonly metadata: { readonly labels: Labels; readonly annotations: Labels };
  readonly spec: k8s.types.input.core.v1.PodSpec;
}

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
  /** Where the service answers: its Ingress's host, else its load balancer, else its name in the cluster. */
  readonly url: pulumi.Output<string>;
  /** The name of the Deployment; under blue/green each release has a Deployment of its own. */
  readonly deploymentName: pulumi.Output<string>;

  constructor(name: string, args: WebServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    // The arguments stay out of the state, since secrets may be among them.
    super("meridian:index:WebService", name, {}, opts);
    const settings = withDefaults(args);
    refuse(checkWebService(name, settings), this);
    const { autoscaling, ingress, namespace, ports, release, replicas, secretEnv } = settings;
    const parent = { parent: this };

    const selector = { "app.kubernetes.io/name": name };
    const labels = { ...selector, "app.kubernetes.io/managed-by": "pulumi" };
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
    const pod = { ...settings, envFrom, serviceAccountName: account.metadata.name };
    const version = settings.version === undefined ? {} : { "app.kubernetes.io/version": settings.version };
    const template = {
      metadata: { labels: { ...labels, ...version }, annotations: settings.podAnnotations },
      spec: podSpec(pod, selector),
    };

    const isBlueGreen = release.kind === "blueGreen";
    const releaseSelector = isBlueGreen ? { ...selector, ...releaseLabels(name, template, this) } : selector;
    const deployment = new k8s.apps.v1.Deployment(
      name,
      {
        metadata: {
          ...metadata,
          annotations: { "pulumi.com/timeoutSeconds": `${releaseTimeoutSeconds(release, replicas)}` },
        },
        spec: deploymentSpec(settings, template, releaseSelector),
      },
      // Pulumi chooses the name, so that a new release is ready before the old one is deleted.
      { parent: this, replaceOnChanges: isBlueGreen ? ["spec.selector", "spec.template"] : [] },
    );
    const gate = isBlueGreen ? previewGate(name, settings, release, pod, deployment, releaseSelector, this) : [];

    const { type = "LoadBalancer", annotations } = settings.service;
    const service = new k8s.core.v1.Service(
      name,
      {
        // The name is fixed, since other pods find the service by it in the cluster's DNS.
        metadata: { ...metadata, name, annotations: { ...awaitAnnotations(type), ...annotations } },
        spec: serviceSpec(settings.service, ports, releaseSelector),
      },
      { parent: this, dependsOn: gate },
    );
    new k8s.policy.v1.PodDisruptionBudget(
      name,
      {
        metadata,
        // One at a time may always go, also one that does not work: a node can be drained whatever the replicas do.
        spec: { selector: { matchLabels: selector }, maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" },
      },
      parent,
    );
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

    this.url = ingress === undefined ? serviceUrl(service, ports[0]!.port!) : pulumi.output(ingressUrl(ingress));
    this.deploymentName = deployment.metadata.name;
    this.registerOutputs({ url: this.url, deploymentName: this.deploymentName });
  }
}

function deploymentSpec(
  { autoscaling, release, replicas }: WebServiceSettings,
  { metadata, spec }: PodTemplate,
  releaseSelector: Labels,
): k8s.types.input.apps.v1.DeploymentSpec {
  return {
    ...deploymentStrategy(release),
    // With autoscaling the number is not ours: another `up` must not set it back.
    replicas: autoscaling === undefined ? replicas : undefined,
    selector: { matchLabels: releaseSelector },
    template: { metadata: { ...metadata, labels: { ...metadata.labels, ...releaseSelector } }, spec },
  };
}

/** The identity of a blue/green release: a new one for each new pod template, also when an older template comes back. */
function releaseLabels(name: string, template: PodTemplate, parent: pulumi.Resource): Labels {
  const hash = pulumi.jsonStringify(template).apply((text) => createHash("sha256").update(text).digest("hex"));
  const id = new random.RandomId(`${name}-release`, { byteLength: 4, keepers: { template: hash } }, { parent });
  return { "app.kubernetes.io/instance": pulumi.interpolate`${name}-${id.hex}` };
}

/** What a blue/green release has to pass before it gets the traffic. */
function previewGate(
  name: string,
  { namespace, ports }: WebServiceSettings,
  release: BlueGreenRelease,
  pod: PodOptions,
  deployment: k8s.apps.v1.Deployment,
  releaseSelector: Labels,
  parent: pulumi.Resource,
): pulumi.Resource[] {
  const preview = new k8s.core.v1.Service(
    `${name}-preview`,
    {
      metadata: { namespace, labels: releaseSelector, annotations: awaitAnnotations("ClusterIP") },
      spec: serviceSpec({ type: "ClusterIP" }, ports, releaseSelector),
    },
    { parent },
  );
  if (release.smokeTest === undefined) {
    return [deployment];
  }
  // Not the replicas' name, or the services would send requests to the test.
  const labels = { ...releaseSelector, "app.kubernetes.io/name": `${name}-smoke-test` };
  const spec = smokeTestSpec(release.smokeTest, pod, serviceUrl(preview, ports[0]!.port!), labels);
  const job = new k8s.batch.v1.Job(
    `${name}-smoke-test`,
    { metadata: { namespace, labels }, spec },
    { parent, dependsOn: deployment },
  );
  return [deployment, job];
}

/** Lets in what is declared: the ports, from those who may. */
function networkPolicySpec(
  { allowFrom, ports }: WebServiceSettings,
  selector: Labels,
): k8s.types.input.networking.v1.NetworkPolicySpec {
  return {
    podSelector: { matchLabels: selector },
    policyTypes: ["Ingress"],
    ingress: [{ from: allowFrom && [...allowFrom], ports: ports.map(({ name }) => ({ port: name, protocol: "TCP" })) }],
  };
}
