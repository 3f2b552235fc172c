import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeCsv, encodeNdjson } from "../../../src/api/encode-rows.ts";

/** Reads RFC 4180 text one character after the other. */
function readCsv(text: string): string[][] {
  const records: string[][] = [];
  let fields: string[] = [];
  let field = "";
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (isQuoted && char === '"' && text.charAt(at + 1) === '"') {
      field += '"';
      at += 1;
    } else if (char === '"') isQuoted = !isQuoted;
    else if (!isQuoted && char === ",") {
      fields.push(field);
      field = "";
    } else if (!isQuoted && char === "\r" && text.charAt(at + 1) === "\n") {
      records.push([...fields, field]);
      [fields, field] = [[], ""];
      at += 1;
    } else field += char;
  }
  return records;
}

const cells = fc.oneof(
  fc.constantFrom('"', ",", "\r\n", "\n", 'a"b', ""),
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

describe("CSV", () => {
  it("gives every cell back, whatever is in it, with a header line and CRLF at every end", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ a: cells, b: cells })), (rows) => {
        const text = encodeCsv(["b", "a"], rows);
        expect(text.endsWith("\r\n")).toBe(true);
        expect(readCsv(text)).toEqual([
          ["b", "a"],
          ...rows.map((row) => [String(row.b), String(row.a)]),
        ]);
      }),
    );
  });

  it("leaves a field empty for what is null or lacking", () => {
    expect(encodeCsv(["a", "b", "c"], [{ a: null, c: 0 }])).toBe("a,b,c\r\n,,0\r\n");
  });
});

describe("NDJSON", () => {
  it("is a JSON object a line, also of text with line feeds; nothing for no rows", () => {
    const rows = [{ a: "x\ny", b: 0.1 }, { a: null }];
    const lines = encodeNdjson(rows).split("\n");
    expect(lines.pop()).toBe("");
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(rows);
    expect(encodeNdjson([])).toBe("");
  });
});
