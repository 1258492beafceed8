import type { WatchedPolling } from '../../connector/telemetry/scan-status.ts'

/** The settings of a watched stream. */
export const polling: WatchedPolling = {
  intervalMs: 5000,
  maxIntervalMs: 30_000,
  lookBacks: [
    { reachMs: 300_000, everyMs: 60_000 },
    { reachMs: 93_600_000, everyMs: 21_600_000 },
  ],
  timeZone: 'Europe/Paris',
}
