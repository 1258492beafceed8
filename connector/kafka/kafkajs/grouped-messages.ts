import type { Message } from 'kafkajs'

/**
 * Messages of one partition, to pass to kafkajs. It groups the messages of a call by `reduce`, and copies the list for
 * each message; this list returns the groups at once.
 */
export function groupedMessages(messages: readonly Message[], partition: number): Message[] {
  return Object.assign([...messages], { reduce: () => ({ [partition]: messages }) })
}
