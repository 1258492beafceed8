import { describe, expect, test } from 'vitest'
import type { FoundCheckpoint } from '../../../../connector/commands/overview/find-streams.ts'
import { statusLines, statusReport, statusShape } from '../../../../connector/commands/overview/status.ts'
import type { SeenGroup } from '../../../../connector/commands/overview/stream-overview.ts'
import { connectorConfig } from '../../../../connector/config/connector-config.ts'
import { loadConfig } from '../../../../connector/config/load-config.ts'
import { noRequests } from '../../../../connector/control/control-document.ts'
import { requested } from '../../../../connector/control/requests.ts'
import type { GroupView } from '../../../../connector/placement/placement.ts'
import { BACKFILL, newScans } from '../../../../connector/scan/scan-state.ts'
import { plainScreen } from '../../../support/screens.ts'
import { change, documentWith, now, state } from '../../checkpoint/documents.ts'
import { scanOf } from '../../scan/scans.ts'

const polaris = { url: 'http://polaris.example.com', codeMagasin: 1 }
const topics = (name: string) => ({ name, polaris, kafka: { topic: `shop.${name}` } })
const yaml = {
  connector: 'shop',
  kafka: { brokers: ['kafka-1:9092'] },
  checkpoint: { url: 's3://bucket/polaris' },
  streams: [topics('paris'), topics('lyon')],
}
const config = connectorConfig(
  loadConfig({ file: 'c.yaml', environment: {}, readFile: () => JSON.stringify(yaml), now }),
)

const MINUTE = 60_000
const claim = { epoch: 3, owner: 'r-1', at: now - 60 * MINUTE }
const live = (agoMs: number) => ({ ...newScans, live: { startedAt: now - agoMs, scan: null } })
const savedAgo = (agoMs: number): FoundCheckpoint => ({
  kind: 'document',
  document: {
    ...documentWith({ committed: { at: now - agoMs, state: { ...state, scans: live(agoMs) } }, pending: null }),
    claim,
  },
})
const member = (replica: string, ...streams: string[]) => ({ replica, host: '10.0.0.7', slots: [1], streams })
const group = (...members: GroupView['members']): GroupView => ({ state: 'Stable', slots: 24, members })

const trouble = { state: 'held', code: 'source.certificate', since: now - 5 * MINUTE, by: 'r-1' }
const held = { ...noRequests, streams: { lyon: { trouble } } }

interface Scene {
  readonly view?: SeenGroup
  readonly document?: typeof noRequests
  readonly lyon?: FoundCheckpoint
}

function reportOf({ view = group(member('r-1', 'paris', 'lyon')), document = noRequests, lyon }: Scene) {
  const checkpoints = new Map([
    ['paris', savedAgo(8_000)],
    ['lyon', lyon ?? savedAgo(8_000)],
  ])
  const groupUnreadable = view === 'unreachable' ? 'publish.unreachable' : null
  return statusReport(config, { group: view, checkpoints, control: { document } }, { now, groupUnreadable })
}
const lyonOf = (scene: Scene) => reportOf(scene).streams[1]

describe('the state of a stream', () => {
  test('is running with its lag and replica while its replica saves', () => {
    const report = reportOf({})
    expect(statusShape.parse(report)).toMatchObject({ connector: 'shop', needsAttention: false })
    expect(report.streams[1]).toMatchObject({ state: 'running', lagSeconds: 8, replica: 'r-1', code: null, hint: null })
  })

  test('has the scans and the lag of a pending state: its replica records it as committed only at the next save', () => {
    const backfill = scanOf({ kind: 'backfill', tag: BACKFILL })
    const scans = { ...live(50_000), background: [backfill] }
    const document = {
      ...documentWith({
        committed: { at: now - 50_000, state: { ...state, scans } },
        pending: { at: now - 8_000, change: { ...change, scans: live(8_000) } },
      }),
      claim,
    }
    expect(lyonOf({ lyon: { kind: 'document', document } })).toMatchObject({ lagSeconds: 8, scans: [] })
    expect(lyonOf({ lyon: { kind: 'document', document: { ...document, pending: null } } })).toMatchObject({
      ...{ lagSeconds: 50, scans: [{ scan: 'backfill' }] },
    })
  })

  test('is held with code, since when, and what to do, as the replica reports that has it', () => {
    const lyon = lyonOf({ document: held })
    expect(lyon).toMatchObject({ state: 'held', code: 'source.certificate', needsAttention: true })
    expect(lyon?.since).toBe('2026-06-15T09:55:00.000Z')
    expect(lyon?.hint).toContain('certificate')
    expect(reportOf({ document: held }).needsAttention).toBe(true)
  })

  test('is not what a replica reported that no longer has the stream', () => {
    expect(lyonOf({ document: held, view: group(member('r-2', 'lyon')) })).toMatchObject({
      ...{ state: 'opening', needsAttention: false },
    })
    expect(lyonOf({ document: held, view: null })).toMatchObject({ state: 'held' })
  })

  test('is failing while the stream is open or opens and its replica reports a failure', () => {
    const document = { ...noRequests, streams: { lyon: { trouble: { ...trouble, state: 'running', code: null } } } }
    expect(lyonOf({ document })).toMatchObject({ state: 'failing', needsAttention: true })
  })

  test('is paused before it is held, and needs no attention', () => {
    const wanted = { kind: 'pause', stream: 'lyon', reason: 'maintenance' } as const
    const document = requested(held, wanted, { id: '1', by: 'operator', at: now }) ?? held
    expect(lyonOf({ document })).toMatchObject({ state: 'paused', remark: 'maintenance', needsAttention: false })
  })

  test('is unassigned if no replica has it, but rebalancing while the group does', () => {
    const nobody = group(member('r-2'))
    expect(lyonOf({ view: nobody })).toMatchObject({ state: 'unassigned', needsAttention: true, replica: null })
    expect(lyonOf({ view: { ...nobody, state: 'PreparingRebalance' } })).toMatchObject({
      ...{ state: 'rebalancing', needsAttention: false },
    })
  })

  test('is stalled if its replica has saved nothing for minutes, and reports nothing', () => {
    expect(lyonOf({ lyon: savedAgo(30 * MINUTE), view: null })).toMatchObject({
      ...{ state: 'stalled', needsAttention: true, lagSeconds: 1800 },
    })
  })

  test('is new without a checkpoint, and unreadable with a damaged one', () => {
    expect(lyonOf({ lyon: { kind: 'none' } })).toMatchObject({ state: 'new', needsAttention: false, lagSeconds: null })
    const lyon = { kind: 'unreadable', code: 'checkpoint.damaged' } as const
    expect(lyonOf({ lyon })).toMatchObject({ state: 'unreadable', code: 'checkpoint.damaged', needsAttention: true })
  })

  test('is what the stores say while Kafka does not answer, which needs attention too', () => {
    const report = reportOf({ view: 'unreachable', document: held })
    expect(report).toMatchObject({ needsAttention: true, groupUnreadable: 'publish.unreachable' })
    expect(report.streams.map((one) => [one.state, one.replica])).toEqual([
      ['running', 'r-1'],
      ['held', 'r-1'],
    ])
  })
})

test('the report prints as one table, with what to do below it', () => {
  const [header, paris, lyon, empty, hint, ...rest] = statusLines(reportOf({ document: held }), plainScreen)
  expect(header).toBe('STREAM  STATE    SINCE                 LAG  SCANS  REPLICA')
  expect(paris).toBe('paris   running  2026-06-15T09:00:00Z  8 s  –      r-1')
  expect(lyon).toBe('lyon    held     2026-06-15T09:55:00Z  8 s  –      r-1      source.certificate')
  expect([empty, hint?.startsWith('source.certificate → '), rest]).toEqual(['', true, []])
  expect(statusLines(reportOf({ view: 'unreachable' }), plainScreen).at(-1)).toBe(
    'consumer group cannot be read: publish.unreachable → run polaris-connector doctor',
  )
})
