import { z } from "zod";
import type { Region } from "../domain/host-name.ts";

/** Where a request came in, as the platform tells: `request.cf`, absent on a local stack. */
const cfSchema = z.object({
  continent: z.string().optional(),
  country: z.string().optional(),
  longitude: z.coerce.number().optional().catch(undefined),
});

/** The exchanges' providers and the database are there. */
const DEFAULT_REGION: Region = "enam";

const BY_CONTINENT: Readonly<Record<string, Region>> = {
  AF: "afr",
  AS: "apac",
  EU: "weur",
  NA: "enam",
  OC: "oc",
  SA: "sam",
};
/** Of Asia what lies nearer to the Gulf than to Singapore, and Egypt; ISO 3166-1. */
const MIDDLE_EAST = new Set(
  "AE AM AZ BH CY EG GE IL IQ IR JO KW LB OM PS QA SA SY TR YE".split(" "),
);
/** West of this meridian North America is nearer to California than to Virginia: about Denver. */
const NORTH_AMERICA_SPLIT = -104;
/** East of this one Europe is eastern: about Berlin to Vienna. */
const EUROPE_SPLIT = 16;

/** The region whose hosts are nearest to whoever sent a request with these properties. */
export function regionOf(cf: unknown): Region {
  const parsed = cfSchema.safeParse(cf);
  if (!parsed.success) return DEFAULT_REGION;
  const { continent, country, longitude } = parsed.data;
  if (country !== undefined && MIDDLE_EAST.has(country)) return "me";
  if (continent === "NA" && longitude !== undefined && longitude < NORTH_AMERICA_SPLIT)
    return "wnam";
  if (continent === "EU" && longitude !== undefined && longitude > EUROPE_SPLIT) return "eeur";
  return BY_CONTINENT[continent ?? ""] ?? DEFAULT_REGION;
}
