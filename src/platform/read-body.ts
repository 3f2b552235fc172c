interface BodyReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** The body of a response; both the platform's and Node's fit. */
export interface ReadableBody {
  getReader(): BodyReader;
}

/** A body was larger than it may be; the rest of it has not been read. */
export class BodyTooLargeError extends Error {
  constructor(maxBytes: number) {
    super(`body larger than ${maxBytes} bytes`);
    this.name = "BodyTooLargeError";
  }
}

/** Reads a body as UTF-8 text. Throws `BodyTooLargeError` when it is larger than `maxBytes`. */
export async function readBody(body: ReadableBody | null, maxBytes: number): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined) break;
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      // The verdict stands whether or not the rest could be called off.
      await reader.cancel().catch(() => undefined);
      throw new BodyTooLargeError(maxBytes);
    }
    parts.push(decoder.decode(value, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join("");
}
