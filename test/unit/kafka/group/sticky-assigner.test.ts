import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { AssignerProtocol, type Cluster, type PartitionAssigner } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import {
  claimOf,
  encodeMemberData,
  memberData,
  slotOf,
  stickyAssigner,
  streamsIn,
  streamsPerSlot,
} from '../../../../connector/kafka/group/sticky-assigner.ts'
import type { HashedSettings } from '../../../../connector/placement/hashed-settings.ts'
import { hashedStreams } from '../../../support/hashed-streams.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol
const metadata = (userData: Buffer) => MemberMetadata.encode({ version: 1, topics: ['t'], userData })
const cluster = (slots: number) =>
  ({ findTopicPartitionMetadata: () => Array.from({ length: slots }) }) as unknown as Cluster
const configOf = (slots: number) => ({ cluster: cluster(slots), groupId: 'g' }) as Parameters<PartitionAssigner>[0]
const assignerOf = (held: number[], silentMs = 5) =>
  stickyAssigner({ topic: 't', configuration: hashedStreams('a', 'b'), held: () => ({ held, silentMs }) })(configOf(6))

describe('stickyAssigner', () => {
  it('sends its slots to the leader, and as the leader keeps the slots of each member', async () => {
    const members = [
      { memberId: 'm1', memberMetadata: assignerOf([0, 1, 2]).protocol({ topics: ['t'] }).metadata },
      { memberId: 'm2', memberMetadata: assignerOf([5, 4, 3]).protocol({ topics: ['t'] }).metadata },
    ]
    const assigned = await assignerOf([]).assign({ members, topics: ['t'] })
    const slotsOf = (memberId: string) => {
      const found = assigned.find((one) => one.memberId === memberId)
      return found && MemberAssignment.decode(found.memberAssignment)?.assignment
    }
    expect(slotsOf('m1')).toEqual({ t: [0, 1, 2] })
    expect(slotsOf('m2')).toEqual({ t: [3, 4, 5] })
  })

  it('treats a member with unknown data as one without slots', () => {
    const claim = claimOf({ memberId: 'm', memberMetadata: metadata(Buffer.from('')) })
    expect(claim).toEqual({ member: 'm', held: [], silentMs: Number.MAX_SAFE_INTEGER })
  })

  it('decodes its own claim', () => {
    const { metadata: memberMetadata } = assignerOf([3, 1], 250).protocol({ topics: ['t'] })
    expect(claimOf({ memberId: 'm', memberMetadata })).toEqual({ member: 'm', held: [3, 1], silentMs: 250 })
  })
})

const settings = hashedStreams('paris')
const compressed = (value: unknown) => deflateRawSync(JSON.stringify(value))

it('the data of a member are decoded as they were encoded', () => {
  const data = { held: [3, 1], silentMs: 250, settings }
  expect(memberData(metadata(encodeMemberData(data)))).toEqual(data)
})

it('a new member, which the group never answered, reports its configuration too', () => {
  expect(memberData(metadata(encodeMemberData({ held: [], silentMs: Number.POSITIVE_INFINITY, settings })))).toEqual({
    held: [],
    silentMs: Number.MAX_SAFE_INTEGER,
    settings,
  })
})

it.each([
  ['no data', Buffer.alloc(0)],
  ['text', Buffer.from('{"held":[1],"silentMs":1}')],
  ['null', compressed(null)],
  ['no configuration', compressed({ held: [1], silentMs: 1 })],
  ['text for slots', compressed({ held: ['1'], silentMs: 1, settings })],
  ['no silentMs', compressed({ held: [1], settings })],
  ['a list of streams', compressed({ held: [1], silentMs: 1, settings: { shared: {}, streams: [] } })],
  ['numbers as hashes', compressed({ held: [1], silentMs: 1, settings: { shared: { a: 1 }, streams: {} } })],
])('a member that sends %s has no known data', (_, bytes) => {
  expect(memberData(metadata(bytes))).toBeUndefined()
})

it('the data of 30 replicas with 200 streams of 60 settings fit into one record of Kafka, 1 MB', () => {
  const hash = (text: string) => Buffer.from(text).toString('base64url').slice(-6)
  const paths = Array.from({ length: 60 }, (_, index) => `section.setting-${index}`)
  const streamOf = (index: number) => {
    const own = (path: string, at: number) => (at < 8 ? hash(`${index} ${path}`) : hash(path))
    return [`shop-${index}`, Object.fromEntries(paths.map((path, at) => [path, own(path, at)]))]
  }
  const streams = Object.fromEntries(Array.from({ length: 200 }, (_, index) => streamOf(index)))
  const many: HashedSettings = { shared: {}, streams }
  expect(encodeMemberData({ held: [], silentMs: 0, settings: many }).length * 30).toBeLessThan(1_000_000)
})

/** The partitions of these keys according to `Utils.murmur2` of Kafka's Java client 4.4.0. */
const vectors = [
  ['1', 3, 15],
  ['21', 0, 12],
  ['abc', 3, 3],
  ['foobar', 0, 6],
  ['a-little-bit-long-string', 2, 8],
] as const

const streamName = fc.stringMatching(/^[a-z0-9-]{1,20}$/)
const streamNames = fc.uniqueArray(streamName, { maxLength: 60 })
const slotCounts = fc.integer({ min: 1, max: 64 })

describe('slotOf', () => {
  it.each(vectors)('puts %s into slot %i of 6 and slot %i of 24', (stream, ofSix, ofTwentyFour) => {
    expect(slotOf(stream, 6)).toBe(ofSix)
    expect(slotOf(stream, 24)).toBe(ofTwentyFour)
  })
})

describe('the streams of slots', () => {
  it('are each in exactly one slot', () => {
    fc.assert(
      fc.property(streamNames, slotCounts, (streams, slots) => {
        const found = Array.from({ length: slots }, (_, slot) => [...streamsIn([slot], streams, slots)]).flat()
        expect(found.sort()).toEqual([...streams].sort())
      }),
    )
  })

  it('do not change when a stream is added', () => {
    fc.assert(
      fc.property(streamNames, streamName, slotCounts, (streams, added, slots) => {
        for (let slot = 0; slot < slots; slot += 1) {
          const before = streamsIn([slot], streams, slots)
          const after = streamsIn([slot], [...streams, added], slots)
          expect([...after].filter((stream) => stream !== added || before.has(stream))).toEqual([...before])
        }
      }),
    )
  })

  it('are counted for each slot', () => {
    expect(streamsPerSlot(['1', '21', 'abc', 'foobar'], 6)).toEqual([2, 0, 0, 2, 0, 0])
  })

  it('are empty while the number of slots is unknown', () => {
    expect(streamsIn([], ['a'], 0).size).toBe(0)
    expect(streamsPerSlot(['a'], 0)).toEqual([])
  })
})
