/** A replica has opened a stream, as its log says. Moments are milliseconds since 1970. */
export interface Claim {
  readonly stream: string
  readonly replica: string
  readonly epoch: number
  /** How many events the stream had then: the number of the next one. */
  readonly events: number
  readonly at: number
}

/** Events of one stream, numbered `from` to `to`, that a reader of committed records saw at once. */
export interface SeenEvents {
  readonly from: number
  readonly to: number
  readonly at: number
}

export interface History {
  readonly claims: readonly Claim[]
  readonly seen: ReadonlyMap<string, readonly SeenEvents[]>
}

/** What a stream went through. */
export interface Move {
  readonly stream: string
  /** From the cause to the first event of the successor in the topic. */
  readonly firstEventMs: number
  /** How long the topic was silent before it. */
  readonly silentMs: number
  /** Openings since the cause: one is enough. */
  readonly openings: number
}

/** Who runs each stream: whoever claimed it with the highest epoch. */
export function ownersOf(claims: readonly Claim[]): ReadonlyMap<string, string> {
  const rising = claims.toSorted((one, other) => one.epoch - other.epoch)
  return new Map(rising.map(({ stream, replica }) => [stream, replica]))
}

/** The moves away from `before`, what the streams' owner was at the cause; undefined while a successor has published nothing. */
export function movesSince(
  { claims, seen }: History,
  cause: { at: number; before: ReadonlyMap<string, string> },
  streams: readonly string[],
): readonly Move[] | undefined {
  const moves = streams.map((stream): Move | undefined => {
    const since = claims.filter((claim) => claim.stream === stream && claim.at >= cause.at)
    const successor = since.find(({ replica }) => replica !== cause.before.get(stream))
    const batches = seen.get(stream) ?? []
    const at = successor === undefined ? -1 : batches.findIndex(({ to }) => to >= successor.events)
    const [last, first] = [batches[at - 1], batches[at]]
    if (last === undefined || first === undefined) return undefined
    return { stream, firstEventMs: first.at - cause.at, silentMs: first.at - last.at, openings: since.length }
  })
  return moves.includes(undefined) ? undefined : moves.filter((move) => move !== undefined)
}

/** The longest time that the topic of a stream was silent since a moment, the time before its next event included. */
export function longestSilenceMs(seen: readonly SeenEvents[], since: number): number {
  const gaps = seen.map(({ at }, index) => (at < since ? 0 : at - (seen[index - 1]?.at ?? at)))
  return Math.max(0, ...gaps)
}

/** Least, median, p90 and most of some milliseconds, in seconds. */
export function distribution(times: readonly number[]): string[] {
  const rising = times.toSorted((one, other) => one - other)
  return [0, 0.5, 0.9, 1].map((share) => {
    const ms = rising[Math.round(share * (rising.length - 1))]
    return ms === undefined ? '–' : (ms / 1000).toFixed(2)
  })
}
