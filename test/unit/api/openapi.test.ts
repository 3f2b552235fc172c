import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, it } from "vitest";
import { z } from "zod";

/** The app is typed for the Worker, the validator reads files: the two meet here by name only. */
async function documentOfApp(): Promise<Record<string, unknown>> {
  const verb = z.custom<(...args: unknown[]) => unknown>((value) => typeof value === "function");
  const [appFile, documentFile] = ["app.ts", "openapi.ts"].map(
    (name) => `../../../src/api/${name}`,
  );
  const app: unknown = await import(appFile ?? "");
  const documents: unknown = await import(documentFile ?? "");
  const { createApp } = z.object({ createApp: verb }).parse(app);
  const { openApiDocument } = z.object({ openApiDocument: verb }).parse(documents);
  return z.record(z.string(), z.unknown()).parse(openApiDocument(createApp()));
}

it("the OpenAPI document is valid by a validator that is not ours", async () => {
  const document = await documentOfApp();
  const validator = new Validator();
  expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
  const broken = { ...document, info: { title: 1 } };
  expect((await validator.validate(broken)).valid).toBe(false);
});
