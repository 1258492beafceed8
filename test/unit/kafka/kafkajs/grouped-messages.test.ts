import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { groupedMessages } from '../../../../connector/kafka/kafkajs/grouped-messages.ts'

const group = createRequire(import.meta.url)('kafkajs/src/producer/groupMessagesPerPartition')

it('gives kafkajs the same groups as an array of messages', () => {
  const messages = ['a', 'b', 'c'].map((value) => ({ value, partition: 4 }))
  let choices = 0
  const partitioner = ({ message }: { message: { partition: number } }) => {
    choices += 1
    return message.partition
  }
  const grouping = { topic: 'events', partitionMetadata: [{}], partitioner }
  const grouped = group({ ...grouping, messages: groupedMessages(messages, 4) })
  expect(choices).toBe(0)
  expect(grouped).toEqual(group({ ...grouping, messages }))
  expect([...groupedMessages(messages, 4)]).toEqual(messages)
})
