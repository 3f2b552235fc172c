/** The version that `/health` and `build_info` show. */
export const VERSION = "0.1.0";
