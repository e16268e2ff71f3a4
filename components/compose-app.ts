import * as pulumi from "@pulumi/pulumi";

import { checkName, checkOneOf, refuse } from "./check.ts";
import { impossible } from "./compose/carry.ts";
import { targets } from "./compose/model.ts";
import type { ComposeService, Project, Target } from "./compose/model.ts";
import { readComposeFile } from "./compose/parse.ts";
import type { Variables } from "./compose/interpolate.ts";
import { onDocker } from "./compose/on-docker.ts";
import { onKubernetes } from "./compose/on-kubernetes.ts";
import { onSwarm } from "./compose/on-swarm.ts";
import { checkRepository, ContainerImage } from "./container-image.ts";

/** What a `ComposeApp` is made of. */
export interface ComposeAppArgs {
  /**
   * The Compose file, from the program's folder.
   *
   * @default "compose.yaml"
   */
  readonly file?: string | undefined;
  /** Where its services run. */
  readonly target: Target;
  /**
   * Where images are pushed to that a service has `build` for, without a tag: service `web` is `REPOSITORY/web`. A service that
   * has `image` as well is pushed there instead.
   *
   * @default - none: such services must have `image`
   */
  readonly repository?: string | undefined;
  /**
   * What variables in the file stand for, on top of a file `.env` beside it.
   *
   * @default - the environment
   */
  readonly variables?: Variables | undefined;
  /**
   * The namespace on Kubernetes, which should be the app's own: services are found there by their names in the file.
   *
   * @default "default"
   */
  readonly namespace?: pulumi.Input<string> | undefined;
  /**
   * How large each volume is on Kubernetes.
   *
   * @default "1Gi"
   */
  readonly volumeSize?: string | undefined;
}

/** What is made on each target. */
export interface Parts {
  readonly parent: pulumi.Resource;
  readonly project: Project;
  readonly args: ComposeAppArgs;
  imageOf(service: ComposeService): pulumi.Output<string>;
}

/**
 * The services of a Compose file, on Kubernetes, on one Docker host or on a Swarm. What cannot be carried over to the target
 * is refused key by key before anything is made, so that nothing of the file is silently left out.
 *
 * Services find each other by their names, as they do under Compose. A service starts when those that it depends on have
 * started, or are healthy.
 *
 * @example
 * const shop = new ComposeApp("shop", { file: "test/e2e/fixtures/compose/compose.yaml", target: "docker" });
 *
 * @see https://docs.docker.com/reference/compose-file/
 */
export class ComposeApp extends pulumi.ComponentResource {
  /** The services' names, in the order in which they start. */
  readonly services: readonly string[];

  constructor(name: string, args: ComposeAppArgs, opts?: pulumi.ComponentResourceOptions) {
    // The arguments stay out of the state, since secrets may be among the variables.
    super("meridian:index:ComposeApp", name, {}, opts);
    const { file = "compose.yaml", target, repository, variables = process.env } = args;
    refuse(
      [
        ...checkName("name", name),
        ...checkOneOf("target", target, targets),
        ...(repository === undefined ? [] : checkRepository("repository", repository)),
      ],
      this,
    );
    const { project, problems } = readComposeFile(file, variables, target);
    const homeless = project.services.filter(({ build, image }) => build && image === undefined && !repository);
    refuse(
      [
        ...problems,
        ...(problems.length > 0 ? [] : impossible(project, target)),
        ...homeless.map((service) => `services.${service.name} has build and no image; set the component's repository`),
      ],
      this,
    );

    const images = new Map(project.services.map((service) => [service.name, this.#image(name, service, repository)]));
    const parts: Parts = { parent: this, project, args, imageOf: (service) => images.get(service.name)! };
    const deploy = { kubernetes: onKubernetes, docker: onDocker, swarm: onSwarm }[target];
    deploy(name, parts);
    this.services = project.services.map((service) => service.name);
    this.registerOutputs({ services: this.services });
  }

  #image(name: string, { build, image, name: service }: ComposeService, repository = ""): pulumi.Output<string> {
    if (build === undefined) return pulumi.output(image!);
    const [, own = "", tag = "compose"] = /^(.*?)(?::([^:/]+))?$/.exec(image ?? `${repository}/${service}`)!;
    const { args, context, dockerfile, target } = build;
    return new ContainerImage(
      `${name}-${service}`,
      { repository: own, tags: [tag], context, dockerfile, buildArgs: args, ...(target !== undefined && { target }) },
      { parent: this },
    ).ref;
  }
}
