import { z } from "zod";
import { escapeHtml as escape } from "./escape-html.ts";
import { DOCS_STYLE } from "./docs-style.ts";
import { type ApiDocument, operationsOf, responsesOf } from "./openapi.ts";

type Described = ReturnType<typeof operationsOf>[number];
type Operation = Described["operation"];
type Parameter = Extract<NonNullable<Operation["parameters"]>[number], { in: unknown }>;

/** The reference page of an OpenAPI document: plain HTML, complete in itself. */
export function docsPage(document: ApiDocument): string {
  const sections = Map.groupBy(
    operationsOf(document),
    ({ operation }) => operation.tags?.[0] ?? "",
  );
  const names = [...sections.keys()];
  const { title, version, description = "" } = document.info;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title><style>${DOCS_STYLE}</style></head><body>
<header><h1>${escape(title)} <small>${escape(version)}</small></h1>
${description
  .split("\n\n")
  .map((text) => `<p>${prose(text)}</p>`)
  .join("\n")}
<nav>${names.map((name) => `<a href="#${escape(name)}">${escape(name)}</a>`).join(" ")}
<a href="/openapi.json">openapi.json</a></nav></header>
<main>${[...sections].map(([name, operations]) => section(name, operations)).join("\n")}</main>
</body></html>
`;
}

function section(name: string, operations: readonly Described[]): string {
  return `<section><h2 id="${escape(name)}">${escape(name)}</h2>${operations.map(article).join("\n")}</section>`;
}

function article({ path, method, operation }: Described): string {
  const role = operation.security?.[0]?.["key"]?.[0] ?? "public";
  const parameters = (operation.parameters ?? []).flatMap((one) => ("in" in one ? [one] : []));
  return `<details id="${escape(operation.operationId ?? "")}"><summary>
<code class="method ${method}">${method.toUpperCase()}</code> <code>${escape(path)}</code>
<span class="role">${escape(role)}</span><span>${prose(operation.summary ?? "")}</span></summary>
${parameterTable(parameters)}${bodyNote(operation)}${responseTable(operation)}</details>`;
}

function parameterTable(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return "";
  const rows = parameters.map(
    ({ name, in: place, required, description, schema }) =>
      `<tr><td><code>${escape(name)}</code></td><td>${place}${required === true ? ", required" : ""}</td><td><code>${escape(
        typeText(schema),
      )}</code></td><td>${prose(description ?? "")}</td></tr>`,
  );
  return `<table><tr><th>Parameter</th><th>In</th><th>Value</th><th></th></tr>${rows.join("")}</table>`;
}

function bodyNote({ requestBody }: Operation): string {
  if (requestBody === undefined || !("content" in requestBody)) return "";
  const [schema] = Object.values(requestBody.content).map((form) => form.schema);
  return `<p>Body: <code>${escape(typeText(schema))}</code></p>`;
}

function responseTable(operation: Operation): string {
  const rows = Object.entries(responsesOf(operation)).map(([status, { description, content }]) => {
    const forms = Object.keys(content ?? {}).map((form) => `<code>${escape(form)}</code>`);
    return `<tr><td><code>${escape(status)}</code></td><td>${prose(description)}</td><td>${forms.join(" ")}</td></tr>`;
  });
  return `<table><tr><th>Answer</th><th></th><th>Form</th></tr>${rows.join("")}</table>`;
}

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const schemaSchema = z.looseObject({
  enum: z.array(scalar).optional(),
  anyOf: z.array(z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  type: z.union([z.string(), z.array(z.string())]).default("any"),
  format: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  default: scalar.optional(),
});

/** A schema in a line: its choices, its fields, or its type with bounds; and its default. */
function typeText(schema: unknown): string {
  const read = schemaSchema.safeParse(schema);
  if (!read.success) return "any";
  const { enum: choices, anyOf, properties, type, format, minimum, maximum } = read.data;
  const end = read.data.default === undefined ? "" : ` = ${String(read.data.default)}`;
  if (choices !== undefined) return `${choices.map(String).join(" | ")}${end}`;
  if (anyOf !== undefined) return `${anyOf.map(typeText).join(" | ")}${end}`;
  if (properties !== undefined) {
    const fields = Object.entries(properties).map(([name, field]) => `${name}: ${typeText(field)}`);
    return `{ ${fields.join(", ")} }`;
  }
  const isBounded = minimum !== undefined || maximum !== undefined;
  const bounds = isBounded ? ` ${minimum ?? ""}…${maximum ?? ""}` : "";
  return `${format ?? [type].flat().join(" | ")}${bounds}${end}`;
}

/** Text with its \`code\`. */
function prose(text: string): string {
  return escape(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}
