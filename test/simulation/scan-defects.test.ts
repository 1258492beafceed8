import { afterEach, describe, expect, it, vi } from 'vitest'
import type * as StreamCheckpoints from '../../connector/checkpoint/stream-checkpoint.ts'
import type * as Transitions from '../../connector/checkpoint/transitions.ts'
import type * as ClientTables from '../../connector/index/client-table.ts'
import { deltaWords, withEntries } from '../../connector/index/index-state.ts'
import type * as BeginScan from '../../connector/scan/begin-scan.ts'
import type * as ScanState from '../../connector/scan/scan-state.ts'
import type * as Turns from '../../connector/scan/turns.ts'
import type { SegmentStore } from '../../connector/storage/checkpoint-store.ts'
import type { Defects } from './defects.ts'
import { failureOf, type Kind } from './histories.ts'

/** Functions of the connector that a defect replaces, by name. */
interface Replaced {
  begunScan: (of: typeof BeginScan.begunScan) => typeof BeginScan.begunScan
  numbered: (of: typeof ScanState.numbered) => typeof ScanState.numbered
  nextTurn: (of: typeof Turns.nextTurn) => typeof Turns.nextTurn
  clientTable: (of: typeof ClientTables.clientTable) => typeof ClientTables.clientTable
  prepared: (of: typeof Transitions.prepared) => typeof Transitions.prepared
  streamCheckpoint: (of: typeof StreamCheckpoints.streamCheckpoint) => typeof StreamCheckpoints.streamCheckpoint
}

const replaced = vi.hoisted(() => ({ now: {} as Partial<Replaced> }))

/** The module with one function that the defect of the moment may replace. */
const replaceable = vi.hoisted(
  () =>
    <Name extends keyof Replaced>(name: Name) =>
    async (original: () => Promise<object>) => {
      const module = (await original()) as Record<Name, (...given: unknown[]) => unknown>
      const real = module[name]
      const call = (...given: unknown[]) => {
        const change = replaced.now[name] as ((of: typeof real) => typeof real) | undefined
        return (change === undefined ? real : change(real))(...given)
      }
      return { ...module, [name]: call }
    },
)

vi.mock('../../connector/scan/begin-scan.ts', replaceable('begunScan'))
vi.mock('../../connector/scan/scan-state.ts', replaceable('numbered'))
vi.mock('../../connector/scan/turns.ts', replaceable('nextTurn'))
vi.mock('../../connector/index/client-table.ts', replaceable('clientTable'))
vi.mock('../../connector/checkpoint/transitions.ts', replaceable('prepared'))
vi.mock('../../connector/checkpoint/stream-checkpoint.ts', replaceable('streamCheckpoint'))

/** Deletes what a new segment may replace as soon as it is uploaded. */
function deletingTooEarly(store: SegmentStore): SegmentStore {
  return {
    ...store,
    put: async (name, bytes, finish) => {
      const before = await store.list(finish)
      await store.put(name, bytes, finish)
      for (const one of before) if (one !== name) await store.remove(one, finish)
    },
  }
}

/** Names segments by their claim epoch alone. */
function reusingNames(store: SegmentStore): SegmentStore {
  const short = (name: string) => name.replace(/-.*/, '')
  return {
    ...store,
    put: (name, bytes, finish) => store.put(short(name), bytes, finish),
    get: (name, finish) => store.get(short(name), finish),
    remove: (name, finish) => store.remove(short(name), finish),
  }
}

interface Case {
  readonly defects?: Defects
  readonly replaces?: Partial<Replaced>
  readonly violation: RegExp
  readonly kind?: Kind
  /** Default 1; another one where the violation is rare. */
  readonly seed?: number
}

/** Defects by name, and the violation that each must cause. */
const cases: Record<string, Case> = {
  'a segment that is deleted too early': {
    defects: { segments: deletingTooEarly },
    violation: /deletes segment .*, which the checkpoint names/,
    kind: 'everyday',
  },
  'a segment whose name is used again': {
    defects: { segments: reusingNames },
    violation: /reuses the name of segment/,
    kind: 'everyday',
  },
  'segments without the last number of their range': {
    replaces: {
      clientTable: (real) => (expected) => {
        const table = real(expected)
        return { ...table, entries: (from, to = Number.POSITIVE_INFINITY) => table.entries(from, to - 1) }
      },
    },
    violation: /the index has nothing for/,
  },
  'a merge that takes in what is pending': {
    replaces: {
      prepared:
        (real) =>
        (...given) => {
          const next = real(...given)
          const { committed, pending } = next
          const index = withEntries(committed.state.index, pending?.change.entries ?? '')
          return { ...next, committed: { ...committed, state: { ...committed.state, index } } }
        },
    },
    violation: /is not published|is lost/,
    kind: 'everyday',
  },
  'an index that moves before the commit': {
    replaces: {
      streamCheckpoint:
        (real) =>
        (...given) => {
          const checkpoint = real(...given)
          return {
            ...checkpoint,
            prepare: (change, finish) => {
              checkpoint.table.setAll(deltaWords(change.entries))
              return checkpoint.prepare(change, finish)
            },
          }
        },
    },
    violation: /is not published|is lost/,
    kind: 'everyday',
  },
  'scans that all have the same number': {
    replaces: {
      numbered: (real) => (states, scan) => real({ ...states, begun: 0 }, scan),
    },
    violation: /is duplicated or out of order/,
  },
  'a look-back from the start of the last live scan': {
    replaces: {
      begunScan: (real) => (states, name, parts) => {
        const { startedAt } = states.live
        const lookBacks = states.lookBacks.map((one) => ({ ...one, startedAt: startedAt ?? one.startedAt }))
        return { ...real({ ...states, lookBacks }, name, parts), lookBacks: states.lookBacks }
      },
    },
    violation: /is not published, \d+ ms after all faults ended/,
  },
  'live scans that wait for the background': {
    replaces: {
      nextTurn: (real) => (states, parts) =>
        real(states, { ...parts, turns: { ...parts.turns, livePages: Number.POSITIVE_INFINITY } }),
    },
    violation: /a live scan waits for \d+ background pages/,
  },
}

describe('the histories find', () => {
  afterEach(() => {
    replaced.now = {}
  })

  it.each(Object.entries(cases))(
    '%s',
    async (_name, { defects = {}, replaces = {}, violation, kind = 'long-scans', seed = 1 }) => {
      replaced.now = replaces
      expect(await failureOf({ kind, defects, runs: 1_000, seed, lookingFor: violation })).toMatch(violation)
    },
  )
})
