import { z } from "zod";
import {
  type ClientFrame,
  clientFrameSchema,
  MAX_CLIENT_FRAME_BYTES,
  requestIdSchema,
} from "../contracts/stream.ts";

/** A client's frame, or why it is none and the id that its sender will know the error by. */
export type ReadFrame =
  | { readonly ok: true; readonly value: ClientFrame }
  | { readonly ok: false; readonly id: number | string | undefined; readonly msg: string };

const withIdSchema = z.object({ id: requestIdSchema });
/** UTF-8 takes three bytes a UTF-16 unit at most. */
const MAX_UNIT_BYTES = 3;
const MAX_MESSAGE_CHARS = 200;

/** Reads a message of a client. */
export function readFrame(message: string | ArrayBuffer): ReadFrame {
  const refused = (msg: string): ReadFrame => ({ ok: false, id: undefined, msg });
  if (typeof message !== "string") return refused("binary frames are not read");
  if (isTooLong(message)) return refused(`a frame is at most ${MAX_CLIENT_FRAME_BYTES} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(message);
  } catch {
    return refused("not JSON");
  }
  const parsed = clientFrameSchema.safeParse(json);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  const msg =
    issue === undefined ? "malformed" : `${issue.path.join(".") || "frame"}: ${issue.message}`;
  return {
    ok: false,
    id: withIdSchema.safeParse(json).data?.id,
    msg: msg.slice(0, MAX_MESSAGE_CHARS),
  };
}

function isTooLong(message: string): boolean {
  if (message.length > MAX_CLIENT_FRAME_BYTES) return true;
  if (message.length * MAX_UNIT_BYTES <= MAX_CLIENT_FRAME_BYTES) return false;
  return new TextEncoder().encode(message).length > MAX_CLIENT_FRAME_BYTES;
}
