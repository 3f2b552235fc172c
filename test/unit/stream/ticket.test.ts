import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openTicket, sealTicket, type Ticket, TICKET_TTL_MS } from "../../../src/stream/ticket.ts";

const SECRET = "a-deployment's-secret-0123456789";
const NOW_MS = Date.UTC(2026, 2, 20, 15);
const TICKET: Ticket = {
  connection: "0b6c5a54-6d0e-4c6f-9f3f-9a55b6b7a001",
  host: "h-weur-3",
  key: "k_0123456789abcdef",
  expiresMs: NOW_MS + TICKET_TTL_MS,
};
const seal = (changes: Partial<Ticket> = {}) => sealTicket({ ...TICKET, ...changes }, SECRET);
const open = async (text: string, nowMs = NOW_MS) => await openTicket(text, SECRET, nowMs);

describe("a ticket", () => {
  it("says what was put into it until it expires, and then only that it has", async () => {
    const text = await seal();
    expect(await open(text)).toEqual({ kind: "valid", ticket: TICKET });
    expect(await open(text, NOW_MS + TICKET_TTL_MS - 1)).toMatchObject({ kind: "valid" });
    expect(await open(text, NOW_MS + TICKET_TTL_MS)).toEqual({ kind: "expired" });
  });

  it("holds the key that bought it neither as it is nor encoded", async () => {
    const text = await seal();
    for (const key of [SECRET, btoa(SECRET), encodeURIComponent(SECRET)])
      expect(text).not.toContain(key);
    expect(text).toMatch(/^[\w.-]+$/);
  });

  it("of another deployment is forged, expired or not", async () => {
    const foreign = await sealTicket(TICKET, `${SECRET}!`);
    expect(await open(foreign)).toEqual({ kind: "forged" });
    expect(await open(foreign, NOW_MS + 10 * TICKET_TTL_MS)).toEqual({ kind: "forged" });
  });

  it("is forged when fields of two are put together", async () => {
    const one = (await seal()).split(".");
    const later = { expiresMs: TICKET.expiresMs + 1 };
    const two = (
      await seal({ connection: crypto.randomUUID(), host: "g07", key: "bootstrap", ...later })
    ).split(".");
    for (let at = 1; at < one.length; at += 1) {
      const mixed = one.with(at, two[at] ?? "").join(".");
      expect(await open(mixed), mixed).toEqual({ kind: "forged" });
    }
  });

  it("sealed over fields that are none is forged", async () => {
    for (const changes of [
      { connection: "me" },
      { host: "g1" },
      { host: "config" },
      { key: "K.1" },
    ])
      expect(await open(await seal(changes))).toEqual({ kind: "forged" });
  });

  it("that was changed, cut, extended or invented in any way grants nothing", async () => {
    const text = await seal();
    const at = fc.nat({ max: text.length - 1 });
    const char = fc.constantFrom(
      ...Array.from("0123456789abcdefghijklmnopqrstuvwxyzABCXYZ.-_%=+/ \u0000é"),
    );
    const mutated = fc.oneof(
      fc.tuple(at, char).map(([i, c]) => text.slice(0, i) + c + text.slice(i + 1)),
      fc.tuple(at, char).map(([i, c]) => text.slice(0, i) + c + text.slice(i)),
      at.map((i) => text.slice(0, i)),
      at.map((i) => text.slice(i + 1)),
      at.map((i) => text.slice(0, i) + text.slice(i + 1)),
      at.map((i) => {
        const c = text.charAt(i);
        const other = c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase();
        return text.slice(0, i) + other + text.slice(i + 1);
      }),
      fc.string({ minLength: 1 }).map((tail) => text + tail),
      fc.string({ minLength: 1 }).map((head) => head + text),
      fc.constant(`${text}.${text}`),
      fc.string({ maxLength: 400 }),
    );
    await fc.assert(
      fc.asyncProperty(mutated, async (changed) => {
        fc.pre(changed !== text);
        expect(await open(changed)).toEqual({ kind: "forged" });
      }),
      { numRuns: 2_000 },
    );
  });
});
