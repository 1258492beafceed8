/** ISO 8601 in UTC, in whole seconds. */
export const isoTime = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** Such as `1 event` or `2 events`. */
export const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
