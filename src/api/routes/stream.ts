import type { Context } from "hono";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { symbolGroupStub } from "../../platform/stubs.ts";
import { chooseHost } from "../../stream/choose-host.ts";
import { CONNECTION_HEADER } from "../../stream/group-host.ts";
import { KEY_HEADER } from "../../stream/key-limit.ts";
import type { ApiEnv } from "../api-env.ts";
import { problem } from "../problem.ts";

/** `GET /v1/stream` and `/ws`: the WebSocket upgrade, handed to the object that will host it. */
export function registerStream(app: OpenAPIHono<ApiEnv>): void {
  app.get("/v1/stream", upgrade);
  app.get("/ws", upgrade);
}

async function upgrade(context: Context<ApiEnv>): Promise<Response> {
  if (context.req.header("upgrade")?.toLowerCase() !== "websocket") {
    return problem(context, 426, { code: "upgrade_required", detail: "this route is a WebSocket" });
  }
  const { symbolGroups } = context.var.settings;
  const connection = crypto.randomUUID();
  const host = chooseHost(connection, context.req.query("symbols")?.split(",") ?? [], symbolGroups);
  const request = new Request(context.req.raw);
  request.headers.set(CONNECTION_HEADER, connection);
  request.headers.set(KEY_HEADER, "bootstrap");
  request.headers.delete("authorization");
  return await symbolGroupStub(context.env, host).fetch(request);
}
