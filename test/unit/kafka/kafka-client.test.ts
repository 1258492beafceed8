import { expect, it } from 'vitest'
import { kafkaLogCreator } from '../../../connector/kafka/kafka-client.ts'

it('demotes every log line and passes on only fields without data', () => {
  const lines: unknown[] = []
  const log = kafkaLogCreator((...line) => lines.push(line))(4)
  const content = {
    timestamp: 'now',
    logger: 'kafkajs',
    message: 'Response Produce',
    broker: 'b:9092',
    retryCount: 2,
    error: 'The group is rebalancing',
    payload: { type: 'Buffer', data: 'secret' },
    data: { key: 'secret' },
    stack: 'secret',
  }
  log({ namespace: 'Connection', level: 1, label: 'ERROR', log: content })
  log({ namespace: 'Connection', level: 5, label: 'DEBUG', log: content })
  const fields = { namespace: 'Connection', broker: 'b:9092', retryCount: 2, error: 'The group is rebalancing' }
  expect(lines).toEqual([
    ['debug', 'Response Produce', fields],
    ['trace', 'Response Produce', fields],
  ])
})
