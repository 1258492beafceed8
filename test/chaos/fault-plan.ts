import { numbers } from '../support/servers/polaris/made-up-client.ts'

/**
 * When a replica is hit: at any moment, with a page prepared in S3 but not decided, or with the end of its transaction on the way to Kafka.
 * The last two hit whichever replica is the first there; the one that is planned when none comes.
 */
export type Moment = 'any' | 'prepared' | 'committing'
export type Way = 'kafka' | 's3' | 'source'

/** What goes wrong; replicas and brokers are counted from 1, times are in milliseconds. */
export type Fault =
  | { readonly kind: 'kill'; readonly replica: number; readonly moment: Moment; readonly forMs: number }
  | { readonly kind: 'pause'; readonly replica: number; readonly moment: Moment; readonly forMs: number }
  | { readonly kind: 'skew clock'; readonly replica: number; readonly skewMs: number }
  | { readonly kind: 'restart replicas' }
  | { readonly kind: 'kill broker'; readonly broker: number; readonly forMs: number }
  | { readonly kind: 'move leaders' }
  | { readonly kind: 'restart brokers' }
  | { readonly kind: 'restart store' }
  | {
      readonly kind: 'cut'
      readonly replica: number
      readonly way: Way
      readonly how: 'refused' | 'silent'
      readonly forMs: number
    }
  | { readonly kind: 'drop answers'; readonly replica: number; readonly way: Way }
  | { readonly kind: 'slow store'; readonly replica: number; readonly delayMs: number; readonly forMs: number }

/** What hits a replica at a moment. */
export type Hit = Extract<Fault, { kind: 'kill' | 'pause' }>

/** Faults of one lane come one after the other, those of different lanes at the same time. */
export const lanes = ['replicas', 'brokers', 'ways'] as const
export type Lane = (typeof lanes)[number]

export interface PlannedFault {
  readonly lane: Lane
  /** From the beginning of the run; later where the one before takes longer than planned. */
  readonly atMs: number
  readonly fault: Fault
  /** Of the first deck, which is gone through however slow the machine is: a run has every kind of fault. */
  readonly isFirst: boolean
}

/** Longer than every timeout that the replicas are given: session, transaction, finish. */
export const PAUSE_MS = 14_000
const HOUR_MS = 3_600_000

/**
 * How many brokers, and how many of them have a copy of events and notes. A lone copy has nobody to lead in its place: while it is away, Kafka
 * loses ends of transactions (docs/decisions/20261126-lost-ends.md), and tells so to nobody where the coordinators live on.
 */
export interface Cluster {
  readonly brokers: 1 | 3
  readonly copies: 1 | 3
}

export const WHOLE: Cluster = { brokers: 3, copies: 3 }

type Chance = () => number
type Draw = (chance: Chance, cluster: Cluster) => Fault

const one = <Item>(chance: Chance, items: readonly [Item, ...Item[]]): Item =>
  items[Math.floor(chance() * items.length)] ?? items[0]
const between = (chance: Chance, least: number, most: number) => Math.round(least + chance() * (most - least))
const any = (chance: Chance) => one(chance, [1, 2, 3])

const kill =
  (moment: Moment): Draw =>
  (chance) => ({ kind: 'kill', replica: any(chance), moment, forMs: between(chance, 0, 3_000) })
const cut =
  (way: Way, longestMs: number): Draw =>
  (chance) => {
    const how = one<'refused' | 'silent'>(chance, ['refused', 'silent'])
    return { kind: 'cut', replica: any(chance), way, how, forMs: between(chance, 1_000, longestMs) }
  }
const dropAnswers =
  (way: Way): Draw =>
  (chance) => ({ kind: 'drop answers', replica: any(chance), way })

const moveLeaders: Draw = () => ({ kind: 'move leaders' })

/** A deck for each lane: all of it is dealt before any of it comes again. */
const decks: Record<Lane, readonly Draw[]> = {
  replicas: [
    ...(['any', 'prepared', 'committing'] as const).map(kill),
    (chance) => {
      return { kind: 'pause', replica: any(chance), moment: one(chance, ['prepared', 'committing']), forMs: PAUSE_MS }
    },
    (chance) => ({ kind: 'skew clock', replica: any(chance), skewMs: one(chance, [-HOUR_MS, HOUR_MS]) }),
    () => ({ kind: 'restart replicas' }),
  ],
  brokers: [
    (chance, { brokers }) => {
      return { kind: 'kill broker', broker: Math.min(any(chance), brokers), forMs: between(chance, 0, 4_000) }
    },
    moveLeaders,
    () => ({ kind: 'restart brokers' }),
    () => ({ kind: 'restart store' }),
  ],
  ways: [
    ...[cut('kafka', 9_000), cut('s3', 5_000), cut('source', 4_000)],
    ...(['kafka', 's3', 'source'] as const).map(dropAnswers),
    (chance) => {
      const [delayMs, forMs] = [between(chance, 100, 800), between(chance, 2_000, 6_000)]
      return { kind: 'slow store', replica: any(chance), delayMs, forMs }
    },
  ],
}

/** How long a fault takes on a calm machine. */
export const nominalMs = (fault: Fault) =>
  ('forMs' in fault ? fault.forMs : 0) + (fault.kind === 'restart brokers' ? 20_000 : 2_000)

/** Between the end of one and the next, at most. */
const restMs: Record<Lane, number> = { replicas: 1_200, brokers: 4_000, ways: 1_200 }

/** The same seed gives the same faults at the same planned times, each kind at least once; a longer run begins like a shorter one. */
export function faultPlan(seed: number, lengthMs: number, cluster = WHOLE): PlannedFault[] {
  return lanes.flatMap((lane, at) => lanePlan(lane, numbers(seed, at, 0), { lengthMs, cluster }))
}

function lanePlan(
  lane: Lane,
  chance: Chance,
  { lengthMs, cluster }: { lengthMs: number; cluster: Cluster },
): PlannedFault[] {
  const plan: PlannedFault[] = []
  const deck = decks[lane].filter((draw) => cluster.copies > 1 || draw !== moveLeaders)
  for (let atMs = between(chance, 0, 1_000); ; ) {
    for (const draw of shuffled(deck, chance)) {
      const fault = draw(chance, cluster)
      const isFirst = plan.length < deck.length
      if (!isFirst && atMs + nominalMs(fault) > lengthMs) return plan
      plan.push({ lane, atMs, fault, isFirst })
      atMs += nominalMs(fault) + between(chance, 200, restMs[lane])
    }
  }
}

function shuffled<Item>(items: readonly Item[], chance: Chance): Item[] {
  return items
    .map((item) => ({ item, at: chance() }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item)
}
