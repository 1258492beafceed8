import { expect, test } from 'vitest'
import { onceDone } from '../../../connector/compose/shared-resources.ts'
import { never } from '../../support/signals.ts'

function counted() {
  const attempts: PromiseWithResolvers<void>[] = []
  const work = () => {
    const attempt = Promise.withResolvers<void>()
    attempts.push(attempt)
    return attempt.promise
  }
  return { attempts, done: onceDone(work) }
}

test('does the work once for callers that come before and after it is done', async () => {
  const { attempts, done } = counted()
  const together = [done(never), done(never)]
  attempts[0]?.resolve()
  await Promise.all(together)
  await done(never)
  expect(attempts).toHaveLength(1)
})

test('does it again after a failure, which every waiting caller gets', async () => {
  const { attempts, done } = counted()
  const together = [done(never), done(never)]
  attempts[0]?.reject(new Error('down'))
  for (const waiting of together) await expect(waiting).rejects.toThrow('down')
  const again = done(never)
  attempts[1]?.resolve()
  await again
  expect(attempts).toHaveLength(2)
})

test('goes on for the other callers when one of them stops', async () => {
  const { attempts, done } = counted()
  const stopping = new AbortController()
  const [stopped, other] = [done(stopping.signal), done(never)]
  stopping.abort(new Error('stopped'))
  await expect(stopped).rejects.toThrow('stopped')
  attempts[0]?.resolve()
  await other
  expect(attempts).toHaveLength(1)
})
