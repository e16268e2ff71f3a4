import { ContainerImage, KeyValueStore, WebService } from "../../components/index.ts";

const image = new ContainerImage("shop", { repository: "ghcr.io/me/shop", tags: ["v1.0.0"], context: "./app" });
const store = new KeyValueStore("carts", { image: "valkey/valkey:8.1" });
const shop = new WebService("shop", {
  image: image.ref,
  env: { STORE_URL: store.url },
  secretEnv: { STORE_PASSWORD: store.password },
});

export const url = shop.url;
