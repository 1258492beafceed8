/** How often the live scans of the simulation begin. */
export const POLL_MS = 5_000
