/** In milliseconds. A day of 24 hours: not the day of a time zone. */
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000
