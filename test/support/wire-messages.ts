/** The first message of a client: a code and what belongs to it. */
export function opening(code: number, body = ""): Buffer {
  const bytes = Buffer.alloc(8 + body.length);
  bytes.writeInt32BE(bytes.length, 0);
  bytes.writeInt32BE(code, 4);
  bytes.write(body, 8, "latin1");
  return bytes;
}

/** Any later message of the Postgres wire protocol. */
export function message(type: string, body: string): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.write(type, 0, "latin1");
  bytes.writeInt32BE(4 + body.length, 1);
  bytes.write(body, 5, "latin1");
  return bytes;
}

export const SSL_REQUEST = opening(80877103);
export const STARTUP = opening(196608, "user\0postgres\0\0");
