import { expect, test } from 'vitest'
import { checkProgress, progressText } from '../../../../connector/inspect/doctor/check-progress.ts'

test('has the checks in progress, of a stream with its name, until they are done or fail', async () => {
  const { during, inProgress } = checkProgress()
  const kafka = Promise.withResolvers<string>()
  const page = Promise.withResolvers<never>()
  const running = [during('kafka', null, () => kafka.promise), during('second page', 'paris', () => page.promise)]
  expect(inProgress()).toEqual(['kafka', 'paris: second page'])
  kafka.resolve('done')
  page.reject(new Error('no page'))
  await Promise.allSettled(running)
  expect(inProgress()).toEqual([])
})

test('is shown with three names at most', () => {
  expect(progressText(['kafka', 'paris: polaris'])).toBe('checking kafka, paris: polaris')
  expect(progressText(['a', 'b', 'c', 'd', 'e'])).toBe('checking a, b, c, 2 more')
})
