import type { LogEntry, logLevel } from 'kafkajs'

/** Where the Kafka client's own log goes. What matters reaches the caller as an error, so nothing here is above `debug`. */
export type KafkaLog = (
  level: 'debug' | 'trace',
  message: string,
  fields: Readonly<Record<string, string | number>>,
) => void

/** Kafka's DEBUG (5 in kafkajs), whose lines may hold whole answers. */
const kafkaJsDebug = 5

/** The fields that are passed on: never one that can hold a key, a value, an answer or a stack. */
const safeFields = ['broker', 'groupId', 'topic', 'error', 'errorMessage', 'retryCount', 'retryTime', 'correlationId']

/** A `logCreator` for kafkajs: it reports each retry as an error, which is daily business here. */
export function kafkaLogCreator(log: KafkaLog): (level: logLevel) => (entry: LogEntry) => void {
  return () =>
    ({ level, namespace, log: content }) => {
      const fields: Record<string, string | number> = { namespace }
      for (const name of safeFields) {
        const value: unknown = content[name]
        if (typeof value === 'string' || typeof value === 'number') fields[name] = value
      }
      log(level >= kafkaJsDebug ? 'trace' : 'debug', String(content.message), fields)
    }
}
