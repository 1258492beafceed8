/** The settings of a watched stream. */
export const polling = { intervalMs: 5000, timeZone: 'Europe/Paris' }
