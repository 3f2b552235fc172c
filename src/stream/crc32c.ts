// CRC-32C (Castagnoli), reflected polynomial 0x82f63b78: RFC 3720 appendix B.4.
const TABLE = new Uint32Array(256).map((_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

const encoder = new TextEncoder();

/** A running CRC-32C over UTF-8 texts. */
export class Crc32c {
  #crc = 0xffffffff;

  update(text: string): void {
    let crc = this.#crc;
    for (const byte of encoder.encode(text)) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
    this.#crc = crc;
  }

  /** Eight hexadecimal digits. */
  digest(): string {
    return ((this.#crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
  }
}
