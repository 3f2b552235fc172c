/** A whole answer, ready to write. Header names are lower case. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An answer whose body is already JSON text: bars are written as text, which is cheaper than objects. */
export function jsonReply(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): Reply {
  return { status, headers: { "content-type": "application/json", ...headers }, body };
}

/** The page of a gateway or a load balancer: what callers get when no application answered. */
export function htmlReply(status: number, title: string): Reply {
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
  return { status, headers: { "content-type": "text/html" }, body };
}

/** An answer of plain text. */
export function textReply(status: number, body: string): Reply {
  return { status, headers: { "content-type": "text/plain" }, body };
}
