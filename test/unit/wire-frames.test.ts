import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitMessages, TurnCutter, type ClientTurn } from "../../dev/database/wire-frames.ts";
import { message, SSL_REQUEST, STARTUP } from "../support/wire-messages.ts";

const EXTENDED = Buffer.concat([
  message("P", "\0select $1\0\0\0"),
  message("B", "parameters that look like Q and S"),
  message("S", ""),
]);
const CONVERSATION = Buffer.concat([
  SSL_REQUEST,
  STARTUP,
  message("p", "md50\0"),
  EXTENDED,
  message("Q", "select 1\0"),
  message("X", ""),
]);

describe("cutting a client's bytes into turns", () => {
  it("gives the same turns however the bytes arrive", () => {
    const expected: ClientTurn[] = [
      { kind: "encryption" },
      { kind: "startup", bytes: STARTUP },
      { kind: "messages", bytes: message("p", "md50\0") },
      { kind: "messages", bytes: EXTENDED },
      { kind: "messages", bytes: message("Q", "select 1\0") },
      { kind: "end" },
    ];
    fc.assert(
      fc.property(fc.array(fc.nat(CONVERSATION.length), { maxLength: 20 }), (cuts) => {
        const cutter = new TurnCutter();
        const borders = [0, ...cuts.toSorted((a, b) => a - b), CONVERSATION.length];
        const turns = borders.flatMap((from, index) =>
          cutter.push(Buffer.from(CONVERSATION.subarray(from, borders[index + 1] ?? from))),
        );
        expect(turns).toEqual(expected);
      }),
    );
  });

  it("refuses a length that can't be, before it waits for that many bytes", () => {
    const cutter = new TurnCutter();
    cutter.push(STARTUP);
    expect(() => cutter.push(Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff]))).toThrow(RangeError);
    expect(() => new TurnCutter().push(Buffer.alloc(8))).toThrow(RangeError);
  });
});

describe("splitting a turn into messages", () => {
  it("gives each by itself", () => {
    expect([...splitMessages(EXTENDED)].map((bytes) => Buffer.from(bytes))).toEqual([
      message("P", "\0select $1\0\0\0"),
      message("B", "parameters that look like Q and S"),
      message("S", ""),
    ]);
  });
});
