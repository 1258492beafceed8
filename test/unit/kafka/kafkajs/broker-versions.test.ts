import { describe, expect, test } from 'vitest'
import {
  refusedRequests,
  refuseNewerBrokers,
  type VersionedBroker,
} from '../../../../connector/kafka/kafkajs/broker-versions.ts'
import { describeOpenTransactions } from '../../../../connector/kafka/kafkajs/newer-requests.ts'

const PRODUCE = 0
const FETCH = 1
const kafka4 = { [PRODUCE]: { minVersion: 3, maxVersion: 13 }, [FETCH]: { minVersion: 4, maxVersion: 18 } }
const tooNew = { ...kafka4, [PRODUCE]: { minVersion: 8, maxVersion: 15 } }

describe('refusedRequests', () => {
  test('is empty for brokers of Kafka 4', () => expect(refusedRequests(kafka4)).toEqual([]))

  test('names what a broker accepts if it no longer accepts our newest version', () =>
    expect(refusedRequests(tooNew)).toEqual(['Produce 8 or newer (we have 7)']))
})

test('a connection to a broker that is too new fails before anything is sent', async () => {
  let versions = tooNew
  const broker: VersionedBroker = { apiVersions: async () => versions }
  refuseNewerBrokers(broker)
  await expect(broker.apiVersions()).rejects.toMatchObject({
    code: 'publish.broker-too-new',
    message: expect.stringContaining('Produce 8 or newer'),
  })
  versions = kafka4
  expect(await broker.apiVersions()).toBe(kafka4)
})

test('a request of our own is not sent to a broker that no longer accepts its version', async () => {
  const connectionPool = { send: () => Promise.reject(new Error('a request was sent')) }
  const target = { versions: { 61: { minVersion: 1, maxVersion: 2 } }, connectionPool }
  const asked = describeOpenTransactions(target, { topic: 'e', partitions: [0] })
  await expect(asked).rejects.toMatchObject({ code: 'publish.broker-too-new' })
})
