/** What happens with clients that full scans no longer return. */
export interface RemovedSettings {
  readonly publish: 'nothing' | 'event' | 'event and tombstone'
  /** The share of all clients that may become missing, or be removed, at once; 0 to 1. */
  readonly maxShare: number
}

/** So few clients are never too many. */
const ALWAYS_ALLOWED = 10

/** Whether it is more likely that the server does not return clients that it has. Pure. */
export function areTooMany(gone: number, clients: number, { maxShare }: Pick<RemovedSettings, 'maxShare'>): boolean {
  return gone > ALWAYS_ALLOWED && gone > maxShare * clients
}
