/** The forms in which rows are answered, the preferred one first. */
export const ROW_FORMATS = ["json", "ndjson", "csv"] as const;
export type RowFormat = (typeof ROW_FORMATS)[number];

/** Media types of the forms, without parameters. */
export const MEDIA_TYPES: Readonly<Record<RowFormat, string>> = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  csv: "text/csv",
};

/** An `Accept` header holds a few ranges; what is longer than this is not read to its end. */
const MAX_RANGES = 32;

/** A media range and its quality: `type` and `subtype` may be `*`. */
interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
}

/**
 * The form that a client prefers among those offered; null when it accepts none of them. Of every form
 * the most specific range that fits says the quality; between equals the first that is offered wins.
 * Parameters other than `q` are ignored. Without a header everything is accepted.
 * Source: RFC 9110, section 12.5.1.
 */
export function negotiate(
  accept: string | undefined,
  offered: readonly RowFormat[] = ROW_FORMATS,
): RowFormat | null {
  return preferredForm(accept, offered, (format) => MEDIA_TYPES[format]);
}

/** The same for forms of any kind; `mediaTypeOf` names the media type of each, without parameters. */
export function preferredForm<Form>(
  accept: string | undefined,
  offered: readonly Form[],
  mediaTypeOf: (form: Form) => string,
): Form | null {
  if (accept === undefined || accept.trim() === "") return offered[0] ?? null;
  const ranges = accept.split(",").slice(0, MAX_RANGES).flatMap(parseRange);
  let best: Form | null = null;
  let bestQuality = 0;
  for (const form of offered) {
    const quality = qualityOf(mediaTypeOf(form), ranges);
    if (quality > bestQuality) [best, bestQuality] = [form, quality];
  }
  return best;
}

/** How much a client wants a media type, 0 to 1; without a header as much as can be. */
export function qualityFor(accept: string | undefined, mediaType: string): number {
  if (accept === undefined || accept.trim() === "") return 1;
  return qualityOf(mediaType, accept.split(",").slice(0, MAX_RANGES).flatMap(parseRange));
}

function parseRange(text: string): MediaRange[] {
  const [range = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const [type, subtype, ...rest] = range.split("/");
  if (type === undefined || subtype === undefined || rest.length > 0) return [];
  const given = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = given === undefined ? 1 : Number(given.slice(2));
  return quality >= 0 && quality <= 1 ? [{ type, subtype, quality }] : [];
}

function qualityOf(mediaType: string, ranges: readonly MediaRange[]): number {
  const [type, subtype] = mediaType.split("/");
  const exact = ranges.find((range) => range.type === type && range.subtype === subtype);
  const ofType = ranges.find((range) => range.type === type && range.subtype === "*");
  const any = ranges.find((range) => range.type === "*" && range.subtype === "*");
  return (exact ?? ofType ?? any)?.quality ?? 0;
}
