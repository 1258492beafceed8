import { expect, test } from 'vitest'
import { defectLine } from '../../connector/defect.ts'

test('an unexpected error is one line with its kind and place, without its message', () => {
  const line = defectLine(new TypeError('Jeanne Planted\n    at /planted/test/secret.ts:1:1'))
  expect(line).toMatch(
    /^unexpected TypeError at test\/unit\/defect\.test\.ts:\d+:\d+; this is a defect of the connector$/,
  )
})

test('the code of a system error is told', () => {
  expect(defectLine(Object.assign(new Error('planted'), { code: 'EPIPE' }))).toMatch(/^unexpected Error EPIPE at /)
})

test('what is no error at all is told by its type', () => {
  expect(defectLine('planted')).toBe('unexpected thrown string; this is a defect of the connector')
})
