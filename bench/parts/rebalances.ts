/** A replica opened a stream, according to its log. All times in this file are ms since 1970. */
export interface Claim {
  readonly stream: string
  readonly replica: string
  readonly epoch: number
  /** Number of events of the stream so far, which is also the number of the next one. */
  readonly events: number
  readonly at: number
}

/** Events `from` to `to` of one stream, which a reader of committed records received together. */
export interface SeenEvents {
  readonly from: number
  readonly to: number
  readonly at: number
}

export interface History {
  readonly claims: readonly Claim[]
  readonly seen: ReadonlyMap<string, readonly SeenEvents[]>
}

/** A stream continues on another replica. */
export interface Takeover {
  readonly stream: string
  /** From the cause to the first event of the successor in the topic. */
  readonly firstEventMs: number
  /** From the last event of the predecessor to the first event of the successor. */
  readonly silentMs: number
  /** Openings since the cause: one is enough. */
  readonly openings: number
}

/** The owner of each stream: the replica that claimed it with the highest epoch. */
export function ownersOf(claims: readonly Claim[]): ReadonlyMap<string, string> {
  const ascending = claims.toSorted((one, other) => one.epoch - other.epoch)
  return new Map(ascending.map(({ stream, replica }) => [stream, replica]))
}

/** The takeovers from the owners in `before`; undefined while a successor has published nothing. */
export function takeoversSince(
  { claims, seen }: History,
  cause: { at: number; before: ReadonlyMap<string, string> },
  streams: readonly string[],
): readonly Takeover[] | undefined {
  const takeovers = streams.map((stream): Takeover | undefined => {
    const since = claims.filter((claim) => claim.stream === stream && claim.at >= cause.at)
    const successor = since.find(({ replica }) => replica !== cause.before.get(stream))
    const batches = seen.get(stream) ?? []
    const at = successor === undefined ? -1 : batches.findIndex(({ to }) => to >= successor.events)
    const [last, first] = [batches[at - 1], batches[at]]
    if (last === undefined || first === undefined) return undefined
    return { stream, firstEventMs: first.at - cause.at, silentMs: first.at - last.at, openings: since.length }
  })
  return takeovers.includes(undefined) ? undefined : takeovers.filter((takeover) => takeover !== undefined)
}

/** The longest time between two consecutive events, of which the later one came after `since`. */
export function longestSilenceMs(seen: readonly SeenEvents[], since: number): number {
  const gaps = seen.map(({ at }, index) => (at < since ? 0 : at - (seen[index - 1]?.at ?? at)))
  return Math.max(0, ...gaps)
}

/** Minimum, median, p90 and maximum of times in ms, as text in seconds. */
export function distribution(times: readonly number[]): string[] {
  const ascending = times.toSorted((one, other) => one - other)
  return [0, 0.5, 0.9, 1].map((share) => {
    const ms = ascending[Math.round(share * (ascending.length - 1))]
    return ms === undefined ? '–' : (ms / 1000).toFixed(2)
  })
}
