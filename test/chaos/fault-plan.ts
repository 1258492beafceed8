import { numbers } from '../polaris/clients/made-up-client.ts'

/**
 * Where a replica is interrupted: anywhere, with a page prepared in S3 but not committed, or with its commit on the way
 * to Kafka. The last two affect the first replica to get there; if none does, the planned one.
 */
type InjectionPoint = 'any' | 'prepared' | 'committing'
export type Link = 'kafka' | 's3' | 'source'

/** What fails. Replicas and brokers are numbered from 1; times are in milliseconds. */
export type Fault =
  | { readonly kind: 'kill'; readonly replica: number; readonly point: InjectionPoint; readonly forMs: number }
  | { readonly kind: 'pause'; readonly replica: number; readonly point: InjectionPoint; readonly forMs: number }
  | { readonly kind: 'skew clock'; readonly replica: number; readonly skewMs: number }
  | { readonly kind: 'restart replicas' }
  | { readonly kind: 'kill broker'; readonly broker: number; readonly forMs: number }
  | { readonly kind: 'restart brokers' }
  | { readonly kind: 'restart store' }
  | {
      readonly kind: 'cut'
      readonly replica: number
      readonly link: Link
      readonly how: 'refused' | 'silent'
      readonly forMs: number
    }
  | { readonly kind: 'drop responses'; readonly replica: number; readonly link: Link }
  | { readonly kind: 'slow store'; readonly replica: number; readonly delayMs: number; readonly forMs: number }
  /** An operator erases a client. `stream` and `client` are numbered from 1. */
  | { readonly kind: 'erase'; readonly stream: number; readonly client: number }
  /** An operator pauses a stream, and resumes it. */
  | { readonly kind: 'pause stream'; readonly stream: number; readonly forMs: number }
  /** An operator has all clients of a stream published again. */
  | { readonly kind: 'republish'; readonly stream: number }
  /** Some clients are deleted in the source, and come back. */
  | { readonly kind: 'delete clients'; readonly first: number; readonly forMs: number }

/** A fault of a replica's process, injected at a certain point. */
export type ProcessFault = Extract<Fault, { kind: 'kill' | 'pause' }>

/** Faults of one lane never overlap; those of different lanes do. */
export const lanes = ['replicas', 'brokers', 'network', 'operators'] as const
type Lane = (typeof lanes)[number]

export interface PlannedFault {
  readonly lane: Lane
  /** From the start of the run; later if the previous fault takes longer than planned. */
  readonly atMs: number
  readonly fault: Fault
  /** In the first cycle of the lane, which is completed even on a slow machine: a run has every kind of fault. */
  readonly isFirst: boolean
}

export const STREAMS = 12
/** Clients that operators erase, from 1; the second half of them is also deleted in the source at times. */
const ERASABLE = 8
const DELETABLE = { from: 5, to: 12 }
/** Deleted at a time. */
export const DELETED = 3

/** Longer than every timeout of the replicas: session, transaction, shutdown. */
export const PAUSE_MS = 14_000
const HOUR_MS = 3_600_000

export const BROKERS = [1, 2, 3] as const

type Random = () => number
type Generate = (random: Random) => Fault

const one = <Item>(random: Random, items: readonly [Item, ...Item[]]): Item =>
  items[Math.floor(random() * items.length)] ?? items[0]
const between = (random: Random, least: number, most: number) => Math.round(least + random() * (most - least))
const any = (random: Random) => one(random, BROKERS)

const kill =
  (point: InjectionPoint): Generate =>
  (random) => ({ kind: 'kill', replica: any(random), point, forMs: between(random, 0, 3_000) })
const cut =
  (link: Link, longestMs: number): Generate =>
  (random) => {
    const how = one<'refused' | 'silent'>(random, ['refused', 'silent'])
    return { kind: 'cut', replica: any(random), link, how, forMs: between(random, 1_000, longestMs) }
  }
const dropResponses =
  (link: Link): Generate =>
  (random) => ({ kind: 'drop responses', replica: any(random), link })

/** The faults of each lane. A cycle injects all of them, in random order, before any is repeated. */
const generators: Record<Lane, readonly Generate[]> = {
  replicas: [
    ...(['any', 'prepared', 'committing'] as const).map(kill),
    (random) => {
      return { kind: 'pause', replica: any(random), point: one(random, ['prepared', 'committing']), forMs: PAUSE_MS }
    },
    (random) => ({ kind: 'skew clock', replica: any(random), skewMs: one(random, [-HOUR_MS, HOUR_MS]) }),
    () => ({ kind: 'restart replicas' }),
  ],
  brokers: [
    (random) => ({ kind: 'kill broker', broker: any(random), forMs: between(random, 0, 4_000) }),
    () => ({ kind: 'restart brokers' }),
    () => ({ kind: 'restart store' }),
  ],
  network: [
    cut('kafka', 9_000),
    cut('s3', 5_000),
    cut('source', 4_000),
    ...(['kafka', 's3', 'source'] as const).map(dropResponses),
    (random) => {
      const delayMs = between(random, 100, 800)
      const forMs = between(random, 2_000, 6_000)
      return { kind: 'slow store', replica: any(random), delayMs, forMs }
    },
  ],
  operators: [
    (random) => {
      return { kind: 'erase', stream: between(random, 1, STREAMS), client: between(random, 1, ERASABLE) }
    },
    (random) => ({ kind: 'republish', stream: between(random, 1, STREAMS) }),
    (random) => ({ kind: 'pause stream', stream: between(random, 1, STREAMS), forMs: between(random, 0, 4_000) }),
    // Longer than a full scan.
    (random) => {
      const first = between(random, DELETABLE.from, DELETABLE.to - DELETED + 1)
      return { kind: 'delete clients', first, forMs: between(random, 20_000, 24_000) }
    },
  ],
}

/** How long a fault takes on an idle machine. */
export const nominalMs = (fault: Fault) =>
  ('forMs' in fault ? fault.forMs : 0) + (fault.kind === 'restart brokers' ? 20_000 : 2_000)

/** Longest pause between two faults. */
const restMs: Record<Lane, number> = {
  replicas: 1_200,
  brokers: 4_000,
  network: 1_200,
  operators: 1_200,
}

/** A seed always gives the same faults at the same planned times, each kind at least once. Longer runs start alike. */
export function faultPlan(seed: number, lengthMs: number): PlannedFault[] {
  return lanes.flatMap((lane, at) => lanePlan(lane, numbers(seed, at, 0), lengthMs))
}

function lanePlan(lane: Lane, random: Random, lengthMs: number): PlannedFault[] {
  const plan: PlannedFault[] = []
  const cycle = generators[lane]
  for (let atMs = between(random, 0, 1_000); ; ) {
    for (const generate of shuffled(cycle, random)) {
      const fault = generate(random)
      const isFirst = plan.length < cycle.length
      if (!isFirst && atMs + nominalMs(fault) > lengthMs) return plan
      plan.push({ lane, atMs, fault, isFirst })
      atMs += nominalMs(fault) + between(random, 200, restMs[lane])
    }
  }
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item)
}
