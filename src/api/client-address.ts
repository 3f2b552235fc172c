/** Hextets of an IPv6 address that name a customer's network: whoever has one address has the whole /64. */
const NETWORK_HEXTETS = 4;
const MAX_ADDRESS_CHARS = 64;

/**
 * Whom a request without a key is counted for: its address as Cloudflare tells it, which a client can't write
 * itself; of IPv6 the /64. In the local runtime nobody tells it.
 */
export function clientAddress(header: string | undefined): string {
  if (header === undefined || header === "") return "unknown";
  const address = header.slice(0, MAX_ADDRESS_CHARS).toLowerCase();
  return address.includes(":") && !address.includes(".") ? networkOf(address) : address;
}

/** The first half of an IPv6 address, `::` written out. */
function networkOf(address: string): string {
  const [head = "", tail] = address.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from(
    { length: tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length) },
    () => "0",
  );
  const hextets = [...first, ...zeros, ...last].slice(0, NETWORK_HEXTETS);
  return `${hextets.map((hextet) => hextet.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
