/** Sessions are 390 or 210 minutes long; anything else a calendar override makes is remembered too. */
const MAX_PROFILES = 16;
const profiles = new Map<number, Float64Array>();

/**
 * How a session's volume spreads over its minutes, with mean 1: a burst after the open that fades in
 * about a twentieth of the session, a lull at midday, a rise into the close (the well-known U).
 */
export function volumeProfile(length: number): Float64Array {
  const known = profiles.get(length);
  if (known !== undefined) return known;
  const profile = Float64Array.from({ length }, (_, minute) => {
    const x = (minute + 0.5) / length;
    return 0.6 + 4 * Math.exp(-x / 0.05) + 0.9 * (2 * x - 1) ** 2 + 1.6 * Math.exp((x - 1) / 0.03);
  });
  const mean = profile.reduce((sum, weight) => sum + weight, 0) / length;
  if (profiles.size >= MAX_PROFILES) profiles.clear();
  const scaled = profile.map((weight) => weight / mean);
  profiles.set(length, scaled);
  return scaled;
}
