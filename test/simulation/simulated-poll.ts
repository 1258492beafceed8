/** How often the live scans of the simulation begin; the longest interval is that of a quiet stream. */
export const POLL_MS = 5_000
export const MAX_POLL_MS = 30_000
