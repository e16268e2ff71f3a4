/** The plugin's resources. Apart from main.ts, so that tests can call them without a server. */
import type { Call, Provider } from "../provider.ts";
import { checkImage, createImage, deleteImage, diffOfImage, readImage, updateImage } from "./image.ts";

function requireImage(call: Call): void {
  if (call.type === "docker-build:index:Image") return;
  throw new Error(
    `${call.type} is not supported by the local kit's docker-build plugin, which only has docker-build:index:Image: ` +
      "build for several platforms with one Image's platforms, or install the official plugin",
  );
}

/** Runs a step of the image's life, once it is clear that it is an image. */
function forImages<Request, Result>(step: (request: Request, call: Call) => Promise<Result>) {
  return async (request: Request, call: Call): Promise<Result> => {
    requireImage(call);
    return step(request, call);
  };
}

export const dockerBuild: Provider = {
  version: "0.0.22",
  check: forImages(checkImage),
  diff: forImages(diffOfImage),
  create: forImages(createImage),
  update: forImages(updateImage),
  read: forImages(readImage),
  delete: forImages(deleteImage),
};
