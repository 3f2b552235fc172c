import { z } from "zod";
import { type Channel, channelSchema } from "../contracts/stream.ts";
import type { Subscription, SymbolSet } from "./subscription.ts";

/** Version of the attachment: what a socket carries through hibernation. */
const VERSION = 4;

/** What of a connection stays as it is until it subscribes anew. */
export interface FixedPart {
  readonly id: string;
  /** The key that it was authorised by, by name. */
  readonly key: string;
  /** Since when, wall ms. */
  readonly connectedMs: number;
  readonly subscription: Subscription;
}

/** What of a connection changes with every flush. */
export interface MovingPart {
  /** Its positions as a resume token. */
  readonly token: string;
  /** When its client last sent a frame, wall ms. */
  readonly heardMs: number;
  /** As `encodeAcks` writes them; null: the client does not ack. */
  readonly acks: Uint8Array | null;
}

const headSchema = z.object({
  id: z.string(),
  key: z.string(),
  connectedMs: z.number(),
  firstOnly: z.boolean(),
  objects: z.boolean(),
  channels: z.array(
    z
      .tuple([channelSchema, z.boolean(), z.number().int().min(0)])
      .transform(([name, star, bytes]) => ({
        name,
        star,
        bytes,
      })),
  ),
});

const acksSchema = z.instanceof(Uint8Array).nullable();
const attachmentSchema = z
  .tuple([z.literal(VERSION), z.string(), z.string(), z.number(), acksSchema])
  .transform(([, fixed, token, heardMs, acks], context) => {
    const part = parseFixed(fixed);
    if (part === null) {
      context.addIssue({ code: "custom", message: "not the fixed part of a connection" });
      return z.NEVER;
    }
    return { ...part, token, heardMs, acks };
  });

/** As the release before wrote it. */
const attachmentSchema3 = z
  .object({
    v: z.literal(3),
    id: z.string(),
    firstOnly: z.boolean(),
    objects: z.boolean(),
    token: z.string(),
    channels: z.map(channelSchema, z.object({ star: z.boolean(), sids: z.instanceof(Uint8Array) })),
    key: z.string(),
    connectedMs: z.number(),
    heardMs: z.number(),
    acks: acksSchema,
  })
  .transform(({ id, key, connectedMs, channels, firstOnly, objects, token, heardMs, acks }) => ({
    id,
    key,
    connectedMs,
    subscription: { channels, firstOnly, objects },
    token,
    heardMs,
    acks,
  }));

/**
 * The part that stays, as one text: a head in JSON, a line feed, and the sets of sids a byte a character. It is made
 * once a subscription. What is written at every flush is then four values, which are cloned several times faster
 * than the objects that they stand for.
 */
export function fixedText({ id, key, connectedMs, subscription }: FixedPart): string {
  const { channels, firstOnly, objects } = subscription;
  const sets = Array.from(channels, ([name, { star, sids }]) => [name, star, sids.length] as const);
  const head = { id, key, connectedMs, firstOnly, objects, channels: sets };
  const sids = Array.from(channels.values(), (set) =>
    Array.from(set.sids, (byte) => String.fromCharCode(byte)).join(""),
  );
  return `${JSON.stringify(head)}\n${sids.join("")}`;
}

/** What to hand to `serializeAttachment`; 16 KB at most. */
export function toAttachment(fixed: string, { token, heardMs, acks }: MovingPart): unknown {
  return [VERSION, fixed, token, heardMs, acks];
}

/** The connection of an attachment of this version or the one before; null: it is none. */
export function parseAttachment(attachment: unknown): (FixedPart & MovingPart) | null {
  const parsed = z.union([attachmentSchema, attachmentSchema3]).safeParse(attachment);
  return parsed.success ? parsed.data : null;
}

function parseFixed(text: string): FixedPart | null {
  const end = text.indexOf("\n");
  const head = headSchema.safeParse(jsonOf(text.slice(0, end)));
  if (!head.success) return null;
  const { id, key, connectedMs, firstOnly, objects } = head.data;
  const channels = new Map<Channel, SymbolSet>();
  let from = end + 1;
  for (const { name, star, bytes } of head.data.channels) {
    const sids = Uint8Array.from(text.slice(from, from + bytes), (char) => char.charCodeAt(0));
    if (sids.length !== bytes) return null;
    channels.set(name, { star, sids });
    from += bytes;
  }
  return { id, key, connectedMs, subscription: { channels, firstOnly, objects } };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
