import { expect, test } from 'vitest'
import { didYouMean, nearestWord } from '../../../connector/runtime/did-you-mean.ts'

const known = ['interval', 'overlap', 'tail', 'KAFKA_BROKERS', 'KAFKA_SSL_CA']

test.each([
  ['intervall', 'interval'],
  ['overlpa', 'overlap'],
  ['over-lap', 'overlap'],
  ['KAFKA_BROKER', 'KAFKA_BROKERS'],
  ['kafka_sslca', 'KAFKA_SSL_CA'],
])('takes %s for %s', (word, meant) => expect(nearestWord(word, known)).toBe(meant))

test.each(['x', 'til3x', 'KAFKA_HOME', 'KAFKA_BOOTSTRAP_SERVERS'])('suggests nothing for %s', (word) => {
  expect(nearestWord(word, known)).toBeUndefined()
  expect(didYouMean(word, known)).toBe('')
})
