const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

const KEY = '"flushes":[';

/**
 * The exact text of each flush in the text of a `batch` frame: a checksum is over what was sent, which
 * printing the parsed value again need not give back. Null when the text does not have that form.
 */
export function splitBatch(text: string): string[] | null {
  const start = text.indexOf(KEY);
  if (start === -1) return null;
  const parts: string[] = [];
  let depth = 0;
  let begin = 0;
  for (let at = start + KEY.length; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === OPEN) {
      if (depth === 0) begin = at;
      depth += 1;
    } else if (code === CLOSE) {
      depth -= 1;
      if (depth === 0) parts.push(text.slice(begin, at + 1));
      // The brace that ends the batch itself.
      if (depth < 0) return parts;
    }
  }
  return null;
}

/** The place of the quotation mark that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE)
    at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
