import { describe, expect, test } from 'vitest'
import { decodeFetchResponse } from '../../../../connector/kafka/kafkajs/fetch-records.ts'
import { array, int8, int16, int32, int64, text } from '../../../support/servers/kafka-bytes.ts'

/** A record batch without records, as compaction leaves it. */
function emptyBatch(first: number, lastDelta: number): Buffer {
  const rest = Buffer.concat([
    int32(0),
    int8(2),
    int32(0),
    int16(0),
    int32(lastDelta),
    int64(0n),
    int64(0n),
    int64(7n),
    int16(0),
    int32(0),
    array([]),
  ])
  return Buffer.concat([int64(BigInt(first)), int32(rest.length), rest])
}

function response(of: { throttledMs: number; code?: number; bytes?: Buffer }): Buffer {
  const bytes = of.bytes ?? Buffer.alloc(0)
  const partition = Buffer.concat([
    int32(3),
    int16(of.code ?? 0),
    int64(90n),
    int64(80n),
    int64(0n),
    array([Buffer.concat([int64(7n), int64(1n)])]),
    int32(-1),
    int32(bytes.length),
    bytes,
  ])
  return Buffer.concat([
    int32(of.throttledMs),
    int16(0),
    int32(0),
    array([Buffer.concat([text('t'), array([partition])])]),
  ])
}

describe('a fetch response', () => {
  test('says where the last complete batch ends, also if compaction has emptied it', async () => {
    const bytes = Buffer.concat([emptyBatch(10, 4), emptyBatch(20, 9), emptyBatch(30, 0).subarray(0, -1)])
    expect(await decodeFetchResponse(response({ throttledMs: 0, bytes }))).toEqual({
      clientSideThrottleTime: 0,
      records: [],
      next: 30n,
    })
  })

  test('without bytes has nothing before the high watermark, unless it is throttled', async () => {
    expect(await decodeFetchResponse(response({ throttledMs: 0 }))).toEqual({
      clientSideThrottleTime: 0,
      records: [],
      next: 90n,
    })
    const throttled = { clientSideThrottleTime: 1_500, records: [], next: undefined }
    expect(await decodeFetchResponse(response({ throttledMs: 1_500 }))).toEqual(throttled)
    const without = Buffer.concat([int32(1_500), int16(0), int32(0), array([])])
    expect(await decodeFetchResponse(without)).toEqual(throttled)
  })

  test('without a complete batch proves nothing', async () => {
    const bytes = emptyBatch(10, 4).subarray(0, -1)
    expect(await decodeFetchResponse(response({ throttledMs: 0, bytes }))).toMatchObject({ next: undefined })
  })

  test('with an error code rejects', async () => {
    await expect(decodeFetchResponse(response({ throttledMs: 0, code: 6 }))).rejects.toMatchObject({ code: 6 })
  })
})
