import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "../api-env.ts";
import { docsPage } from "../docs-page.ts";
import { openApiDocument } from "../openapi.ts";

/** It changes with a deploy. */
const CACHE_CONTROL = "public, max-age=300";
/** The page is one text with its style: it loads nothing and runs nothing. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const JSON_PATH = "/openapi.json";
const PAGE_PATH = "/docs";
/** Where the API is described; requests there are counted for their addresses. */
export const DOCS_PATHS = [JSON_PATH, PAGE_PATH] as const;

/**
 * `GET /openapi.json` and `/docs`: how the API is used, to a program and to a reader. Without a key: a browser has
 * none, and nothing of a deployment stands there.
 */
export function registerDocs(app: OpenAPIHono<ApiEnv>): void {
  let built: { readonly json: string; readonly html: string } | null = null;
  // At the first request, when every route has described itself.
  const build = () => {
    const document = openApiDocument(app);
    return { json: JSON.stringify(document), html: docsPage(document) };
  };
  app.get(JSON_PATH, (context) => {
    built ??= build();
    return context.body(built.json, 200, {
      "content-type": "application/json",
      "cache-control": CACHE_CONTROL,
    });
  });
  app.get(PAGE_PATH, (context) => {
    built ??= build();
    return context.body(built.html, 200, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": CACHE_CONTROL,
      "content-security-policy": POLICY,
    });
  });
}
