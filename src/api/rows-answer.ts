import type { Context } from "hono";
import type { ApiEnv } from "./api-env.ts";
import { encodeCsv, encodeNdjson, type Row } from "./encode-rows.ts";
import { MEDIA_TYPES, negotiate, ROW_FORMATS, type RowFormat } from "./negotiate.ts";
import { problem } from "./problem.ts";

/** What a key may read depends on the key, so no shared cache may keep an answer. */
const PINNED = "private, max-age=31536000, immutable";
const PASSING = "no-store";

/** Characters of a digest in an entity tag: 132 bits. */
const ETAG_LENGTH = 22;

/** Rows and what is said about them. */
export interface RowsAnswer {
  /** The key of the rows in JSON. */
  readonly name: string;
  /** The columns of CSV, in order. */
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /**
   * What is true of the whole answer, such as `as_of`: fields beside the rows in JSON. In every form
   * also a header where it is not null: `as_of` is `X-As-Of`, `next_page_token` is `X-Next-Page-Token`.
   */
  readonly facts: Readonly<Record<string, string | null>>;
  /** Who gave the rows, as `provider/feed`: the header `X-Data-Sources`. */
  readonly sources: Iterable<string>;
  /** Whether the same URL gives the same rows for ever. */
  readonly isPinned: boolean;
}

/** The form that a request accepts, or the answer 406 when it accepts none that is offered. */
export function formatOf(
  context: Context<ApiEnv>,
  offered: readonly RowFormat[] = ROW_FORMATS,
): RowFormat | Response {
  const format = negotiate(context.req.header("accept"), offered);
  if (format !== null) return format;
  context.header("Vary", "Accept");
  return problem(context, 406, {
    code: "not_acceptable",
    detail: `offered are ${offered.map((name) => MEDIA_TYPES[name]).join(", ")}`,
  });
}

/**
 * The answer in a form. A pinned one may be kept for ever and carries a strong entity tag of its bytes;
 * a request that has them already (`If-None-Match`) is answered 304.
 */
export async function answerRows(
  context: Context<ApiEnv>,
  format: RowFormat,
  answer: RowsAnswer,
): Promise<Response> {
  const body = encode(format, answer);
  context.header("Vary", "Accept");
  context.header("X-Data-Sources", [...new Set(answer.sources)].toSorted().join(", "));
  context.header("Cache-Control", answer.isPinned ? PINNED : PASSING);
  for (const [name, value] of Object.entries(answer.facts)) {
    if (value !== null) context.header(headerName(name), value);
  }
  if (answer.isPinned) {
    const tag = await entityTag(body);
    context.header("ETag", tag);
    if (isKnown(context.req.header("if-none-match"), tag)) return context.body(null, 304);
  }
  context.header("Content-Type", contentType(format));
  return context.body(body, 200);
}

function encode(format: RowFormat, { name, columns, rows, facts }: RowsAnswer): string {
  switch (format) {
    case "json":
      return JSON.stringify({ [name]: rows, ...facts });
    case "ndjson":
      return encodeNdjson(rows);
    case "csv":
      return encodeCsv(columns, rows);
  }
}

function contentType(format: RowFormat): string {
  return format === "csv"
    ? `${MEDIA_TYPES.csv}; charset=utf-8; header=present`
    : MEDIA_TYPES[format];
}

/** `next_page_token` to `X-Next-Page-Token`. */
function headerName(fact: string): string {
  const words = fact.split("_").map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  return ["X", ...words].join("-");
}

async function entityTag(body: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body));
  const text = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return `"${text.slice(0, ETAG_LENGTH).replaceAll("+", "-").replaceAll("/", "_")}"`;
}

/** Whether a list of entity tags holds one; weak comparison, as RFC 9110 section 13.1.2 wants for reads. */
function isKnown(header: string | undefined, tag: string): boolean {
  const tags = (header ?? "").split(",").map((text) => text.trim().replace(/^W\//, ""));
  return tags.includes(tag) || tags.includes("*");
}
