import type { RetryOptions } from 'kafkajs'

/** Holds times in milliseconds, and pauses, that only we can tune. Tests shorten them. */
export const kafkaTimes = {
  /** The broker aborts transactions that are open for longer; at most its `transaction.max.timeout.ms` (15 min). */
  transactionMs: 60_000,
  /** A transaction must end this long after its first send. It is less than `transactionMs`. */
  commitWithinMs: 45_000,
  /** An abort, and the closing of a connection, must end within this time. */
  closeMs: 3_000,
  /** How often the id of the events topic is compared. */
  topicEveryMs: 300_000,
  /** How patient a client is. */
  patience: {
    /**
     * The pauses outlast the failover of a broker. The first determines the transaction rate: the broker answers
     * CONCURRENT_TRANSACTIONS for some ms after each transaction.
     */
    stream: { connectionMs: 10_000, requestMs: 15_000, firstPauseMs: 5, maxPauseMs: 500, retries: 30 },
    /** An answer after the session timeout is useless; then the replica joins again on new connections. */
    group: { connectionMs: 10_000, requestMs: 6_000, firstPauseMs: 100, maxPauseMs: 1_000, retries: 5 },
    /** A user waits. Each attempt tries another broker. */
    doctor: { connectionMs: 3_000, requestMs: 5_000, firstPauseMs: 5, maxPauseMs: 500, retries: 2 },
  },
}

export type Patience = keyof typeof kafkaTimes.patience

/**
 * Returns all retry settings of kafkajs, which are set explicitly because its defaults differ when NODE_ENV is `test`.
 */
export function retryOptions(patience: Patience): RetryOptions {
  const { firstPauseMs, maxPauseMs, retries } = kafkaTimes.patience[patience]
  return { initialRetryTime: firstPauseMs, maxRetryTime: maxPauseMs, retries, factor: 0.2, multiplier: 2 }
}
