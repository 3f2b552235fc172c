import { z } from "zod";

/** timestamptz (the driver gives a Date; infinities are refused) to epoch ms. */
export const instantMs = z.date().transform((date) => date.getTime());

/** int8 (the driver gives text) to a number that is exact. */
export const exactInteger = z.coerce.number().int();
